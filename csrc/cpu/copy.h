// Rows of results, past the caches where there are more of them than the caches hold.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// The first n elements; whole vectors where there are more.
template <class T>
TATAMI_INLINE Vec<T> load_some(const T* p, int64_t n) {
    return n >= kLanes<T> ? load(p) : load_first(p, n);
}

// A vector of which nothing is read from `past` on.
template <class T>
TATAMI_INLINE Vec<T> load_before(const T* p, const T* past) {
    return load_some(p, max<int64_t>(0, past - p));
}

template <class T>
TATAMI_INLINE void store_some(T* p, std::type_identity_t<Vec<T>> v, int64_t n) {
    n >= kLanes<T> ? store(p, v) : store_first(p, v, n);
}

// to[i] = value(i), a vector at a time; value is asked for whole vectors that begin inside [0, n).
// Streamed stores must be fenced by the caller, once, at the end of its task. Each vector is stored
// after the next one is read: where addresses agree in their low 12 bits, as those of large arrays
// do, the processor would otherwise make the reading wait for the store.
template <class T, class Value>
TATAMI_INLINE void store_row(T* to, int64_t n, bool streamed, const Value& value) {
    int64_t i = 0;
    const auto whole = [&](const auto& put) {
        if (i + kLanes<T> > n) return;
        Vec<T> held = value(i);
        for (i += kLanes<T>; i + kLanes<T> <= n; i += kLanes<T>) {
            const Vec<T> next = value(i);
            put(to + i - kLanes<T>, held);
            held = next;
        }
        put(to + i - kLanes<T>, held);
    };
    if (streamed) {
        const auto behind = int64_t(reinterpret_cast<uintptr_t>(to) % kVectorBytes / sizeof(T));
        if (behind) {
            i = min<int64_t>(n, kLanes<T> - behind);
            store_first(to, value(int64_t(0)), i);
        }
        whole([](T* p, Vec<T> v) { stream(p, v); });
    } else {
        whole([](T* p, Vec<T> v) { store(p, v); });
    }
    if (i < n) store_first(to + i, value(i), n - i);
}

// to (n) = from (n); nothing past from + n is read.
template <class T>
TATAMI_INLINE void copy_row(T* to, const T* from, int64_t n, bool streamed) {
    store_row(to, n, streamed, [&](int64_t i) { return load_some(from + i, n - i); });
}

}  // namespace tatami::TATAMI_ISA
