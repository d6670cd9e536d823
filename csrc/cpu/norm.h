// What the normalisations share: sums over a piece of memory, writes, weights by element, and the
// two sweeps over each group.
#pragma once

#include "cpu/parallel.h"
#include "ops/norm.h"

namespace tatami::TATAMI_ISA {

// A piece is summed in T, so its size bounds the rounding; it stays in L1 between its two passes.
// Pieces are merged in double.
template <class T>
inline constexpr int64_t kPiece = (16 << 10) / int64_t(sizeof(T));
// What may be swept a second time without going to memory again: a share of L3.
inline constexpr int64_t kCachedBytes = 4 << 20;

struct Pair {
    double first, second;
};

TATAMI_INLINE Pair& operator+=(Pair& a, Pair b) {
    a.first += b.first;
    a.second += b.second;
    return a;
}

TATAMI_INLINE double not_negative(double x) {
    return x < 0 ? 0 : x;  // NaN stays
}

// Short rows are summed this many at a time: their chains of additions hide each other's latency.
inline constexpr int kRowsAtOnce = kVectorBytes == 64 ? 4 : 1;

// total[r][k] = sum over i < n of what add(r, i, read, sum) adds to the SUMS packs of `sum`, where
// read(p + i, fill) gives a pack of p, with `fill` past n. The bits do not depend on ROWS.
template <class T, int ROWS, int SUMS, class Add>
TATAMI_INLINE void sum_rows(int64_t n, T (&total)[ROWS][SUMS], const Add& add) {
    constexpr int64_t step = kPack<T>;
    Pack<T> even[ROWS][SUMS] = {}, odd[ROWS][SUMS] = {};
    const auto each = [&](int64_t i, auto read, Pack<T>(&sum)[ROWS][SUMS]) {
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) add(r, i, read, sum[r]);
    };
    const auto whole = [](const T* p, T = T(0)) { return load_pack(p); };
    int64_t i = 0;
    for (; i + 2 * step <= n; i += 2 * step) {
        each(i, whole, even);
        each(i + step, whole, odd);
    }
    if (i + step <= n) {
        each(i, whole, even);
        i += step;
    }
    if (const int64_t left = n - i; left > 0)
        each(i, [=](const T* p, T fill = T(0)) { return load_pack_first(p, left, fill); }, odd);
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < SUMS; k++)
            total[r][k] =
                sum_pack(map([](Vec<T> a, Vec<T> b) { return a + b; }, even[r][k], odd[r][k]));
}

// For each of ROWS rows of n > 0 elements, `stride` apart: mean and sum of squared distances from
// it; where not centred, 0 and the sum of squares. The first pass finds a shift near the mean, so
// that the second, which is exact up to rounding whatever the shift, does not cancel.
template <class T, int ROWS>
TATAMI_INLINE void moments(const T* x, int64_t stride, int64_t n, bool centred, Pair* to) {
    const double inverse = 1 / double(n);
    T shift[ROWS] = {}, total[ROWS][2];
    if (centred) {
        T sum[ROWS][1];
        sum_rows(n, sum, [&](int r, int64_t i, auto read, Pack<T>* s) {
            s[0] = map([](Vec<T> a, Vec<T> b) { return a + b; }, s[0], read(x + r * stride + i));
        });
        for (int r = 0; r < ROWS; r++) shift[r] = sum[r][0] * T(inverse);
    }
    sum_rows(n, total, [&](int r, int64_t i, auto read, Pack<T>* s) {
        const Pack<T> d =
            map([&](Vec<T> a) { return a - shift[r]; }, read(x + r * stride + i, shift[r]));
        s[0] = map([](Vec<T> a, Vec<T> b) { return a + b; }, s[0], d);
        s[1] = map([](Vec<T> a, Vec<T> b) { return fma(a, a, b); }, d, s[1]);
    });
    for (int r = 0; r < ROWS; r++) {
        const double rest = double(total[r][0]), squares = double(total[r][1]);
        to[r] = centred ? Pair{double(shift[r]) + rest * inverse,
                               not_negative(squares - rest * rest * inverse)}
                        : Pair{0, squares};
    }
}

// A mean as T and what that leaves out: x - near is exact for x close to it, and the rest goes into
// the constant term, so that a large mean costs no digits.
template <class T>
struct Center {
    T near;
    double rest;
};

template <class T>
TATAMI_INLINE Center<T> center_of(double mean) {
    return {T(mean), mean - double(T(mean))};
}

// For each of ROWS rows, `stride` apart: the sums of g and g (x - mean[row]), where g is dy, or
// dy w[row] with w `w_stride` apart.
template <bool WEIGHTED, int ROWS, class T>
TATAMI_INLINE void gradient_sums(const T* dy, const T* x, int64_t stride, const T* w,
                                 int64_t w_stride, int64_t n, const double* mean, Pair* to) {
    T near[ROWS], total[ROWS][2];
    for (int r = 0; r < ROWS; r++) near[r] = center_of<T>(mean[r]).near;
    sum_rows(n, total, [&](int r, int64_t i, auto read, Pack<T>* s) {
        Pack<T> g = read(dy + r * stride + i);
        if constexpr (WEIGHTED)
            g = map([](Vec<T> a, Vec<T> b) { return a * b; }, g, read(w + r * w_stride + i));
        s[0] = map([](Vec<T> a, Vec<T> b) { return a + b; }, s[0], g);
        s[1] = map([&](Vec<T> a, Vec<T> b, Vec<T> sum) { return fma(a, b - near[r], sum); }, g,
                   read(x + r * stride + i), s[1]);
    });
    for (int r = 0; r < ROWS; r++) {
        const double sum = double(total[r][0]);
        to[r] = {sum, double(total[r][1]) - center_of<T>(mean[r]).rest * sum};
    }
}

// f captures by value: what it refers to might else be read again after every store.
// y[i] = f(i, read, write), a vector at a time; read(p + i) loads, write(p + i, v) stores. Where
// streamed, y lies on a line and n is whole.
template <class T, class F>
TATAMI_INLINE void sweep(int64_t n, T* y, bool streamed, const F& f) {
    const auto read = [](const T* p) { return load(p); };
    const auto write = [](T* p, Vec<T> v) { store(p, v); };
    int64_t i = 0;
    if (streamed)
        for (; i + kLanes<T> <= n; i += kLanes<T>) stream(y + i, f(i, read, write));
    else
        for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, f(i, read, write));
    const int64_t left = n - i;
    const auto read_left = [=](const T* p) { return load_first(p, left); };
    const auto write_left = [=](T* p, Vec<T> v) { store_first(p, v, left); };
    if (left > 0) write_left(y + i, f(i, read_left, write_left));
}

// Whether y (runs, length) is written around the caches: every run must start on a line.
template <class T>
TATAMI_INLINE bool streams(const Norm& p, const T* y) {
    return p.runs * p.length * int64_t(sizeof(T)) >= kStreamBytes &&
           p.length * int64_t(sizeof(T)) % 64 == 0 && reinterpret_cast<uintptr_t>(y) % 64 == 0;
}

TATAMI_INLINE double inverse_deviation(const Norm& p, double var) {
    return 1 / __builtin_sqrt(var + p.eps);
}

// A weight for each of n elements: `given` itself, or in `space` its values repeated, or `absent`
// where it is null.
template <class T>
TATAMI_INLINE const T* by_element(const T* given, T absent, int64_t repeat, int64_t n, T* space) {
    if (given && repeat == 1) return given;
    parallel_ranges(n, repeat, n, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i += repeat) {
            const T value = given ? given[i / repeat] : absent;
            for (int64_t j = i; j < i + repeat; j++) space[j] = value;
        }
    });
    return space;
}

// A piece of x; pieces are numbered in the order of memory.
struct Place {
    int64_t run, group, of_group;  // of_group: the run's number in its group, unless across
    int64_t weight;                // number of the run's weights
    int64_t column, at, n;         // first element: of the run, of x; number of elements
};

template <class T>
TATAMI_INLINE Place place_of(const Norm& p, int64_t pieces, int64_t id) {
    const int64_t run = id / pieces, column = id % pieces * kPiece<T>;
    return {run,
            p.across ? run % p.groups : run / p.group_runs,
            run % p.group_runs,
            run % p.period,
            column,
            run * p.length + column,
            min(kPiece<T>, p.length - column)};
}

// To the next piece, without a division.
template <class T>
TATAMI_INLINE void advance(const Norm& p, Place& q) {
    q.at += q.n;
    q.column += q.n;
    if (q.column >= p.length) {
        q.column = 0;
        q.run++;
        if (++q.weight == p.period) q.weight = 0;
        if (p.across)
            q.group = q.group + 1 == p.groups ? 0 : q.group + 1;
        else if (++q.of_group == p.group_runs)
            q.of_group = 0, q.group++;
    }
    q.n = min(kPiece<T>, p.length - q.column);
}

// body(place, id) for the pieces [id, end).
template <class T, class Body>
TATAMI_INLINE void each_place(const Norm& p, int64_t pieces, int64_t id, int64_t end,
                              const Body& body) {
    if (id >= end) return;
    for (Place q = place_of<T>(p, pieces, id); id < end; id++, advance<T>(p, q)) body(q, id);
}

// Short groups are swept this many together: where each takes a run of every row of x, neighbours
// share cache lines and pages, and elsewhere rows can be summed together.
template <class T>
TATAMI_INLINE int64_t groups_together(const Norm& p, int64_t arrays) {
    const int64_t run_bytes = max<int64_t>(p.length * int64_t(sizeof(T)), 1);
    const int64_t group_bytes = max<int64_t>(p.group_runs, 1) * run_bytes * arrays;
    const int64_t apart = p.across ? run_bytes : group_bytes;
    return max<int64_t>(min(8192 / apart, kCachedBytes / group_bytes), 1);
}

// How far ahead of an element the same one of the next groups is. They are fetched while these are
// written, else memory would stand idle during the sweeps that run in the cache.
template <class T>
TATAMI_INLINE int64_t fetch_distance(const Norm& p, int64_t arrays) {
    return groups_together<T>(p, arrays) * (p.across ? 1 : p.group_runs) * p.length;
}

TATAMI_INLINE void fetch(const void* p) {
    __builtin_prefetch(p, 0, 2);
}

// For every group: first(begin, end) over all its pieces, range by range, merge(group), then(begin,
// end) over them again. Groups that fit the cache take both sweeps in one task; larger ones, and
// too few, are cut by pieces. `arrays`: how many of x's size a sweep reads.
template <class T, class First, class Merge, class Then>
TATAMI_INLINE void by_groups(const Norm& p, int64_t pieces, int64_t arrays, const First& first,
                             const Merge& merge, const Then& then) {
    const int64_t work = p.runs * (p.length / kLanes<T> + 8) * 4;
    const int64_t group_bytes = p.group_runs * p.length * int64_t(sizeof(T)) * arrays;
    const int64_t block = groups_together<T>(p, arrays);
    const auto ranges = [&](int64_t g, int64_t end, const auto& body) {
        if (!p.across) return body(g * p.group_runs * pieces, end * p.group_runs * pieces);
        for (int64_t i = 0; i < p.group_runs; i++)
            body((i * p.groups + g) * pieces, (i * p.groups + end) * pieces);
    };
    if (work < kSerialWork ||
        (group_bytes <= kCachedBytes && p.groups >= 2 * num_threads() * block)) {
        parallel_ranges(p.groups, block, work, [&](int64_t begin, int64_t end) {
            for (int64_t g = begin; g < end; g += block) {
                const int64_t last = min(g + block, end);
                ranges(g, last, first);
                for (int64_t i = g; i < last; i++) merge(i);
                ranges(g, last, then);
            }
            stream_fence();
        });
        return;
    }
    parallel_ranges(p.runs * pieces, 1, work, first);
    parallel_ranges(p.groups, 64, p.runs * pieces, [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g++) merge(g);
    });
    parallel_ranges(p.runs * pieces, 1, work, [&](int64_t begin, int64_t end) {
        then(begin, end);
        stream_fence();
    });
}

// This instruction set's implementations of the three forms of Norm.
template <class T>
void runs_forward(const Norm& p, const T* x, const T* weight, const T* bias, double* mean,
                  double* var, T* y);
template <class T>
void runs_backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                   const double* var, T* dx, T* dweight, T* dbias);
template <class T>
void rows_backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                   const double* var, T* dx, T* dweight, T* dbias);
template <class T>
void columns_forward(const Norm& p, const T* x, const T* weight, const T* bias, double* mean,
                     double* var, T* y);
template <class T>
void columns_backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                      const double* var, T* dx, T* dweight, T* dbias);

}  // namespace tatami::TATAMI_ISA
