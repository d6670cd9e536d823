// Normalisation by runs: statistics of every form but columns, and the forward sweep over them.
#include "cpu/norm.h"

#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Mean and variance of group g of its pieces' moments, in an order that the shape fixes.
template <class T>
static Pair merge_moments(const Norm& p, int64_t g, int64_t pieces, const Pair* moment) {
    if (p.count == 0) return {0, 0};
    if (p.group_runs * pieces == 1) return {moment[g].first, moment[g].second * p.inverse_count};
    const int64_t rest = p.length - (pieces - 1) * kPiece<T>;
    const auto each = [&](const auto& body) {
        for (int64_t i = 0; i < p.group_runs; i++) {
            const int64_t run = p.across ? i * p.groups + g : g * p.group_runs + i;
            for (int64_t k = 0; k < pieces; k++)
                body(double(k + 1 < pieces ? kPiece<T> : rest), moment[run * pieces + k]);
        }
    };
    double mean = 0, var = 0;
    each([&](double n, Pair m) { mean += n * m.first; });
    mean *= p.inverse_count;
    each([&](double n, Pair m) { var += m.second + n * (m.first - mean) * (m.first - mean); });
    return {mean, var * p.inverse_count};
}

template <class T>
void runs_forward(const Norm& p, const T* x, const T* weight, const T* bias, double* mean,
                  double* var, T* y) {
    const int64_t pieces = ceil_div(p.length, kPiece<T>), elements = p.period * p.length;
    const memory::Scratch pairs(size_t(p.runs * pieces) * sizeof(Pair));
    const memory::Scratch scales(size_t(p.groups) * sizeof(double));
    const memory::Scratch weights(p.per_element ? 2 * size_t(elements) * sizeof(T) : 0);
    Pair* const moment = pairs.as<Pair>();
    double* const scale = scales.as<double>();
    const bool streamed = streams(p, y);
    const int64_t ahead = fetch_distance<T>(p, 1);
    if (p.per_element) {
        bias = by_element(bias, T(0), p.repeat, elements, weights.as<T>() + elements);
        weight = by_element(weight, T(1), p.repeat, elements, weights.as<T>());
    }
    const auto first = [&](int64_t id, int64_t end) {
        if (p.fixed) return;
        if (pieces == 1)
            for (; id + kRowsAtOnce <= end; id += kRowsAtOnce)
                moments<T, kRowsAtOnce>(x + id * p.length, p.length, p.length, p.centred,
                                        moment + id);
        each_place<T>(p, pieces, id, end, [&](const Place& q, int64_t i) {
            moments<T, 1>(x + q.at, 0, q.n, p.centred, moment + i);
        });
    };
    const auto merge = [&](int64_t g) {
        if (!p.fixed) {
            const Pair merged = merge_moments<T>(p, g, pieces, moment);
            mean[g] = merged.first;
            var[g] = merged.second;
        }
        scale[g] = inverse_deviation(p, var[g]);
    };
    const auto by_run = [&](int64_t id, int64_t end) {
        each_place<T>(p, pieces, id, end, [&](const Place& q, int64_t) {
            const Center<T> m = center_of<T>(mean[q.group]);
            const double slope = (weight ? double(weight[q.weight]) : 1.0) * scale[q.group];
            const double level = (bias ? double(bias[q.weight]) : 0.0) - m.rest * slope;
            const Vec<T> a = broadcast(T(slope)), b = broadcast(T(level));
            sweep(q.n, y + q.at, streamed, [=](int64_t i, auto read, auto) {
                fetch(x + q.at + i + ahead);
                return fma(read(x + q.at + i) - m.near, a, b);
            });
        });
    };
    const auto by_weight = [&](int64_t id, int64_t end) {
        each_place<T>(p, pieces, id, end, [&](const Place& q, int64_t) {
            const T* const w = weight + q.weight * p.length + q.column;
            const T* const v = bias + q.weight * p.length + q.column;
            const Center<T> m = center_of<T>(mean[q.group]);
            const Vec<T> a = broadcast(T(scale[q.group]));
            const Vec<T> b = broadcast(T(-m.rest * scale[q.group]));
            sweep(q.n, y + q.at, streamed, [=](int64_t i, auto read, auto) {
                fetch(x + q.at + i + ahead);
                return fma(fma(read(x + q.at + i) - m.near, a, b), read(w + i), read(v + i));
            });
        });
    };
    if (p.per_element)
        by_groups<T>(p, pieces, 1, first, merge, by_weight);
    else
        by_groups<T>(p, pieces, 1, first, merge, by_run);
}

// dweight, dbias of the sums of dy and dy (x - mean) of every piece.
template <class T>
static void channel_gradients(const Norm& p, int64_t pieces, const Pair* sum, const double* scale,
                              T* dweight, T* dbias) {
    parallel_ranges(p.period, 16, p.runs * pieces, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
            Pair total{0, 0};
            for (int64_t run = c; run < p.runs; run += p.period) {
                Pair of_run{0, 0};
                for (int64_t k = 0; k < pieces; k++) of_run += sum[run * pieces + k];
                const double s = scale[p.across ? c : run / p.group_runs];
                total += Pair{of_run.first, of_run.second * s};
            }
            if (dweight) dweight[c] = T(total.second);
            if (dbias) dbias[c] = T(total.first);
        }
    });
}

// dx = scale (w dy - level - (x - mean) slope), where level and slope are the means over the group
// of w dy and of w dy (x - mean) scale²; 0 where mean and var are fixed.
template <class T>
void runs_backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                   const double* var, T* dx, T* dweight, T* dbias) {
    const int64_t pieces = ceil_div(p.length, kPiece<T>);
    const memory::Scratch pairs(size_t(p.runs * pieces) * sizeof(Pair));
    const memory::Scratch scales(size_t(p.groups) * 3 * sizeof(double));
    Pair* const sum = pairs.as<Pair>();
    double* const scale = scales.as<double>();
    double *const level = scale + p.groups, *const slope = level + p.groups;
    const bool streamed = streams(p, dx);
    const int64_t ahead = fetch_distance<T>(p, 2);
    const auto factor = [&](int64_t run) { return weight ? double(weight[run % p.period]) : 1.0; };
    const auto first = [&](int64_t id, int64_t end) {
        if (pieces == 1 && id + kRowsAtOnce <= end) {
            Place q = place_of<T>(p, pieces, id);
            for (; id + kRowsAtOnce <= end; id += kRowsAtOnce) {
                const int64_t at = q.at;
                double near[kRowsAtOnce];
                for (int r = 0; r < kRowsAtOnce; r++, advance<T>(p, q)) near[r] = mean[q.group];
                gradient_sums<false, kRowsAtOnce>(dy + at, x + at, p.length, dy, 0, p.length, near,
                                                  sum + id);
            }
        }
        each_place<T>(p, pieces, id, end, [&](const Place& q, int64_t i) {
            gradient_sums<false, 1>(dy + q.at, x + q.at, 0, dy, 0, q.n, mean + q.group, sum + i);
        });
    };
    const auto merge = [&](int64_t g) {
        Pair total{0, 0};
        for (int64_t i = 0; i < p.group_runs && !p.fixed; i++) {
            const int64_t run = p.across ? i * p.groups + g : g * p.group_runs + i;
            for (int64_t k = 0; k < pieces; k++) {
                const Pair s = sum[run * pieces + k];
                total += Pair{s.first * factor(run), s.second * factor(run)};
            }
        }
        scale[g] = inverse_deviation(p, var[g]);
        level[g] = p.fixed ? 0 : -scale[g] * total.first * p.inverse_count;
        slope[g] = p.fixed ? 0 : -scale[g] * scale[g] * scale[g] * total.second * p.inverse_count;
    };
    const auto then = [&](int64_t id, int64_t end) {
        each_place<T>(p, pieces, id, end, [&](const Place& q, int64_t) {
            const Center<T> m = center_of<T>(mean[q.group]);
            const Vec<T> a =
                broadcast(T((weight ? double(weight[q.weight]) : 1.0) * scale[q.group]));
            const Vec<T> b = broadcast(T(slope[q.group]));
            const Vec<T> c = broadcast(T(level[q.group] - m.rest * slope[q.group]));
            sweep(q.n, dx + q.at, streamed, [=](int64_t i, auto read, auto) {
                fetch(dy + q.at + i + ahead);
                fetch(x + q.at + i + ahead);
                return fma(read(dy + q.at + i), a, fma(read(x + q.at + i) - m.near, b, c));
            });
        });
    };
    by_groups<T>(p, pieces, 2, first, merge, then);
    channel_gradients(p, pieces, sum, scale, dweight, dbias);
}

template <class T>
static void forward(const Norm& p, const T* x, const T* weight, const T* bias, double* mean,
                    double* var, T* y) {
    (p.columns ? columns_forward<T> : runs_forward<T>)(p, x, weight, bias, mean, var, y);
}

template <class T>
static void backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                     const double* var, T* dx, T* dweight, T* dbias) {
    const auto run = p.columns       ? columns_backward<T>
                     : p.per_element ? rows_backward<T>
                                     : runs_backward<T>;
    run(p, dy, x, weight, mean, var, dx, dweight, dbias);
}

template <class T>
NormKernels<T> norm_kernels() {
    return {&forward<T>, &backward<T>};
}
template NormKernels<float> norm_kernels();
template NormKernels<double> norm_kernels();

}  // namespace tatami::TATAMI_ISA
