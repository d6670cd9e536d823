// What the normalisations share: sums over tiles of memory, sweeps that write, weights by element,
// and the two sweeps over each group.
#pragma once

#include "cpu/norm_map.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

// A tile is summed in T, so its size bounds the rounding. Tiles are merged in double.
template <class T>
inline constexpr int64_t kPiece = (16 << 10) / int64_t(sizeof(T));
// What may be swept a second time without going to memory again: a share of L3.
inline constexpr int64_t kCachedBytes = 4 << 20;

struct Two {
    double first, second;
};

TATAMI_INLINE Two& operator+=(Two& a, Two b) {
    a.first += b.first;
    a.second += b.second;
    return a;
}

TATAMI_INLINE double not_negative(double x) {
    return x < 0 ? 0 : x;  // NaN stays
}

// Short lines go this many at a time: their chains of additions hide each other's latency, and they
// share the loads of what belongs to a column. More would crowd the sets of the first cache.
inline constexpr int kLinesAtOnce = kVectorBytes == 64 ? 2 : 1;

// take.operator()<LINES>(line) for the lines [line, end), as many at once as there are.
template <class Take>
TATAMI_INLINE void each_lines(int64_t line, int64_t end, const Take& take) {
    for (; line + kLinesAtOnce <= end; line += kLinesAtOnce)
        take.template operator()<kLinesAtOnce>(line);
    for (; line < end; line++) take.template operator()<1>(line);
}

// `rows` rows of n elements, `stride` apart, from element number `at` on.
struct Tile {
    int64_t at, rows, stride, n;
};

// total[l][k] = the sum over a tile of what add(l, i, read, sum) adds to the SUMS packs of `sum`
// for element i of line l, where read(p + i, fill) gives a pack of p, with `fill` past the row.
// The bits do not depend on LINES.
template <class T, int LINES, int SUMS, class Add>
TATAMI_INLINE void sum_tile(const Tile& q, T (&total)[LINES][SUMS], const Add& add) {
    constexpr int64_t step = kPack<T>;
    Pack<T> even[LINES * SUMS] = {}, odd[LINES * SUMS] = {};
    const auto each = [&](int64_t i, auto read, Pack<T>* sum) {
#pragma GCC unroll 4
        for (int l = 0; l < LINES; l++) add(l, i, read, sum + l * SUMS);
    };
    const auto whole = [](const T* p, T = T(0)) { return load_pack(p); };
    for (int64_t row = 0; row < q.rows; row++) {
        int64_t i = q.at + row * q.stride;
        const int64_t end = i + q.n;
        for (; i + 2 * step <= end; i += 2 * step) {
            each(i, whole, even);
            each(i + step, whole, odd);
        }
        if (i + step <= end) {
            each(i, whole, even);
            i += step;
        }
        if (const int64_t left = end - i; left > 0)
            each(i, [=](const T* p, T fill = T(0)) { return load_pack_first(p, left, fill); }, odd);
    }
#pragma GCC unroll 8
    for (int k = 0; k < LINES * SUMS; k++)
        even[k] = map([](Vec<T> a, Vec<T> b) { return a + b; }, even[k], odd[k]);
    sum_packs(even, total[0]);
}

// Of the elements of each of LINES lines, `apart` elements apart: sum and sum of squares of their
// distances from shift[l].
template <class T, int LINES>
TATAMI_INLINE void shifted_sums(const Tile& q, const T* x, int64_t apart, const T (&shift)[LINES],
                                T (&total)[LINES][2]) {
    sum_tile(q, total, [&](int l, int64_t i, auto read, Pack<T>* s) {
        const Pack<T> d =
            map([&](Vec<T> a) { return a - shift[l]; }, read(x + l * apart + i, shift[l]));
        s[0] = map([](Vec<T> a, Vec<T> b) { return a + b; }, s[0], d);
        s[1] = map([](Vec<T> a, Vec<T> b) { return fma(a, a, b); }, d, s[1]);
    });
}

// For each of LINES lines: mean and sum of squared distances from it; where not centred, 0 and the
// sum of squares. One sweep, around the first element: exact up to rounding whatever that is, but
// for the digits that cancel where it is far from the mean; then a second one, around the mean.
template <class T, int LINES>
TATAMI_INLINE void moments(const Tile& q, const T* x, int64_t apart, bool centred, Two* to,
                           int64_t to_apart) {
    const double inverse = 1 / double(q.rows * q.n);
    T shift[LINES], total[LINES][2];
    for (int l = 0; l < LINES; l++) shift[l] = centred ? x[q.at + l * apart] : T(0);
    shifted_sums(q, x, apart, shift, total);
    for (int l = 0; l < LINES; l++) {
        double rest = double(total[l][0]) * inverse, squares = double(total[l][1]);
        if (centred && rest * double(total[l][0]) > 0.875 * squares) [[unlikely]] {
            const T mean[1] = {T(double(shift[l]) + rest)};
            T again[1][2];
            shifted_sums(q, x + l * apart, 0, mean, again);
            shift[l] = mean[0];
            rest = double(again[0][0]) * inverse;
            squares = double(again[0][1]);
        }
        to[l * to_apart] = centred ? Two{double(shift[l]) + rest,
                                         not_negative(squares - rest * rest * double(q.rows * q.n))}
                                   : Two{0, squares};
    }
}

// For each of LINES lines, `apart` elements apart: the sums of g and g (x - mean[line]), where g is
// dy through the activation f behind `forward[line]`, or dy w with the tile's weights w.
template <bool WEIGHTED, int LINES, class T, class F = Same<T>>
TATAMI_INLINE void gradient_sums(const Tile& q, const T* dy, const T* x, int64_t apart, const T* w,
                                 const double* mean, Two* to, int64_t to_apart, const F& f = {},
                                 const LineMap<T>* forward = nullptr) {
    T near[LINES], total[LINES][2];
    for (int l = 0; l < LINES; l++) near[l] = center_of<T>(mean[l]).near;
    sum_tile(q, total, [&](int l, int64_t i, auto read, Pack<T>* s) {
        Pack<T> g = read(dy + l * apart + i);
        const Pack<T> d = map([&](Vec<T> a) { return a - near[l]; }, read(x + l * apart + i));
        if constexpr (WEIGHTED)
            g = map([](Vec<T> a, Vec<T> b) { return a * b; }, g, read(w + (i - q.at)));
        if constexpr (!std::is_same_v<F, Same<T>>) {
            const Vec<T> slope = broadcast(forward[l].slope), level = broadcast(forward[l].level);
            g = map([&](Vec<T> a, Vec<T> b) { return through<T>(f, a, b, slope, level); }, g, d);
        }
        s[0] = map([](Vec<T> a, Vec<T> b) { return a + b; }, s[0], g);
        s[1] = map([](Vec<T> a, Vec<T> b, Vec<T> sum) { return fma(a, b, sum); }, g, d, s[1]);
    });
    for (int l = 0; l < LINES; l++) {
        const double sum = double(total[l][0]);
        to[l * to_apart] = {sum, double(total[l][1]) - center_of<T>(mean[l]).rest * sum};
    }
}

// f(i, read, write) for vectors of elements from i on: read(p + i) loads and write(p + i, v) stores
// one. f captures by value: what it refers to might else be read again after every store.
template <class T, class F>
TATAMI_INLINE void each_vector(int64_t n, const F& f) {
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>)
        f(i, [](const T* p) { return load(p); }, [](T* p, Vec<T> v) { store(p, v); });
    if (const int64_t left = n - i; left > 0)
        f(
            i, [=](const T* p) { return load_first(p, left); },
            [=](T* p, Vec<T> v) { store_first(p, v, left); });
}

// A vector of each of LINES lines.
template <class T, int LINES>
struct Results {
    Vec<T> line[LINES];
};

// y[l · apart + i] = f(i, read, write).line[l] for LINES lines of n elements, otherwise as
// each_vector(). Vectors are stored after the next ones are read, for the reason that store_row()
// gives. Where streamed, n is whole and y lies on a line of the cache.
template <int LINES, class T, class F>
TATAMI_INLINE void sweep(T* y, int64_t apart, int64_t n, bool streamed, const F& f) {
    Results<T, LINES> held;
    T* to = nullptr;  // where they go
    const auto put = [&](const auto& store_vector) {
#pragma GCC unroll 4
        for (int l = 0; l < LINES; l++) store_vector(to + l * apart, held.line[l]);
    };
    const auto put_whole = [&] {
        if (streamed)
            put([](T* p, Vec<T> v) { stream(p, v); });
        else
            put([](T* p, Vec<T> v) { store(p, v); });
    };
    if (n == 0) return;
    each_vector<T>(n, [&](int64_t i, auto read, auto write) {
        const Results<T, LINES> next = f(i, read, write);
        if (to) put_whole();
        held = next;
        to = y + i;
    });
    if (n % kLanes<T> == 0)
        put_whole();
    else
        put([=](T* p, Vec<T> v) { store_first(p, v, n % kLanes<T>); });
}

// Whether y (runs, length) is written around the caches: every run must start on a line.
template <class T>
TATAMI_INLINE bool streams(const Norm& p, const T* y) {
    return p.runs * p.length * int64_t(sizeof(T)) >= kStreamBytes &&
           p.length * int64_t(sizeof(T)) % 64 == 0 && reinterpret_cast<uintptr_t>(y) % 64 == 0;
}

// A weight for each of n elements: `given` itself, or in `space` its values repeated, or `absent`
// where it is null.
template <class T>
TATAMI_INLINE const T* by_element(const T* given, T absent, int64_t repeat, int64_t n, T* space) {
    if (given && repeat == 1) return given;
    parallel_ranges(n, repeat, n, [=](int64_t begin, int64_t end) {
        if (!given)
            for (int64_t i = begin; i < end; i++) space[i] = absent;
        else
            for (int64_t i = begin; i < end; i += repeat)
                for (int64_t j = 0; j < repeat; j++) space[i + j] = given[i / repeat];
    });
    return space;
}

// How x is summed: by lines, whose elements share a group and a weight (but for weights by
// element). A line is a run, or where groups lie across the runs, all runs of a group. It is cut
// into tiles.
struct Lines {
    int64_t count, of_group;        // lines, lines of a group
    int64_t rows, stride;           // rows of a line
    int64_t tile_rows, tile_row_n;  // of a whole tile
    int64_t pieces, tiles;          // tiles side by side, tiles of a line
};

template <class T>
TATAMI_INLINE Lines lines_of(const Norm& p) {
    Lines v;
    v.count = p.across ? p.groups : p.runs;
    v.of_group = p.across ? 1 : p.group_runs;
    v.rows = p.across ? p.group_runs : 1;
    v.stride = p.groups * p.length;
    v.tile_row_n = kPiece<T>;
    v.tile_rows = max<int64_t>(kPiece<T> / max<int64_t>(p.length, 1), 1);
    v.pieces = ceil_div(p.length, kPiece<T>);
    v.tiles = v.pieces * ceil_div(v.rows, v.tile_rows);
    return v;
}

// Tile t of a line.
TATAMI_INLINE Tile tile_of(const Norm& p, const Lines& v, int64_t line, int64_t t) {
    const int64_t row = t / v.pieces * v.tile_rows, column = t % v.pieces * v.tile_row_n;
    return {row * v.stride + line * p.length + column, min(v.tile_rows, v.rows - row), v.stride,
            min(v.tile_row_n, p.length - column)};
}

// A piece of x; pieces are numbered in the order of memory.
struct Place {
    int64_t run, line;
    int64_t weight;         // number of the run's weights
    int64_t column, at, n;  // first element: of the run, of x; number of elements
};

template <class T>
TATAMI_INLINE Place place_of(const Norm& p, int64_t pieces, int64_t id) {
    const int64_t run = id / pieces, column = id % pieces * kPiece<T>;
    return {run,    p.across ? run % p.groups : run, run % p.period,
            column, run * p.length + column,         min(kPiece<T>, p.length - column)};
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
        if (++q.line == p.groups && p.across) q.line = 0;
    }
    q.n = min(kPiece<T>, p.length - q.column);
}

// body(place) for the pieces [id, end).
template <class T, class Body>
TATAMI_INLINE void each_place(const Norm& p, int64_t pieces, int64_t id, int64_t end,
                              const Body& body) {
    if (id >= end) return;
    for (Place q = place_of<T>(p, pieces, id); id < end; id++, advance<T>(p, q)) body(q);
}

// Short groups are swept this many together: where each takes a run of every row of x, neighbours
// share cache lines and pages, and elsewhere rows can be summed together.
template <class T>
TATAMI_INLINE int64_t groups_together(const Norm& p, int64_t arrays) {
    const int64_t run_bytes = max<int64_t>(p.length * int64_t(sizeof(T)), 1);
    const int64_t group_bytes = max<int64_t>(p.group_runs, 1) * run_bytes * arrays;
    const int64_t apart = p.across ? run_bytes : group_bytes;
    return max<int64_t>(min((16 << 10) / apart, kCachedBytes / group_bytes), 1);
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

// For every group: first(t, begin, end) over all tiles t of its lines, merge(group), then(begin,
// end) over its pieces of memory. Groups that fit the cache take both sweeps in one task; larger
// ones, and too few, are cut by tiles and by pieces. `arrays`: how many of x's size a sweep reads.
template <class T, class First, class Merge, class Then>
TATAMI_INLINE void by_groups(const Norm& p, const Lines& v, int64_t arrays, const First& first,
                             const Merge& merge, const Then& then) {
    const int64_t work = p.runs * (p.length / kLanes<T> + 8) * 16 * arrays;
    const int64_t group_bytes = p.group_runs * p.length * int64_t(sizeof(T)) * arrays;
    const int64_t block = groups_together<T>(p, arrays);
    if (work < kSerialWork ||
        (group_bytes <= kCachedBytes && p.groups >= 2 * num_threads() * block)) {
        const int64_t rows = p.across ? p.group_runs : 1, apart = p.groups * v.pieces;
        const int64_t of_group = v.of_group * v.pieces;
        parallel_ranges(p.groups, block, work, [&](int64_t begin, int64_t end) {
            for (int64_t g = begin; g < end; g += block) {
                const int64_t last = min(g + block, end);
                for (int64_t t = 0; t < v.tiles; t++) first(t, g * v.of_group, last * v.of_group);
                for (int64_t i = g; i < last; i++) merge(i);
                for (int64_t i = 0; i < rows; i++)
                    then(i * apart + g * of_group, i * apart + last * of_group);
            }
            stream_fence();
        });
        return;
    }
    parallel_ranges(v.count * v.tiles, 1, work, [&](int64_t id, int64_t end) {
        for (int64_t last; id < end; id = last) {
            const int64_t line = id % v.count;
            last = min(end, id - line + v.count);
            first(id / v.count, line, line + last - id);
        }
    });
    parallel_ranges(p.groups, 64, v.count * v.tiles, [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g++) merge(g);
    });
    parallel_ranges(p.runs * v.pieces, 1, work, [&](int64_t begin, int64_t end) {
        then(begin, end);
        stream_fence();
    });
}

// This instruction set's implementations of the three forms of Norm.
template <class T>
void runs_forward(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                  double* mean, double* var, T* y);
template <class T>
void runs_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                   const double* mean, const double* var, T* dx, T* dweight, T* dbias);
template <class T>
void rows_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                   const double* mean, const double* var, T* dx, T* dweight, T* dbias);
template <class T>
void columns_forward(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                     double* mean, double* var, T* y);
template <class T>
void columns_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                      const double* mean, const double* var, T* dx, T* dweight, T* dbias);

}  // namespace tatami::TATAMI_ISA
