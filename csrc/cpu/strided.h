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

// Lanes First, First + 1, ... of a and b in one row.
template <class T, int First, int... I>
TATAMI_INLINE Vec<T> joined(Vec<T> a, Vec<T> b, std::integer_sequence<int, I...>) {
    return shuffle<(I + First)...>(a, b);
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

// row[start], row[start + 1], ... with `fill` outside row[0, size).
template <class T>
TATAMI_INLINE Vec<T> load_inside(const T* row, int64_t size, int64_t start, T fill) {
    constexpr int64_t n = kLanes<T>;
    return load_lanes(row + start, min(n, max<int64_t>(0, -start)),
                      min(n, max<int64_t>(0, size - start)), fill);
}

// Stores vector(c), and with S = 2 vector(c + kLanes), as pixels c, c + 1, ... of a row whose even
// and odd pixels lie `phase` elements apart.
template <int S, class T, class Vector>
TATAMI_INLINE void store_phases(T* row, int64_t phase, int64_t c, const Vector& vector) {
    if constexpr (S == 2) {
        const Vec<T> low = vector(c), high = vector(c + kLanes<T>);
        store(row + c / 2, detail::even_lanes<T>(low, high, detail::Lanes<T>{}));
        store(row + phase + c / 2, detail::odd_lanes<T>(low, high, detail::Lanes<T>{}));
    } else {
        store(row + c, vector(c));
    }
}

// a[0], b[0], a[1], b[1], ... over 2 · kLanes elements.
template <class T>
TATAMI_INLINE void store_interleaved(T* p, Vec<T> a, Vec<T> b) {
    store(p, detail::interleave<T, 0>(a, b, detail::Lanes<T>{}));
    store(p + kLanes<T>, detail::interleave<T, 1>(a, b, detail::Lanes<T>{}));
}

// to (size) = a[0], b[0], a[1], b[1], ...
template <class T>
TATAMI_INLINE void store_pairs(T* to, int64_t size, Vec<T> a, Vec<T> b) {
    constexpr int64_t n = kLanes<T>;
    if (size >= 2 * n) return store_interleaved<T>(to, a, b);
    store_first(to, detail::interleave<T, 0>(a, b, detail::Lanes<T>{}), min(n, size));
    if (size > n) store_first(to + n, detail::interleave<T, 1>(a, b, detail::Lanes<T>{}), size - n);
}

template <class T>
TATAMI_INLINE void store_strided(T* p, int64_t stride, Vec<T> v) {
    T lane[kLanes<T>];
    store(lane, v);
    for (int i = 0; i < kLanes<T>; i++) p[i * stride] = lane[i];
}

}  // namespace tatami::TATAMI_ISA
