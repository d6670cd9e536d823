// Two bfloat16 that follow each other along the inner axis of a product, where the processor
// multiplies them in one instruction. Products of twins are written as those of float32, with half
// as many steps along that axis.
#pragma once

#include "core/half.h"
#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// The earlier one lies in the upper half, which the instruction adds first. So a sum is the chain
// of fused multiply-adds that float32 has in the order of the inner axis, bit by bit, but that
// numbers below 2^-126, factors and sums, count as zeros.
struct Twin {
    uint32_t word;
};

namespace detail {
template <>
struct VecOf<Twin> : VecOf<float> {};  // bits alone, never arithmetic
}  // namespace detail

// What products of T are added up in.
template <class T>
using SumOf = std::conditional_t<std::is_same_v<T, Twin>, float, T>;

// What results of products of T are stored as.
template <class T>
using Stored = std::conditional_t<std::is_same_v<T, Twin>, Bfloat16, T>;

TATAMI_INLINE Vec<Twin> broadcast(Twin x) {
    return (Vec<Twin>)(Mask<float>{} + int32_t(x.word));
}

// c + a·b, lane by lane.
template <class T>
TATAMI_INLINE Vec<T> dot(std::type_identity_t<Vec<T>> a, std::type_identity_t<Vec<T>> b,
                         std::type_identity_t<Vec<T>> c) {
    if constexpr (std::is_same_v<T, Twin>) {
#if defined(__AVX512BF16__)
        return _mm512_dpbf16_ps(c, (__m512bh)a, (__m512bh)b);
#endif
    } else {
        return fma(a, b, c);
    }
}

}  // namespace tatami::TATAMI_ISA
