// The products of numbers of 32 and 64 bits on the CUDA cores. Tiles of A and B lie in shared
// memory with neighbouring lines side by side: while one pair is used the next is on its way
// through registers.
#pragma once

#include "cuda/gemm_factor.cuh"
#include "cuda/primitives.cuh"

namespace tatami::cuda {

// How a block's threads read one of its two tiles, (WIDTH lines) by (DEPTH), from a factor.
template <class T, class Shape, int WIDTH, int STRIDE, class Line, bool ALONG_DEPTH>
struct Reader {
    static constexpr int kThreads = Shape::kThreads, kDepth = Shape::kDepth;
    static constexpr int kElements = WIDTH * kDepth / kThreads;
    static_assert(kElements * kThreads == WIDTH * kDepth);
    static constexpr int kLines = ALONG_DEPTH ? kElements : 1;  // that a thread reads from

    Line line[kLines];
    bool inside[kLines];
    T value[kElements];

    TATAMI_DEVICE static int line_of(int i) {
        return ALONG_DEPTH ? int(threadIdx.x) / kDepth + i * (kThreads / kDepth)
                           : int(threadIdx.x) % WIDTH;
    }
    TATAMI_DEVICE static int depth_of(int i) {
        return ALONG_DEPTH ? int(threadIdx.x) % kDepth
                           : int(threadIdx.x) / WIDTH + i * (kThreads / WIDTH);
    }

    template <class Find>
    TATAMI_DEVICE void begin(int64_t first, int64_t count, Find find) {
        TATAMI_UNROLL
        for (int i = 0; i < kLines; i++) {
            const int64_t at = first + line_of(i);
            inside[i] = at < count;
            line[i] = find(inside[i] ? at : 0);
        }
    }
    template <class Factor>
    TATAMI_DEVICE void read(const Factor& factor, int64_t k, int64_t end) {
        TATAMI_UNROLL
        for (int i = 0; i < kElements; i++) {
            const int64_t d = k + depth_of(i);
            const int l = ALONG_DEPTH ? i : 0;
            value[i] = inside[l] && d < end ? factor.at(line[l], d) : T(0);
        }
    }
    TATAMI_DEVICE void keep(T* shared) const {
        TATAMI_UNROLL
        for (int i = 0; i < kElements; i++) shared[depth_of(i) * STRIDE + line_of(i)] = value[i];
    }
};

// A main loop (gemm.cuh) over tiles (ROWS, COLUMNS) of C, DEPTH of k at a time; a thread has
// (EACH, EACH) of a tile.
template <class T, int ROWS, int COLUMNS, int DEPTH, int EACH>
struct FfmaLoop {
    using Sum = T;
    static constexpr bool kUseful = true;
    static constexpr int kRows = ROWS, kColumns = COLUMNS, kDepth = DEPTH;
    static constexpr int kThreads = ROWS / EACH * (COLUMNS / EACH), kBlocks = 256 / kThreads;
    static constexpr int kOwnRows = EACH, kOwnColumns = EACH;
    // A thread's rows and columns come in fours, spread evenly over the tile: shared memory is read
    // 16 bytes at a time by neighbours side by side.
    static constexpr int kRun = 4, kRuns = EACH / kRun;
    static constexpr int kSpreadA = ROWS / kRuns, kSpreadB = COLUMNS / kRuns;
    static constexpr int kStrideA = ROWS + 4, kStrideB = COLUMNS + 4;
    static constexpr int kOffsetB = DEPTH * kStrideA;
    static constexpr int kStage = DEPTH * (kStrideA + kStrideB);  // elements of one pair
    static constexpr size_t kShared = 2 * kStage * sizeof(T);

    T sums[EACH][EACH] = {};

    TATAMI_DEVICE static int first_row() { return int(threadIdx.x) / (COLUMNS / EACH) * kRun; }
    TATAMI_DEVICE static int first_column() { return int(threadIdx.x) % (COLUMNS / EACH) * kRun; }
    TATAMI_DEVICE static int row(int i) { return first_row() + i / kRun * kSpreadA + i % kRun; }
    TATAMI_DEVICE static int column(int j) {
        return first_column() + j / kRun * kSpreadB + j % kRun;
    }
    TATAMI_DEVICE T& at(int i, int j) { return sums[i][j]; }

    template <class A, class B>
    TATAMI_DEVICE void multiply(const A& a, const B& b, const Part& p) {
        T* const shared = shared_memory<T>();
        Reader<T, FfmaLoop, ROWS, kStrideA, typename A::Row, A::kAlongDepth> left;
        Reader<T, FfmaLoop, COLUMNS, kStrideB, typename B::Column, B::kAlongDepth> right;
        left.begin(p.row, p.m, [&](int64_t r) { return a.row(r); });
        right.begin(p.column, p.n, [&](int64_t c) { return b.column(c); });
        const auto read = [&](int64_t k) { left.read(a, k, p.end), right.read(b, k, p.end); };
        const auto keep = [&](T* stage) { left.keep(stage), right.keep(stage + kOffsetB); };
        int stage = 1;
        TATAMI_ROLL
        for (int64_t k = p.k0 - DEPTH; k < p.end; k += DEPTH, stage ^= 1) {
            const bool first = k < p.k0, more = k + DEPTH < p.end;  // the first turn only reads
            if (!first)
                sync_block();  // this pair is there, and nobody reads the other one any more
            if (more) read(k + DEPTH);
            if (!first) multiply_stage(shared + stage * kStage);
            if (more) keep(shared + (stage ^ 1) * kStage);
        }
    }

  private:
    TATAMI_DEVICE void multiply_stage(const T* a) {
        using Four = Elements<T, kRun>;
        const T* const b = a + kOffsetB;
        for (int d = 0; d < DEPTH; d++) {
            Four left[kRuns], right[kRuns];
            TATAMI_UNROLL
            for (int r = 0; r < kRuns; r++) {
                left[r] = *reinterpret_cast<const Four*>(a + d * kStrideA + row(r * kRun));
                right[r] = *reinterpret_cast<const Four*>(b + d * kStrideB + column(r * kRun));
            }
            TATAMI_UNROLL
            for (int i = 0; i < EACH; i++) TATAMI_UNROLL
            for (int j = 0; j < EACH; j++)
                sums[i][j] = fma(left[i / 4].at[i % 4], right[j / 4].at[j % 4], sums[i][j]);
        }
    }
};

}  // namespace tatami::cuda
