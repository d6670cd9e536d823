// Normal noise from random words; see ops/normal_quantile.h.
#pragma once

#include "cpu/math.h"
#include "ops/normal_quantile.h"

namespace tatami::TATAMI_ISA {

namespace detail {

// Words of T's width.
template <class T>
TATAMI_INLINE Mask<T> signed_words(const uint32_t* p) {
    if constexpr (sizeof(T) == 4) {
        Mask<T> w;
        std::memcpy(&w, p, sizeof w);
        return w;
    } else {
        return load_wide(reinterpret_cast<const int32_t*>(p));
    }
}

}  // namespace detail

// Phi^-1(1/2 + (s + 1/2) / 2^32) of signed words s, kLanes<T> of them from p on.
template <class T>
TATAMI_INLINE Vec<T> normal_quantile(const uint32_t* p) {
    using Fit = QuantileFit<T>;
    constexpr T kUnit = T(0x1p-32);
    const Mask<T> s = detail::signed_words<T>(p), steps = s < 0 ? ~s : s;
    // Both counted in whole steps, so that each keeps its relative precision where it is small.
    const Vec<T> centre = (__builtin_convertvector(steps, Vec<T>) + T(0.5)) * kUnit;
    const Vec<T> tail = (__builtin_convertvector(INT32_MAX - steps, Vec<T>) + T(0.5)) * kUnit;
    const Vec<T> near = T(0.180625) - centre * centre;
    const Vec<T> far = sqrt<T>(-log<T>(tail)) - T(1.6);
    const Mask<T> in_centre = centre <= T(0.425);
    const Vec<T> top = select<T>(in_centre, centre * detail::polynomial<T>(near, Fit::kTop),
                                 detail::polynomial<T>(far, Fit::kTailTop));
    const Vec<T> bottom = select<T>(in_centre, detail::polynomial<T>(near, Fit::kBottom),
                                    detail::polynomial<T>(far, Fit::kTailBottom));
    const Vec<T> x = top / bottom;
    return s < 0 ? -x : x;
}

}  // namespace tatami::TATAMI_ISA
