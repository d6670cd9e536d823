// y[i] = f(x[i], ...) over whole arrays, with threads and, past the caches, streaming stores.
#pragma once

#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

namespace detail {

// The elements [i, end), whole vectors first; `Streamed` where y + i is aligned.
template <bool Streamed, class T, class F, class... In>
TATAMI_INLINE void map_vectors(int64_t i, int64_t end, const F& f, T* y, const In*... x) {
    for (; i + kLanes<T> <= end; i += kLanes<T>) {
        const Vec<T> v = f(load(x + i)...);
        if constexpr (Streamed)
            stream(y + i, v);
        else
            store(y + i, v);
    }
    if (i < end) store_first(y + i, f(load_first(x + i, end - i)...), end - i);
}

}  // namespace detail

// The elements [begin, end) of y = f(x, ...) on this thread; y may be one of the x. `streamed`:
// past the caches, and a stream_fence() is to follow.
template <class T, class F, class... In>
TATAMI_INLINE void map_range(bool streamed, int64_t begin, int64_t end, const F& f, T* y,
                             const In*... x) {
    if (!streamed) return detail::map_vectors<false>(begin, end, f, y, x...);
    const int64_t past = int64_t(reinterpret_cast<uintptr_t>(y + begin) % kVectorBytes / sizeof(T));
    const int64_t head = min(end, begin + (past ? kLanes<T> - past : 0));
    detail::map_vectors<false>(begin, head, f, y, x...);
    detail::map_vectors<true>(head, end, f, y, x...);
}

// y (n) = f(x (n), ...), f on vectors; y may be one of the x. cost: f's vector operations.
template <class T, class F, class... In>
TATAMI_INLINE void map_arrays(int64_t n, int64_t cost, const F& f, T* y, const In*... x) {
    const bool streamed = n * int64_t(sizeof(T)) >= kStreamBytes && !(... || (x == y));
    parallel_ranges(n, 4096, n / kLanes<T> * cost, [&](int64_t begin, int64_t end) {
        map_range(streamed, begin, end, f, y, x...);
        if (streamed) stream_fence();
    });
}

}  // namespace tatami::TATAMI_ISA
