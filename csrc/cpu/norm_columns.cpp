// Batch norm of x (n, c) and of x with few elements a channel: statistics down the columns of a
// matrix, where a group is `repeat` neighbouring columns.
#include "cpu/norm.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kChunkRows = 256;  // summed in T; chunks are merged in double

// 1 / n for each n up to kChunkRows.
template <class T>
struct Inverses {
    constexpr Inverses() : of() {
        for (int64_t n = 1; n <= kChunkRows; n++) of[n] = T(1) / T(n);
    }
    T of[kChunkRows + 1];
};

// first(chunk, column, columns) over all chunks of rows, merge(begin, end) of their groups,
// then(chunk, column, columns): strip by strip where a strip of columns fits the cache, else all
// columns chunk by chunk.
template <class T, class First, class Merge, class Then>
TATAMI_INLINE void by_strips(const Norm& p, int64_t arrays, const First& first, const Merge& merge,
                             const Then& then) {
    const int64_t chunks = ceil_div(p.runs, kChunkRows);
    const int64_t work = p.runs * p.length / kLanes<T> * 8;
    const int64_t group_bytes = max<int64_t>(p.repeat * int64_t(sizeof(T)), 1);
    const int64_t narrow = ceil_div(512, group_bytes);  // groups of a strip: at least 8 lines a row
    const int64_t fitting = kCachedBytes / max<int64_t>(group_bytes * p.runs * arrays, 1);
    const int64_t strip = min(fitting, max(narrow, ceil_div(p.groups, 2 * num_threads())));
    if (strip >= min(narrow, p.groups)) {
        parallel_for(ceil_div(p.groups, max<int64_t>(strip, 1)), work, [&](int64_t s, int) {
            const int64_t begin = s * strip, end = min(begin + strip, p.groups);
            const int64_t column = begin * p.repeat, columns = (end - begin) * p.repeat;
            for (int64_t i = 0; i < chunks; i++) first(i, column, columns);
            merge(begin, end);
            for (int64_t i = 0; i < chunks; i++) then(i, column, columns);
            stream_fence();
        });
        return;
    }
    parallel_for(chunks, work, [&](int64_t i, int) { first(i, 0, p.length); });
    parallel_ranges(p.groups, 16, p.length * chunks, merge);
    parallel_for(chunks, work, [&](int64_t i, int) {
        then(i, 0, p.length);
        stream_fence();
    });
}

// Sweeps rows [row, end) of a strip, four at a time so that the sums a and b of the columns are
// read and written seldom: add(at, row, read, a, b) takes the vector at p + at of one row.
template <class T, class Add>
TATAMI_INLINE void sweep_columns(const Norm& p, int64_t row, int64_t end, int64_t column,
                                 int64_t columns, T* a, T* b, const Add& add) {
    for (int64_t j = 0; j < columns; j++) a[column + j] = b[column + j] = T(0);
    const auto rows = [&](auto count) {
        each_vector<T>(columns, [&](int64_t i, auto read, auto write) {
            Vec<T> first = read(a + column + i), second = read(b + column + i);
#pragma GCC unroll 4
            for (int r = 0; r < decltype(count)::value; r++)
                add((row + r) * p.length + column + i, row + r, read, first, second);
            write(a + column + i, first);
            write(b + column + i, second);
        });
        row += count;
    };
    while (row + 4 <= end) rows(std::integral_constant<int, 4>{});
    while (row < end) rows(std::integral_constant<int, 1>{});
}

// Mean and sum of squared distances of each column of a chunk, row by row (Welford).
template <class T>
static void column_moments(const Norm& p, const T* x, int64_t chunk, int64_t column,
                           int64_t columns, T* mean, T* m2) {
    static constexpr Inverses<T> inverse;
    const int64_t begin = chunk * kChunkRows, end = min(begin + kChunkRows, p.runs);
    sweep_columns(p, begin, end, column, columns, mean, m2,
                  [&](int64_t at, int64_t row, auto read, Vec<T>& m, Vec<T>& s) {
                      const Vec<T> value = read(x + at), d = value - m;
                      m = fma(d, broadcast(inverse.of[row - begin + 1]), m);
                      s = fma(d, value - m, s);
                  });
}

// What the forward pass does to the columns of group g.
template <class T>
static void spread(const Norm& p, int64_t g, const T* weight, const T* bias, const double* mean,
                   const double* var, T* near, T* slope, T* level) {
    const double w = weight ? double(weight[g]) : 1.0, b = bias ? double(bias[g]) : 0.0;
    const LineMap<T> m = line_map<T>(mean[g], w * inverse_deviation(p, var[g]), b);
    for (int64_t j = g * p.repeat; j < (g + 1) * p.repeat; j++) {
        near[j] = m.near;
        slope[j] = m.slope;
        level[j] = m.level;
    }
}

template <class T>
static Two merge_columns(const Norm& p, int64_t g, const T* mean, const T* m2) {
    if (p.count == 0) return {0, 0};
    const auto each = [&](const auto& body) {
        for (int64_t row = 0, at = g * p.repeat; row < p.runs; row += kChunkRows, at += p.length)
            for (int64_t j = at; j < at + p.repeat; j++)
                body(double(min(kChunkRows, p.runs - row)), double(mean[j]), double(m2[j]));
    };
    double center = 0, var = 0;
    each([&](double n, double m, double) { center += n * m; });
    center *= p.inverse_count;
    each([&](double n, double m, double s) { var += s + n * (m - center) * (m - center); });
    return {center, var * p.inverse_count};
}

// to = value(element, column, read) in the chunk's rows of some columns.
template <class T, class Value>
TATAMI_INLINE void sweep_chunk(const Norm& p, int64_t chunk, int64_t column, int64_t columns,
                               bool streamed, T* to, const Value& value) {
    const int64_t end = min((chunk + 1) * kChunkRows, p.runs);
    for (int64_t row = chunk * kChunkRows; row < end; row++) {
        const int64_t at = row * p.length + column;
        sweep<1>(to + at, 0, columns, streamed && columns == p.length,
                 [=](int64_t i, auto read, auto) {
                     return Results<T, 1>{value(at + i, column + i, read)};
                 });
    }
}

template <class T>
void columns_forward(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                     double* mean, double* var, T* y) {
    const int64_t chunks = ceil_div(p.runs, kChunkRows);
    const memory::Scratch space(size_t((2 * chunks + 3) * p.length) * sizeof(T));
    T *const near = space.as<T>(), *const slope = near + p.length;  // of every column
    T* const level = slope + p.length;
    T *const means = level + p.length, *const m2 = means + chunks * p.length;
    const bool streamed = streams(p, y);
    const auto first = [&](int64_t chunk, int64_t column, int64_t columns) {
        const int64_t at = chunk * p.length;
        if (!p.fixed) column_moments(p, x, chunk, column, columns, means + at, m2 + at);
    };
    const auto merge = [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g++) {
            if (!p.fixed) {
                const Two merged = merge_columns(p, g, means, m2);
                mean[g] = merged.first;
                var[g] = merged.second;
            }
            spread(p, g, weight, bias, mean, var, near, slope, level);
        }
    };
    const auto then = [&](int64_t chunk, int64_t column, int64_t columns) {
        with_finish(p, residual, [&](const auto& finish) {
            sweep_chunk(p, chunk, column, columns, streamed, y,
                        [=](int64_t at, int64_t j, auto read) {
                            const Vec<T> d = read(x + at) - read(near + j);
                            return finish(at, read, fma(d, read(slope + j), read(level + j)));
                        });
        });
    };
    by_strips<T>(p, 1, first, merge, then);
}

// dx = g factor + (x - near) slope + level, as in runs_backward.
template <class T>
void columns_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                      const double* mean, const double* var, T* dx, T* dweight, T* dbias) {
    const int64_t chunks = ceil_div(p.runs, kChunkRows);
    const memory::Scratch space(size_t(2 * (chunks + 3) * p.length) * sizeof(T));
    T *const factor = space.as<T>(), *const near = factor + p.length;  // of every column
    T *const slope = near + p.length, *const level = slope + p.length;
    T *const of_slope = level + p.length, *const of_level = of_slope + p.length;  // forward
    T *const g_sums = of_level + p.length, *const d_sums = g_sums + chunks * p.length;
    const bool streamed = streams(p, dx);
    for (int64_t g = 0; g < p.groups; g++)
        spread(p, g, weight, bias, mean, var, near, of_slope, of_level);

    const auto first = [&](int64_t chunk, int64_t column, int64_t columns) {
        const int64_t begin = chunk * kChunkRows, end = min(begin + kChunkRows, p.runs);
        with_activation_of<T>(p, [&](const auto& f) {
            sweep_columns(p, begin, end, column, columns, g_sums + chunk * p.length,
                          d_sums + chunk * p.length,
                          [&](int64_t at, int64_t row, auto read, Vec<T>& a, Vec<T>& b) {
                              const int64_t j = at - row * p.length;
                              const Vec<T> d = read(x + at) - read(near + j);
                              const Vec<T> g = through<T>(f, read(dy + at), d, read(of_slope + j),
                                                          read(of_level + j));
                              a += g;
                              b = fma(g, d, b);
                          });
        });
    };
    const auto merge = [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; g++) {
            Two sum{0, 0};
            for (int64_t i = 0; i < chunks; i++)
                for (int64_t j = g * p.repeat; j < (g + 1) * p.repeat; j++)
                    sum += Two{double(g_sums[i * p.length + j]), double(d_sums[i * p.length + j])};
            const double rest = center_of<T>(mean[g]).rest;
            sum.second -= rest * sum.first;
            const double s = inverse_deviation(p, var[g]);
            const double a = (weight ? double(weight[g]) : 1.0) * s;
            const double share = p.fixed ? 0 : a * p.inverse_count;
            if (dweight) dweight[g] = T(sum.second * s);
            if (dbias) dbias[g] = T(sum.first);
            for (int64_t j = g * p.repeat; j < (g + 1) * p.repeat; j++) {
                factor[j] = T(a);
                slope[j] = T(-share * s * s * sum.second);
                level[j] = T(-share * (sum.first - rest * s * s * sum.second));
            }
        }
    };
    const auto then = [&](int64_t chunk, int64_t column, int64_t columns) {
        with_activation_of<T>(p, [&](const auto& f) {
            sweep_chunk(
                p, chunk, column, columns, streamed, dx, [=](int64_t at, int64_t j, auto read) {
                    const Vec<T> d = read(x + at) - read(near + j);
                    const Vec<T> g =
                        through<T>(f, read(dy + at), d, read(of_slope + j), read(of_level + j));
                    const Vec<T> rest = fma(d, read(slope + j), read(level + j));
                    return fma(g, read(factor + j), rest);
                });
        });
    };
    by_strips<T>(p, 2, first, merge, then);
}

template void columns_forward(const Norm&, const float*, const float*, const float*, const float*,
                              double*, double*, float*);
template void columns_forward(const Norm&, const double*, const double*, const double*,
                              const double*, double*, double*, double*);
template void columns_backward(const Norm&, const float*, const float*, const float*, const float*,
                               const double*, const double*, float*, float*, float*);
template void columns_backward(const Norm&, const double*, const double*, const double*,
                               const double*, const double*, const double*, double*, double*,
                               double*);

}  // namespace tatami::TATAMI_ISA
