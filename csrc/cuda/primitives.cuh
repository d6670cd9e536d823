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

// ---- Copies to shared memory that go on while the thread does.

// to[0 ... 15 bytes] = `bytes` of `from`, then zeros; both aligned to 16 bytes. `to` must not be
// read before a wait, nor by other threads before a barrier after it.
TATAMI_DEVICE void async_copy(void* to, const void* from, int bytes) {
#if __CUDA_ARCH__ >= 800
    const auto address = uint32_t(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
                 "r"(bytes)
                 : "memory");
#elif defined(__CUDACC__)
    uint4 value{};
    if (bytes == 16)
        value = *static_cast<const uint4*>(from);
    else
        memcpy(&value, from, bytes);
    *static_cast<uint4*>(to) = value;
#else
    emulator::begin_copy(to, from, bytes);
#endif
}

// The copies that the thread has begun since the last call are one group.
TATAMI_DEVICE void close_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#elif !defined(__CUDACC__)
    emulator::close_copies();
#endif
}

// Until all groups of the thread but the last OPEN are there.
template <int OPEN>
TATAMI_DEVICE void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(OPEN) : "memory");
#elif !defined(__CUDACC__)
    emulator::wait_for_copies(OPEN);
#endif
}

// ---- Small matrices, spread over a warp: element (r, c) of 8 by 8 numbers of 16 bits is half
// c % 2 of a word of lane 4 r + c / 2.

struct Matrices4 {
    uint32_t at[4];
};

// Four of them; lane l says where row l % 8 of matrix l / 8 lies in shared memory. TRANSPOSED: what
// lies there are the columns.
template <bool TRANSPOSED>
TATAMI_DEVICE Matrices4 load_matrices(const void* row) {
    Matrices4 m;
#ifdef __CUDACC__
    const auto address = uint32_t(__cvta_generic_to_shared(row));
    if constexpr (TRANSPOSED)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(m.at[0]), "=r"(m.at[1]), "=r"(m.at[2]), "=r"(m.at[3])
                     : "r"(address)
                     : "memory");
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(m.at[0]), "=r"(m.at[1]), "=r"(m.at[2]), "=r"(m.at[3])
                     : "r"(address)
                     : "memory");
#else
    const char* const given = emulator::exchange(&row, sizeof row);
    const int lane = int(emulator::current->number % kWarp), r = lane / 4, c = lane % 4 * 2;
    for (int i = 0; i < 4; i++) {
        uint16_t half[2];
        for (int k = 0; k < 2; k++) {
            const int line = TRANSPOSED ? c + k : r, place = TRANSPOSED ? r : c + k;
            const uint16_t* from;
            std::memcpy(&from, given + (i * 8 + line) * emulator::kExchange, sizeof from);
            half[k] = from[place];
        }
        m.at[i] = uint32_t(half[1]) << 16 | half[0];
    }
#endif
    return m;
}

struct Pair32 {
    uint32_t at[2];
};

// One of the two halves of a word.
template <class T>
TATAMI_DEVICE float half_of(uint32_t word, int which) {
    T x;
    x.word = uint16_t(word >> 16 * which);
    return x;
}

// sums (16, 8) += a (16, 16) · b (16, 8). Sums: elements (l / 4, l % 4 · 2), the one beside it, and
// both 8 rows below. a: (rows, k) from (0, 0), (8, 0), (0, 8) and (8, 8) on; b: matrices (column,
// k) number 2 · which, from (0, 0) on, and the next, from (0, 8) on.
template <class T>
TATAMI_DEVICE void multiply_matrices(float (&sums)[4], const Matrices4& a, const Matrices4& b,
                                     int which) {
    const uint32_t first = b.at[2 * which], second = b.at[2 * which + 1];
#if __CUDA_ARCH__ >= 800
    if constexpr (std::is_same_v<T, Bfloat16>)
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
            "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(first), "r"(second));
    else
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, "
            "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(first), "r"(second));
#else
#if __CUDA_ARCH__ >= 750
    if constexpr (std::is_same_v<T, Half>) {
        const auto half = [&](uint32_t top, uint32_t bottom, uint32_t right) {
            asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, "
                "{%6}, {%0, %1, %2, %3};"
                : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
                : "r"(top), "r"(bottom), "r"(right));
        };
        half(a.at[0], a.at[1], first);
        half(a.at[2], a.at[3], second);
        return;
    }
#endif
    // Also for bfloat16 on GPUs that have no such instruction: right, and slow.
    const int lane = int(threadIdx.x) % kWarp;
    for (int t = 0; t < 4; t++) {
        const Matrices4 row = shuffle(a, lane / 4 * 4 + t);
        Pair32 column[2];
        for (int c = 0; c < 2; c++)
            column[c] = shuffle(Pair32{first, second}, (lane % 4 * 2 + c) * 4 + t);
        for (int k = 0; k < 4; k++)
            for (int i = 0; i < 4; i++)
                sums[i] = fma(half_of<T>(row.at[k / 2 * 2 + i / 2], k % 2),
                              half_of<T>(column[i % 2].at[k / 2], k % 2), sums[i]);
    }
#endif
}

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
