// y[i] = f(x[i], ...) over whole arrays, with threads and, past the caches, streaming stores.
#pragma once

#include "cpu/copy.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

// The elements [begin, end) of y = f(x, ...) on this thread; y may be one of the x. `streamed`:
// past the caches, and a stream_fence() is to follow.
template <class T, class F, class... In>
TATAMI_INLINE void map_range(bool streamed, int64_t begin, int64_t end, const F& f, T* y,
                             const In*... x) {
    const int64_t n = end - begin;
    // All captured by value, or each store might change what f refers to.
    store_row(y + begin, n, streamed,
              [=](int64_t i) { return f(load_some(x + begin + i, n - i)...); });
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
