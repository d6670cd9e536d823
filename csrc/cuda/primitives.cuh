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

#if defined(__CUDACC__) && !(__CUDA_ARCH__ >= 800)
// The first of 16 bytes, an even number of them, then zeros.
inline __device__ __noinline__ uint4 part(const void* from, int bytes) {
    uint32_t words[4] = {};
    TATAMI_UNROLL
    for (int i = 0; i < 8; i++)
        if (2 * i < bytes)
            words[i / 2] |= uint32_t(static_cast<const uint16_t*>(from)[i]) << i % 2 * 16;
    return {words[0], words[1], words[2], words[3]};
}
#endif

// to[0 ... 15 bytes] = `bytes` of `from`, then zeros; both aligned to 16 bytes. `to` must not be
// read before a wait, nor by other threads before a barrier after it.
TATAMI_DEVICE void async_copy(void* to, const void* from, int bytes) {
#if __CUDA_ARCH__ >= 800
    const auto address = uint32_t(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(from),
                 "r"(bytes)
                 : "memory");
#elif defined(__CUDACC__)
    *static_cast<uint4*>(to) = bytes == 16 ? *static_cast<const uint4*>(from) : part(from, bytes);
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

// x as the tensor cores take float32: the nearest number of 10 bits behind the point, the one
// farther from 0 of two.
TATAMI_DEVICE uint32_t to_tf32(uint32_t x) {
#if __CUDA_ARCH__ >= 800
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(x)));
    return rounded;
#else
    const bool nan = (x & 0x7FFFFFFFu) > 0x7F800000u;
    return nan ? 0x7FFFE000u : (x + 0x1000u) & ~0x1FFFu;
#endif
}

// Matrices as multiply_matrices wants them.
template <class T>
TATAMI_DEVICE Matrices4 rounded(Matrices4 m) {
    if constexpr (sizeof(T) == 4) TATAMI_UNROLL
    for (int i = 0; i < 4; i++) m.at[i] = to_tf32(m.at[i]);
    return m;
}

// The number, or one of the two, in a word.
template <class T>
TATAMI_DEVICE float number_in(uint32_t word, int which) {
    float x;
    if constexpr (sizeof(T) == 4) {
        memcpy(&x, &word, sizeof x);
    } else {
        T half;
        half.word = uint16_t(word >> 16 * which);
        x = half;
    }
    return x;
}

struct Sums4 {
    float at[4];
};

// multiply_matrices without an instruction for it: right, and slow.
template <class T>
__device__ __noinline__ Sums4 multiply_slowly(Sums4 sums, Matrices4 a, Pair32 b) {
    constexpr int kInWord = 4 / int(sizeof(T));
    const int lane = int(threadIdx.x) % kWarp;
    for (int t = 0; t < 4; t++) {
        const Matrices4 row = shuffle(a, lane / 4 * 4 + t);
        Pair32 column[2];
        TATAMI_UNROLL
        for (int c = 0; c < 2; c++) column[c] = shuffle(b, (lane % 4 * 2 + c) * 4 + t);
        TATAMI_UNROLL
        for (int k = 0; k < 2 * kInWord; k++) TATAMI_UNROLL
        for (int i = 0; i < 4; i++)
            sums.at[i] = fma(number_in<T>(row.at[k / kInWord * 2 + i / 2], k % kInWord),
                             number_in<T>(column[i % 2].at[k / kInWord], k % kInWord), sums.at[i]);
    }
    return sums;
}

#if __CUDA_ARCH__ >= 800
#define TATAMI_MMA(types)                                                        \
    asm("mma.sync.aligned." types                                                \
        " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "                        \
        "{%0, %1, %2, %3};"                                                      \
        : "+f"(sums.at[0]), "+f"(sums.at[1]), "+f"(sums.at[2]), "+f"(sums.at[3]) \
        : "r"(a.at[0]), "r"(a.at[1]), "r"(a.at[2]), "r"(a.at[3]), "r"(b.at[0]), "r"(b.at[1]))
#endif

// Whether there is a use for a kernel that multiplies T so: TF32 is not asked for where it would be
// slow (Device::tf32).
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
template <class T>
inline constexpr bool kMultiplies = sizeof(T) == 2;
#else
template <class T>
inline constexpr bool kMultiplies = true;
#endif

// sums (16, 8) += a (16, K) · b (K, 8), where K is two chunks: 16 numbers of 16 bits, or 8 of TF32.
// Sums: elements (l / 4, l % 4 · 2), the one beside it, and both 8 rows below. a: matrices (rows,
// k) from (0, 0), (8, 0), (0, K / 2) and (8, K / 2) on; b: (columns, k) from (0, 0) and (0, K / 2)
// on.
template <class T>
TATAMI_DEVICE void multiply_matrices(Sums4& sums, const Matrices4& a, const Pair32& b) {
#if __CUDA_ARCH__ >= 800
    if constexpr (std::is_same_v<T, Half>)
        TATAMI_MMA("m16n8k16.row.col.f32.f16.f16.f32");
    else if constexpr (std::is_same_v<T, Bfloat16>)
        TATAMI_MMA("m16n8k16.row.col.f32.bf16.bf16.f32");
    else
        TATAMI_MMA("m16n8k8.row.col.f32.tf32.tf32.f32");
#elif defined(__CUDA_ARCH__)
    if constexpr (std::is_same_v<T, Half>) {
        const auto half = [&](uint32_t top, uint32_t bottom, uint32_t right) {
            asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, "
                "{%6}, {%0, %1, %2, %3};"
                : "+f"(sums.at[0]), "+f"(sums.at[1]), "+f"(sums.at[2]), "+f"(sums.at[3])
                : "r"(top), "r"(bottom), "r"(right));
        };
        half(a.at[0], a.at[1], b.at[0]);
        half(a.at[2], a.at[3], b.at[1]);
    } else {
        sums = multiply_slowly<T>(sums, a, b);
    }
#else
    sums = multiply_slowly<T>(sums, a, b);
#endif
}
#undef TATAMI_MMA

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
