// Max and average pooling: what a window is folded with, and which way a gradient goes.
#include "ops/pool2d.h"

#include "cpu/argmax.h"
#include "cpu/fold.h"
#include "cpu/narrow_pairs.h"
#include "cpu/overlapping_pairs.h"
#include "cpu/parallel.h"
#include "cpu/scatter.h"
#include "cpu/small_planes.h"
#include "cpu/small_planes_grad.h"
#include "cpu/spread.h"
#include "cpu/table.h"
#include "cpu/whole_plane.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct MaxFold {
    static constexpr T kPadding = -T(__builtin_inf());
    TATAMI_INLINE static Vec<T> join(Vec<T> a, Vec<T> b) { return max_nan<T>(a, b); }
    TATAMI_INLINE Vec<T> finish(int64_t, int64_t, Vec<T> fold) const { return fold; }
    TATAMI_INLINE Vec<T> finish_alike(int64_t, int64_t, Vec<T> fold) const { return fold; }
};

template <class T>
struct MeanFold {
    static constexpr T kPadding = 0;
    TATAMI_INLINE static Vec<T> join(Vec<T> a, Vec<T> b) { return a + b; }
    TATAMI_INLINE Vec<T> finish(int64_t o, int64_t q, Vec<T> fold) const {
        return fold / (load(divisors.columns + q) * divisors.rows[o]);
    }
    TATAMI_INLINE Vec<T> finish_alike(int64_t o, int64_t q, Vec<T> fold) const {
        return fold / broadcast(divisors.columns[q] * divisors.rows[o]);
    }

    const Divisors<T>& divisors;
};

// Means of as many taps as a power of two: the same bits as by division.
template <class T>
struct ScaledFold {
    TATAMI_INLINE static Vec<T> join(Vec<T> a, Vec<T> b) { return a + b; }
    TATAMI_INLINE Vec<T> finish_alike(int64_t, int64_t, Vec<T> fold) const { return fold * scale; }

    T scale;
};

// run(begin, end, streamed) computes output rows [begin, end) of all planes' rows.
template <class T, class Run>
static void for_rows(const Pool2d& p, int64_t window_bytes, const Run& run) {
    const int64_t rows = p.planes * p.rows.out, pixels = p.planes * p.rows.size * p.columns.size;
    const int64_t work =
        rows * ceil_div(p.columns.out, kLanes<T>) * (p.rows.kernel + p.columns.kernel) * 2;
    const int64_t bytes = pixels * int64_t(sizeof(T)) + rows * p.columns.out * window_bytes;
    parallel_ranges(rows, 1, work, [&](int64_t begin, int64_t end) {
        run(begin, end, bytes >= 2 * kStreamBytes);
    });
}

// The same by run.operator()<S, K>.
template <class T, class Run>
static void for_windows(const Pool2d& p, int64_t window_bytes, const Run& run) {
    with_window(p.columns, [&]<int S, int K>() {
        for_rows<T>(p, window_bytes, [&](int64_t begin, int64_t end, bool streamed) {
            run.template operator()<S, K>(begin, end, streamed);
        });
    });
}

// Whether windows of 2x2 are taken by rows: not where they would leave most lanes idle.
template <class T>
static bool by_pairs(const Pool2d& p) {
    const bool filled = in_narrow_pairs<T>(p) || 2 * p.columns.out >= kLanes<T>;
    return in_pairs(p) && (filled || !are_small<T>(p));
}

template <class T, class Op>
static void fold_all_pairs(const Pool2d& p, const T* x, T* y, const Op& op) {
    for_rows<T>(p, sizeof(T), [&](int64_t begin, int64_t end, bool streamed) {
        if (in_narrow_pairs<T>(p))
            fold_narrow(p, x, y, streamed, begin, end, op);
        else
            fold_pairs(p, x, y, streamed, begin, end, op);
    });
}

template <class T, class Op>
static void fold_all(const Pool2d& p, const T* x, T* y, const Op& op) {
    if (are_small<T>(p))
        return for_small<T>(p, sizeof(T), [&](int64_t begin, int64_t end, bool streamed) {
            fold_small(p, x, y, streamed, begin, end, op);
        });
    for_windows<T>(p, sizeof(T), [&]<int S, int K>(int64_t begin, int64_t end, bool streamed) {
        fold_windows<T, S, K>(p, x, y, streamed, begin, end, op);
    });
}

// Whether the only window is the whole plane.
TATAMI_INLINE bool is_global(const Pool2d& p) {
    const auto whole = [](const WindowAxis& a) {
        return a.out == 1 && !a.padded && a.kernel == a.size && a.span == a.size;
    };
    return whole(p.rows) && whole(p.columns);
}

TATAMI_INLINE int64_t plane_size(const Pool2d& p) {
    return p.rows.size * p.columns.size;
}

template <class T>
static T global_divisor(const Pool2d& p) {
    return p.divisor == Divisor::one ? T(1) : T(plane_size(p));
}

template <class T>
static void max_forward(const Pool2d& p, const T* x, T* y, int64_t* indices) {
    if (is_global(p)) return max_of_planes(p.planes, plane_size(p), x, y, indices);
    const bool pairs = by_pairs<T>(p);
    if (!indices)
        return pairs ? fold_all_pairs(p, x, y, MaxFold<T>{}) : fold_all(p, x, y, MaxFold<T>{});
    if (pairs)
        return for_rows<T>(p, sizeof(T) + 8, [&](int64_t begin, int64_t end, bool streamed) {
            if (in_narrow_pairs<T>(p))
                argmax_narrow<T>(p, x, y, indices, streamed, begin, end);
            else
                argmax_pairs<T>(p, x, y, indices, streamed, begin, end);
        });
    if (are_small<T>(p))
        return for_small<T>(p, sizeof(T) + 8, [&](int64_t begin, int64_t end, bool streamed) {
            argmax_small(p, x, y, indices, streamed, begin, end);
        });
    const WindowStarts<T> starts(p.columns);
    for_windows<T>(p, sizeof(T) + 8, [&]<int S, int K>(int64_t begin, int64_t end, bool streamed) {
        argmax_windows<T, S, K>(p, starts, x, y, indices, streamed, begin, end);
    });
}

template <class T>
static void average_forward(const Pool2d& p, const T* x, T* y) {
    if (is_global(p)) return mean_of_planes(p.planes, plane_size(p), global_divisor<T>(p), x, y);
    if (by_pairs<T>(p))
        return fold_all_pairs(p, x, y, ScaledFold<T>{T(p.divisor == Divisor::one ? 1 : 0.25)});
    const Divisors<T> divisors(p);
    fold_all(p, x, y, MeanFold<T>{divisors});
}

template <class T>
static bool max_backward(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    if (is_global(p)) return place_in_planes(p.planes, plane_size(p), dy, indices, dx);
    if (in_narrow_pairs<T>(p)) {
        if (expand_narrow_planes(p, dy, indices, dx)) return true;
    } else if (in_pairs(p)) {
        if (expand_planes(p, dy, indices, dx)) return true;
    } else if constexpr (kLanes<T> >= 16) {  // with fewer the scatter is as fast or faster
        if (in_overlapping_pairs<T>(p) && expand_overlapping_planes(p, dy, indices, dx))
            return true;
    }
    const ScatterSizes sizes{p.planes, p.rows.size, p.columns.size, p.rows.out, p.columns.out};
    return scatter_planes(
        sizes, dy, indices, dx,
        [&](int64_t first, int64_t end) { return windows_over(p.rows, first, end); },
        [&](int64_t o) {
            const int64_t start = o * p.rows.stride - p.rows.before;
            return Range{start, start + p.rows.span};
        });
}

template <class T>
static void average_backward(const Pool2d& p, const T* dy, T* dx) {
    if (is_global(p))
        return spread_over_planes(p.planes, plane_size(p), global_divisor<T>(p), dy, dx);
    if (!in_pairs(p) && are_small<T>(p)) return spread_small_planes(p, dy, dx);
    spread_all(p, dy, dx);
}

template <class T>
Pool2dKernels<T> pool2d_kernels() {
    return {&max_forward<T>, &max_backward<T>, &average_forward<T>, &average_backward<T>};
}
template Pool2dKernels<float> pool2d_kernels();
template Pool2dKernels<double> pool2d_kernels();

}  // namespace tatami::TATAMI_ISA
