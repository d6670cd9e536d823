// Sums and maxima over a warp or a block, by trees that the number of threads fixes.
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

}  // namespace tatami::cuda
