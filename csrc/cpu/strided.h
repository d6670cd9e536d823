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
    return __builtin_shuffle(a, b, Mask<T>{2 * I...});
}

template <class T, int... I>
TATAMI_INLINE Vec<T> interleave(Vec<T> a, Vec<T> b, int from, std::integer_sequence<int, I...>) {
    constexpr int n = kLanes<T>;
    return from ? __builtin_shuffle(a, b, Mask<T>{(I % 2 * n + n / 2 + I / 2)...})
                : __builtin_shuffle(a, b, Mask<T>{(I % 2 * n + I / 2)...});
}
}  // namespace detail

// p[0], p[stride], ... With S = 1 or 2 all of S · kLanes elements are read, else the first n lanes.
template <class T, int S>
TATAMI_INLINE Vec<T> load_strided(const T* p, int64_t stride, int64_t n) {
    if constexpr (S == 1) return load(p);
    if constexpr (S == 2)
        return detail::even_lanes<T>(load(p), load(p + kLanes<T>),
                                     std::make_integer_sequence<int, kLanes<T>>{});
    T lane[kLanes<T>] = {};
    for (int64_t i = 0; i < n; i++) lane[i] = p[i * stride];
    return load(lane);
}

// a[0], b[0], a[1], b[1], ... over 2 · kLanes elements.
template <class T>
TATAMI_INLINE void store_interleaved(T* p, Vec<T> a, Vec<T> b) {
    constexpr auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
    store(p, detail::interleave<T>(a, b, 0, lanes));
    store(p + kLanes<T>, detail::interleave<T>(a, b, 1, lanes));
}

// The opposite of load_strided<T, 0>, of all lanes.
template <class T>
TATAMI_INLINE void store_strided(T* p, int64_t stride, Vec<T> v) {
    T lane[kLanes<T>];
    store(lane, v);
    for (int64_t i = 0; i < kLanes<T>; i++) p[i * stride] = lane[i];
}

}  // namespace tatami::TATAMI_ISA
