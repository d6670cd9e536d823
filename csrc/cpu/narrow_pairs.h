// Pooling by windows of 2x2 side by side on narrow planes: a vector holds several rows of
// windows. What they read is one run of memory, pairs of pixels, and so is what they write.
#pragma once

#include "cpu/expand.h"

namespace tatami::TATAMI_ISA {

// Rows of windows are half a vector at most, and no pixel is left over.
template <class T>
TATAMI_INLINE bool in_narrow_pairs(const Pool2d& p) {
    const bool even = p.rows.size == 2 * p.rows.out && p.columns.size == 2 * p.columns.out;
    return in_pairs(p) && even && 2 * p.columns.out <= kLanes<T> && p.rows.out <= 1 << 20;
}

// Lane i is lane[i] of a and b, b's from the number of lanes on.
template <class T>
TATAMI_INLINE Vec<T> pick(Vec<T> a, Vec<T> b, Mask<T> lane) {
#if defined(__clang__)
    T both[2 * kLanes<T>], picked[kLanes<T>];
    store(both, a);
    store(both + kLanes<T>, b);
    for (int i = 0; i < kLanes<T>; i++) picked[i] = both[lane[i]];
    return load(picked);
#else
    return __builtin_shuffle(a, b, lane);
#endif
}

// How windows lie in vectors and in the run of a vector's pixels.
template <class T>
class NarrowRows {
  public:
    TATAMI_INLINE explicit NarrowRows(const Pool2d& p)
        : rows(kLanes<T> / p.columns.out),
          out_(p.columns.out),
          windows_(p.rows.out),
          plane_(Int<T>(windows_ * 4 * out_)) {
        for (int64_t i = 0; i < kLanes<T>; i++) {
            const int64_t row = i < rows * out_ ? i / out_ : 0;
            top[i] = Int<T>(row * 2 * out_ + i % out_);
        }
        for (int64_t i = 0; i < 2 * kLanes<T>; i++) {
            const int64_t row = i < rows * 2 * out_ ? i / (2 * out_) : 0;
            pair[i / kLanes<T>][i % kLanes<T>] =
                Int<T>(row * out_ + i % out_ + i / out_ % 2 * kLanes<T>);
        }
        bottom = top + Int<T>(out_);
    }

    // The windows' first pixels in their planes, from row `begin` of all planes' rows on.
    TATAMI_INLINE Mask<T> first(int64_t begin) const {
        Mask<T> pixel{};
        for (int64_t i = 0; i < rows * out_; i++)
            pixel[i] = Int<T>((begin + i / out_) % windows_ * 4 * out_ + 2 * (i % out_));
        return pixel;
    }

    // The same `rows` rows further.
    TATAMI_INLINE Mask<T> next(Mask<T> pixel) const {
        pixel += Int<T>(rows % windows_ * 4 * out_);
        return pixel >= plane_ ? pixel - plane_ : pixel;
    }

    const int64_t rows;   // of windows in a vector
    Mask<T> top, bottom;  // which of the run's pairs of pixels are a window's
    Mask<T> pair[2];      // whose each pair is: the window, from the number of lanes on its bottom

  private:
    const int64_t out_, windows_;  // windows of a row, rows of a plane
    const Int<T> plane_;           // its pixels
};

// As argmax_pairs.
template <class T>
TATAMI_INLINE void argmax_narrow(const Pool2d& p, const T* x, T* y, int64_t* indices, bool streamed,
                                 int64_t begin, int64_t end) {
    const int64_t out = p.columns.out;
    const T* const past = x + p.planes * p.rows.size * p.columns.size;
    const NarrowRows<T> narrow(p);
    RowStream<T> values(y + begin * out, out, streamed, narrow.rows);
    RowStream<double> places(reinterpret_cast<double*>(indices) + begin * out, out, streamed,
                             narrow.rows);
    Mask<T> pixel = narrow.first(begin);
    for (int64_t i = begin; i < end; i += narrow.rows, pixel = narrow.next(pixel)) {
        const int64_t rows = min(narrow.rows, end - i);
        const T* const from = x + i * 4 * out;
        const Best<T> low = best_of_pairs(from, past);
        const Best<T> high = best_of_pairs(from + 2 * kLanes<T>, past);
        const auto picked = [&](Mask<T> lane) {
            return Best<T>{pick<T>(low.value, high.value, lane),
                           (Mask<T>)pick<T>((Vec<T>)low.place, (Vec<T>)high.place, lane)};
        };
        Best<T> best = picked(narrow.top);
        const Best<T> below = picked(narrow.bottom);
        best.take(below.value, below.place + Int<T>(2 * out));
        store_first(values.next(rows), best.value, rows * out);
        store_indices<T>(places.next(rows), 0, best.place + pixel, rows * out);
    }
}

// As fold_pairs.
template <class T, class Op>
TATAMI_INLINE void fold_narrow(const Pool2d& p, const T* x, T* y, bool streamed, int64_t begin,
                               int64_t end, const Op& op) {
    constexpr int64_t n = kLanes<T>;
    const int64_t out = p.columns.out;
    const T* const past = x + p.planes * p.rows.size * p.columns.size;
    const NarrowRows<T> narrow(p);
    RowStream<T> results(y + begin * out, out, streamed, narrow.rows);
    for (int64_t i = begin; i < end; i += narrow.rows) {
        const int64_t rows = min(narrow.rows, end - i);
        const T* const from = x + i * 4 * out;
        const Vec<T> a = load_before(from, past), b = load_before(from + n, past);
        const Vec<T> c = load_before(from + 2 * n, past), d = load_before(from + 3 * n, past);
        const auto column = [&](Vec<T> low, Vec<T> high) {
            return Op::join(pick<T>(low, high, narrow.top), pick<T>(low, high, narrow.bottom));
        };
        const Vec<T> left = column(detail::even_lanes<T>(a, b, detail::Lanes<T>{}),
                                   detail::even_lanes<T>(c, d, detail::Lanes<T>{}));
        const Vec<T> right = column(detail::odd_lanes<T>(a, b, detail::Lanes<T>{}),
                                    detail::odd_lanes<T>(c, d, detail::Lanes<T>{}));
        store_some(results.next(rows), op.finish_alike(0, 0, Op::join(left, right)), rows * out);
    }
}

// False where an index names a pixel outside its window.
template <class T>
bool expand_narrow(const Pool2d& p, const T* dy, const int64_t* indices, T* dx, bool streamed,
                   int64_t begin, int64_t end) {
    const int64_t out = p.columns.out, size = p.columns.size;
    const NarrowRows<T> narrow(p);
    RowStream<T> results(dx + begin * 4 * out, 4 * out, streamed, narrow.rows);
    Mask<T> pixel = narrow.first(begin);
    Named<T> named;
    int64_t vectors = 0;
    for (int64_t i = begin; i < end; i += narrow.rows, pixel = narrow.next(pixel), vectors++) {
        const int64_t rows = min(narrow.rows, end - i), count = rows * out;
        Int<T> own[kLanes<T>];
        std::memcpy(own, &pixel, sizeof own);
        const Mask<T> distance = distances<T>(
            indices + i * out, count, [&](int64_t lane) { return load_wide(own + lane); }, named);
        const Vec<T> v = load_some(dy + i * out, count);
        const Vec<T> a = named.at(distance, 0, v), b = named.at(distance, 1, v);
        const Vec<T> c = named.at(distance, size, v), d = named.at(distance, size + 1, v);
        T* const to = results.next(rows);
        for (int half = 0; half < 2; half++)
            if (const int64_t left = 4 * count - half * 2 * kLanes<T>; left > 0)
                store_pairs<T>(to + half * 2 * kLanes<T>, left, pick<T>(a, c, narrow.pair[half]),
                               pick<T>(b, d, narrow.pair[half]));
    }
    return named.all(vectors * kLanes<T>);
}

// As expand_planes.
template <class T>
static bool expand_narrow_planes(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    const int64_t rows = p.planes * p.rows.out, pixels = rows * 4 * p.columns.out;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    bool strayed = false;
    parallel_ranges(rows, 1, pixels / kLanes<T> * 8, [&](int64_t begin, int64_t end) {
        if (!expand_narrow(p, dy, indices, dx, streamed, begin, end))
            __atomic_store_n(&strayed, true, __ATOMIC_RELAXED);
    });
    return !strayed;
}

// As share_planes.
template <class T>
static void share_narrow_planes(const Pool2d& p, const T* dy, T divisor, T* dx) {
    const int64_t out = p.columns.out, all = p.planes * p.rows.out, pixels = all * 4 * out;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    const Vec<T> scale = broadcast(T(1) / divisor);
    const NarrowRows<T> narrow(p);
    parallel_ranges(all, 1, pixels / kLanes<T> * 4, [&, narrow](int64_t begin, int64_t end) {
        RowStream<T> results(dx + begin * 4 * out, 4 * out, streamed, narrow.rows);
        for (int64_t i = begin; i < end; i += narrow.rows) {
            const int64_t rows = min(narrow.rows, end - i), count = rows * out;
            const Vec<T> v = fma(load_some(dy + i * out, count), scale, Vec<T>{});
            T* const to = results.next(rows);
            for (int half = 0; half < 2; half++)
                if (const int64_t left = 4 * count - half * 2 * kLanes<T>; left > 0) {
                    const Vec<T> twice = pick<T>(v, v, narrow.pair[half]);
                    store_pairs<T>(to + half * 2 * kLanes<T>, left, twice, twice);
                }
        }
    });
}

}  // namespace tatami::TATAMI_ISA
