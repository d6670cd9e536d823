// Reductions whose tree the length alone fixes: lanes of 64 bytes inside a chunk, chunks in order.
#pragma once

#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

// Elements whose sum stays in T: few enough that rounding does not build up.
inline constexpr int64_t kChunk = 4096;

struct Sum {
    template <class V>
    TATAMI_INLINE V operator()(V a, V b) const {
        return a + b;
    }
};

// Of a and what is not NaN of b.
template <class T>
struct Largest {
    TATAMI_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const {
        return detail::larger_or_second<T>(b, a);
    }
};

// combine over f(x[i], ...), 0 <= i < n; f on vectors, `identity` where there is none.
template <class T, class Combine, class F, class... In>
TATAMI_INLINE T fold_chunk(int64_t n, T identity, const Combine& combine, const F& f,
                           const In*... x) {
    Pack<T> even = broadcast_pack(identity), odd = even;
    int64_t i = 0;
    for (; i + 2 * kPack<T> <= n; i += 2 * kPack<T>) {
        even = map<T>(combine, even, map<T>(f, load_pack(x + i)...));
        odd = map<T>(combine, odd, map<T>(f, load_pack(x + i + kPack<T>)...));
    }
    for (; i < n; i += kPack<T>) {
        const Pack<T> last = map<T>(f, load_pack_first(x + i, min<int64_t>(n - i, kPack<T>))...);
        even = map<T>(combine, even, first_of_pack(last, n - i, identity));
    }
    return fold_pack(map<T>(combine, even, odd), combine);
}

template <class T, class F, class... In>
TATAMI_INLINE T sum_chunk(int64_t n, const F& f, const In*... x) {
    return fold_chunk<T>(n, T(0), Sum{}, f, x...);
}

// On this thread, chunk sums in double.
template <class T, class F, class... In>
TATAMI_INLINE double sum_row(int64_t n, const F& f, const In*... x) {
    double sum = 0;
    for (int64_t i = 0; i < n; i += kChunk)
        sum += double(sum_chunk<T>(min(n - i, kChunk), f, (x + i)...));
    return sum;
}

// Σ of chunk_sum(begin, end) over the chunks of [0, n), on all threads, added up in order.
// cost: vector operations a chunk.
template <class ChunkSum>
TATAMI_INLINE double sum_chunks(int64_t n, int64_t cost, const ChunkSum& chunk_sum) {
    const int64_t chunks = ceil_div(n, kChunk);
    if (chunks <= 1) return n > 0 ? chunk_sum(int64_t(0), n) : 0.0;
    const memory::Scratch scratch(size_t(chunks) * sizeof(double));
    double* part = scratch.as<double>();
    parallel_ranges(chunks, 4, chunks * cost, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++)
            part[c] = chunk_sum(c * kChunk, min(n, (c + 1) * kChunk));
    });
    double sum = 0;
    for (int64_t c = 0; c < chunks; c++) sum += part[c];
    return sum;
}

}  // namespace tatami::TATAMI_ISA
