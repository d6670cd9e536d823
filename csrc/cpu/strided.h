// Vectors whose lanes lie a stride apart in memory. Strides 1 and 2 are compiled in (S), every
// other one is a number at run time (S = 0).
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// Calls use.operator()<S>().
template <class Use>
TATAMI_INLINE void with_stride(int64_t stride, const Use& use) {
    if (stride == 1) return use.template operator()<1>();
    if (stride == 2) return use.template operator()<2>();
    use.template operator()<0>();
}

namespace detail {
template <class T, int... I>
TATAMI_INLINE Vec<T> even_lanes(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    return shuffle<2 * I...>(a, b);
}

template <class T, int... I>
TATAMI_INLINE Vec<T> odd_lanes(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    return shuffle<(2 * I + 1)...>(a, b);
}

// Half 0 or 1 of a[0], b[0], a[1], b[1], ...
template <class T, int Half, int... I>
TATAMI_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    constexpr int n = kLanes<T>;
    return shuffle<(I % 2 * n + Half * n / 2 + I / 2)...>(a, b);
}

template <class T>
using Lanes = std::make_integer_sequence<int, kLanes<T>>;
}  // namespace detail

// p[0], p[stride], ..., n of them or more. With S = 1 or 2 all of S · kLanes elements are read.
template <class T, int S>
TATAMI_INLINE Vec<T> load_strided(const T* p, int64_t stride, int64_t n = kLanes<T>) {
    if constexpr (S == 1) return load(p);
    if constexpr (S == 2)
        return detail::even_lanes<T>(load(p), load(p + kLanes<T>), detail::Lanes<T>{});
    T lane[kLanes<T>]{};
    for (int64_t i = 0; i < n; i++) lane[i] = p[i * stride];
    return load(lane);
}

// row[start], row[start + stride], ... with `fill` outside row[0, size).
template <class T, int S>
TATAMI_INLINE Vec<T> load_strided_inside(const T* row, int64_t size, int64_t start, int64_t stride,
                                         T fill) {
    constexpr int64_t n = kLanes<T>;
    const auto part = [&](int64_t from) {
        return load_lanes(row + from, min(n, max<int64_t>(0, -from)),
                          min(n, max<int64_t>(0, size - from)), fill);
    };
    if constexpr (S == 1) return part(start);
    if constexpr (S == 2)
        return detail::even_lanes<T>(part(start), part(start + n), detail::Lanes<T>{});
    T lane[n];
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = start + i * stride;
        lane[i] = at >= 0 && at < size ? row[at] : fill;
    }
    return load(lane);
}

// a[0], b[0], a[1], b[1], ... over 2 · kLanes elements.
template <class T>
TATAMI_INLINE void store_interleaved(T* p, Vec<T> a, Vec<T> b) {
    store(p, detail::interleave<T, 0>(a, b, detail::Lanes<T>{}));
    store(p + kLanes<T>, detail::interleave<T, 1>(a, b, detail::Lanes<T>{}));
}

template <class T>
TATAMI_INLINE void store_strided(T* p, int64_t stride, Vec<T> v) {
    T lane[kLanes<T>];
    store(lane, v);
    for (int i = 0; i < kLanes<T>; i++) p[i * stride] = lane[i];
}

}  // namespace tatami::TATAMI_ISA
