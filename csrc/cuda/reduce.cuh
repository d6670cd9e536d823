// Sums and maxima over a warp or a block, by trees that the number of threads fixes; running sums.
#pragma once

#include "cuda/primitives.cuh"

namespace tatami::cuda {

struct Plus {
    template <class V>
    TATAMI_DEVICE V operator()(V a, V b) const {
        return a + b;
    }
};

struct Largest {
    template <class V>
    TATAMI_DEVICE V operator()(V a, V b) const {
        return largest(a, b);
    }
};

// The same result in every lane.
template <class V, class F>
TATAMI_DEVICE V reduce_warp(V value, F f) {
    for (int mask = kWarp / 2; mask; mask /= 2) value = f(value, shuffle_xor(value, mask));
    return value;
}

// Elements of shared memory that reduce_block wants.
inline constexpr int kReduceRoom = 32;

// The same result in every thread; blockDim.x is a multiple of a warp, room (kReduceRoom) shared.
template <class V, class F>
TATAMI_DEVICE V reduce_block(V value, V* room, F f) {
    const int warps = int(blockDim.x) / kWarp;
    value = reduce_warp(value, f);
    if (warps == 1) return value;
    if (threadIdx.x % kWarp == 0) room[threadIdx.x / kWarp] = value;
    sync_block();
    value = room[0];
    for (int w = 1; w < warps; w++) value = f(value, room[w]);
    sync_block();  // the room may be used again
    return value;
}

// The sum over the threads before this one; as reduce_block.
template <class V>
TATAMI_DEVICE V sum_before(V value, V* room) {
    const int lane = int(threadIdx.x) % kWarp, warp = int(threadIdx.x) / kWarp;
    V sum = value;
    for (int step = 1; step < kWarp; step *= 2) {
        const V other = shuffle(sum, lane >= step ? lane - step : lane);
        if (lane >= step) sum += other;
    }
    if (lane == kWarp - 1) room[warp] = sum;
    sync_block();
    V before = V(0);
    for (int w = 0; w < warp; w++) before += room[w];
    sync_block();
    return before + sum - value;
}

}  // namespace tatami::cuda
