// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11), a vector of
// counters at a time. The words of counter c depend on c and the key alone.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

inline constexpr int kWideLanes = kVectorBytes / 8;

namespace detail {
// Lanes a0 b0 a1 b1 ... from the lower (UPPER 0) or upper halves of a and b.
template <int UPPER, int... I>
TATAMI_INLINE Wide interleave(Wide a, Wide b, std::integer_sequence<int, I...>) {
    constexpr int n = kWideLanes, from = UPPER * n / 2;
    return shuffle<(from + I / 2 + (I % 2 ? n : 0))...>(a, b);
}
}  // namespace detail

// The 4 kWideLanes words of the counters from `counter` on, in order.
TATAMI_INLINE void philox(uint64_t key, uint64_t counter, uint32_t* words) {
    constexpr auto lanes = std::make_integer_sequence<int, kWideLanes>{};
    Wide c0 = Wide(detail::lane_numbers<double>(lanes)) + counter, c1 = c0 >> 32, c2{}, c3{};
    const Wide m0 = Wide{} + 0xD2511F53u, m1 = Wide{} + 0xCD9E8D57u;
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        const Wide p0 = multiply_low(c0, m0), p1 = multiply_low(c2, m1);
        c0 = (p1 >> 32) ^ c1 ^ uint64_t(k0);
        c2 = (p0 >> 32) ^ c3 ^ uint64_t(k1);
        c1 = p1;
        c3 = p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    // Each counter's words as two lanes, then the lanes of counters in order.
    const Wide low = (c0 & 0xFFFFFFFFu) | (c1 << 32), high = (c2 & 0xFFFFFFFFu) | (c3 << 32);
    const Wide first = detail::interleave<0>(low, high, lanes);
    const Wide second = detail::interleave<1>(low, high, lanes);
    std::memcpy(words, &first, sizeof first);
    std::memcpy(words + 2 * kWideLanes, &second, sizeof second);
}

inline constexpr int64_t kWordBlock = 256;  // elements whose words are made at a time

// The words of the elements from `first` on, four a counter; first is a multiple of 4.
TATAMI_INLINE void random_words(uint64_t seed, int64_t first, uint32_t (&words)[kWordBlock]) {
    for (int64_t w = 0; w < kWordBlock; w += 4 * kWideLanes)
        philox(seed, uint64_t(first + w) / 4, words + w);
}

}  // namespace tatami::TATAMI_ISA
