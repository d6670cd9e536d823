// What threads do together. The only place with inline PTX; beside each the same in plain C++.
#pragma once

#include "cuda/words.cuh"

#ifdef __CUDACC__
#include <cooperative_groups.h>
#endif

namespace tatami::cuda {

// The block's shared memory, of the size that it was launched with, aligned to 16 bytes.
template <class T>
TATAMI_DEVICE T* shared_memory() {
#ifdef __CUDACC__
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<T*>(memory);
#else
    return static_cast<T*>(emulator::shared_memory());
#endif
}

// All threads of the block have come here, and see what the others wrote before.
TATAMI_DEVICE void sync_block() {
#ifdef __CUDACC__
    __syncthreads();
#else
    emulator::sync_block();
#endif
}

// The same for the grid, in a cooperative launch.
TATAMI_DEVICE void sync_grid() {
#ifdef __CUDACC__
    cooperative_groups::this_grid().sync();
#else
    emulator::sync_grid();
#endif
}

// The value of lane `lane ^ mask` of the warp, all of whose lanes must call.
template <class V>
TATAMI_DEVICE V shuffle_xor(V value, int mask) {
#ifdef __CUDACC__
    return __shfl_xor_sync(0xFFFFFFFFu, value, mask);
#else
    static_assert(sizeof(V) <= emulator::kExchange);
    const char* const given = emulator::exchange(&value, sizeof(V));
    const int lane = int(emulator::current->number % kWarp) ^ mask;
    std::memcpy(&value, given + lane * emulator::kExchange, sizeof(V));
    return value;
#endif
}

// The value of lane `lane`.
template <class V>
TATAMI_DEVICE V shuffle(V value, int lane) {
#ifdef __CUDACC__
    return __shfl_sync(0xFFFFFFFFu, value, lane);
#else
    static_assert(sizeof(V) <= emulator::kExchange);
    const char* const given = emulator::exchange(&value, sizeof(V));
    std::memcpy(&value, given + lane * emulator::kExchange, sizeof(V));
    return value;
#endif
}

// max(a, b), NaN where either is.
template <class T>
TATAMI_DEVICE T largest(T a, T b) {
    return a > b || a != a ? a : b;
}

}  // namespace tatami::cuda
