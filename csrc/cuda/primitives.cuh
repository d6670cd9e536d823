// What threads do together. The only place with inline PTX; beside each the same in plain C++.
#pragma once

#include "cuda/words.cuh"

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

// The same for the lanes of a warp.
TATAMI_DEVICE void sync_warp() {
#ifdef __CUDACC__
    __syncwarp();
#else
    const char nothing = 0;
    emulator::exchange(&nothing, sizeof nothing);
#endif
}

// Blocks of a cooperative launch meet at a counter that only grows: each arrives, and waits until
// as many have. Who has waited sees all that any thread of those blocks wrote before it arrived.
TATAMI_DEVICE void arrive(uint64_t* counter) {
    sync_block();
    if (threadIdx.x != 0) return;
#ifdef __CUDACC__
    asm volatile("red.release.gpu.global.add.u64 [%0], 1;" ::"l"(counter) : "memory");
#else
    emulator::arrive(counter);
#endif
}
TATAMI_DEVICE void wait_for(const uint64_t* counter, uint64_t arrivals) {
    if (threadIdx.x == 0) {
#ifdef __CUDACC__
        uint64_t now;
        do
            asm volatile("ld.acquire.gpu.global.u64 %0, [%1];"
                         : "=l"(now)
                         : "l"(counter)
                         : "memory");
        while (now < arrivals);
#else
        emulator::wait_for(counter, arrivals);
#endif
    }
    sync_block();
}

// Brings the line of `address` into the L2, without waiting for it.
TATAMI_DEVICE void prefetch(const void* address) {
#ifdef __CUDACC__
    asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
#else
    (void)*static_cast<const volatile char*>(address);
#endif
}

#ifdef __CUDACC__
// Any value, a word of 32 bits at a time.
template <class V, class Shuffle>
TATAMI_DEVICE V by_words(V value, Shuffle shuffle) {
    static_assert(sizeof(V) % 4 == 0);
    uint32_t words[sizeof(V) / 4];
    memcpy(words, &value, sizeof(V));
    for (uint32_t& word : words) word = shuffle(word);
    memcpy(&value, words, sizeof(V));
    return value;
}
#else
template <class V>
V given_by(int lane, V value) {
    static_assert(sizeof(V) <= emulator::kExchange);
    const char* const given = emulator::exchange(&value, sizeof(V));
    std::memcpy(&value, given + lane * emulator::kExchange, sizeof(V));
    return value;
}
#endif

// The value of lane `lane` of the warp, all of whose lanes must call.
template <class V>
TATAMI_DEVICE V shuffle(V value, int lane) {
#ifdef __CUDACC__
    return by_words(value, [=](uint32_t w) { return __shfl_sync(0xFFFFFFFFu, w, lane); });
#else
    return given_by(lane, value);
#endif
}

// The value of the lane whose number differs in the bits of `mask`.
template <class V>
TATAMI_DEVICE V shuffle_xor(V value, int mask) {
#ifdef __CUDACC__
    return by_words(value, [=](uint32_t w) { return __shfl_xor_sync(0xFFFFFFFFu, w, mask); });
#else
    return given_by(int(emulator::current->number % kWarp) ^ mask, value);
#endif
}

// The lanes, as bits, where `condition` holds.
TATAMI_DEVICE uint32_t ballot(bool condition) {
#ifdef __CUDACC__
    return __ballot_sync(0xFFFFFFFFu, condition);
#else
    const char* const given = emulator::exchange(&condition, sizeof condition);
    uint32_t lanes = 0;
    for (int lane = 0; lane < kWarp; lane++)
        lanes |= uint32_t(given[lane * emulator::kExchange] != 0) << lane;
    return lanes;
#endif
}

#ifdef __CUDACC__
// Numbers of 16 bits; core/half.h has the same in plain C++.
TATAMI_DEVICE uint16_t to_half(float x) {
    uint16_t h;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
}
TATAMI_DEVICE float of_half(uint16_t h) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h));
    return x;
}
TATAMI_DEVICE uint16_t to_bfloat16(float x) {
#if __CUDA_ARCH__ >= 800
    uint16_t h;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(x));
    return h;
#else
    return bits::to_bfloat16(x);
#endif
}
#endif

// How many bits are set.
TATAMI_DEVICE int bit_count(uint32_t bits) {
#ifdef __CUDACC__
    return __popc(bits);
#else
    return __builtin_popcount(bits);
#endif
}

// max(a, b), NaN where either is.
template <class T>
TATAMI_DEVICE T largest(T a, T b) {
    return a > b || a != a ? a : b;
}

}  // namespace tatami::cuda
