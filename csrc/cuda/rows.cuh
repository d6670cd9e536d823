// How threads share an array seen along one of its axes, (outer, length, inner): a team of threads
// for each line of `length` elements that are `inner` apart.
//
//   inner = 1, short    a warp a row, which its L1 keeps between sweeps
//   inner = 1, long     a block a row
//   inner > 1           a thread a line: neighbours read neighbouring columns
#pragma once

#include "cuda/launch.cuh"
#include "cuda/reduce.cuh"
#include "ops/axis.h"

namespace tatami::cuda {

inline constexpr int kRowThreads = 256;

// One thread: nothing to share.
struct Single {
    static constexpr int kTeams = kRowThreads;  // of a block
    TATAMI_DEVICE int rank() const { return 0; }
    TATAMI_DEVICE int size() const { return 1; }
    template <class V, class F>
    TATAMI_DEVICE V reduce(V value, F) const {
        return value;
    }
};

struct WarpTeam {
    static constexpr int kTeams = kRowThreads / kWarp;
    TATAMI_DEVICE int rank() const { return int(threadIdx.x) % kWarp; }
    TATAMI_DEVICE int size() const { return kWarp; }
    template <class V, class F>
    TATAMI_DEVICE V reduce(V value, F f) const {
        return reduce_warp(value, f);
    }
};

struct BlockTeam {
    static constexpr int kTeams = 1;
    TATAMI_DEVICE int rank() const { return int(threadIdx.x); }
    TATAMI_DEVICE int size() const { return int(blockDim.x); }
    template <class V, class F>
    TATAMI_DEVICE V reduce(V value, F f) const {
        return reduce_block(value, shared_memory<V>(), f);
    }
};

// Where a line lies; lines are numbered by (outer, inner).
struct Line {
    int64_t start, stride, length, number;
};

// work(team, line) for every line.
template <class Team, class Work>
__global__ void for_lines(int64_t outer, int64_t length, int64_t inner, Work work) {
    constexpr int kThreads = kRowThreads / Team::kTeams;  // of a team
    const int64_t i = int64_t(blockIdx.x) * Team::kTeams + threadIdx.x / kThreads;
    if (i >= outer * inner) return;
    work(Team{}, Line{i / inner * length * inner + i % inner, inner, length, i});
}

// Rows up to so many elements go by warps.
inline constexpr int64_t kWarpRow = 1024;

template <class Work>
void each_line(const Axis& p, const Work& work) {
    const int64_t lines = p.outer * p.inner;
    if (lines <= 0) return;
    const auto start = [&]<class Team>(Team, size_t shared) {
        const int64_t blocks = (lines + Team::kTeams - 1) / Team::kTeams;
        launch({dim3(unsigned(blocks)), dim3(kRowThreads), shared}, &for_lines<Team, Work>, p.outer,
               p.length, p.inner, work);
    };
    if (p.inner > 1 || p.length == 1)
        start(Single{}, 0);
    else if (p.length <= kWarpRow)
        start(WarpTeam{}, 0);
    else
        start(BlockTeam{}, kReduceRoom * sizeof(double) * 2);
}

}  // namespace tatami::cuda
