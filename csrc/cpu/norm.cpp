// Normalisation by runs: statistics of every form but columns, and the forward sweep over them.
#include "cpu/norm.h"

#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Mean and variance of group g of its tiles' moments, in an order that the shape fixes.
static Two merge_moments(const Norm& p, const Lines& v, int64_t g, const Two* moment) {
    if (p.count == 0) return {0, 0};
    const int64_t begin = g * v.of_group, end = begin + v.of_group;
    if (v.of_group * v.tiles == 1)
        return {moment[begin].first, moment[begin].second * p.inverse_count};
    const auto each = [&](const auto& body) {
        for (int64_t line = begin; line < end; line++)
            for (int64_t t = 0; t < v.tiles; t++) {
                const Tile q = tile_of(p, v, line, t);
                body(double(q.rows * q.n), moment[line * v.tiles + t]);
            }
    };
    double mean = 0, var = 0;
    each([&](double n, Two m) { mean += n * m.first; });
    mean *= p.inverse_count;
    each([&](double n, Two m) { var += m.second + n * (m.first - mean) * (m.first - mean); });
    return {mean, var * p.inverse_count};
}

// What the forward pass does to a line.
template <class T>
static LineMap<T> forward_map(const Norm& p, int64_t line, double mean, double scale,
                              const T* weight, const T* bias) {
    const int64_t c = p.per_element ? 0 : line % p.period;
    const double w = weight && !p.per_element ? double(weight[c]) : 1.0;
    const double b = bias && !p.per_element ? double(bias[c]) : 0.0;
    return line_map<T>(mean, w * scale, b);
}

// LINES rows of y, from element `at` of x and y on, of weights w and biases b by element.
template <int LINES, class T>
TATAMI_INLINE void write_rows(const Norm& p, int64_t at, int64_t n, const T* x, const T* w,
                              const T* b, const LineMap<T>* maps, int64_t ahead, bool streamed,
                              T* y) {
    Vec<T> near[LINES], slope[LINES], level[LINES];
    for (int l = 0; l < LINES; l++) {
        near[l] = broadcast(maps[l].near);
        slope[l] = broadcast(maps[l].slope);
        level[l] = broadcast(maps[l].level);
    }
    const int64_t apart = p.length;
    sweep<LINES>(y + at, apart, n, streamed, [=](int64_t i, auto read, auto) {
        const Vec<T> weight = read(w + i), bias = read(b + i);
        Results<T, LINES> r;
#pragma GCC unroll 4
        for (int l = 0; l < LINES; l++) {
            const T* const from = x + at + l * apart + i;
            fetch(from + ahead);
            r.line[l] = fma(fma(read(from) - near[l], slope[l], level[l]), weight, bias);
        }
        return r;
    });
}

template <class T>
void runs_forward(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                  double* mean, double* var, T* y) {
    const Lines v = lines_of<T>(p);
    const int64_t elements = p.period * p.length;
    const memory::Scratch twos(size_t(v.count * v.tiles) * sizeof(Two));
    const memory::Scratch lines(size_t(v.count) * sizeof(LineMap<T>));
    const memory::Scratch weights(p.per_element ? 2 * size_t(elements) * sizeof(T) : 0);
    Two* const moment = twos.as<Two>();
    LineMap<T>* const map = lines.as<LineMap<T>>();
    const bool streamed = streams(p, y);
    const int64_t ahead = fetch_distance<T>(p, 1);
    if (p.per_element) {
        bias = by_element(bias, T(0), p.repeat, elements, weights.as<T>() + elements);
        weight = by_element(weight, T(1), p.repeat, elements, weights.as<T>());
    }
    const auto first = [&](int64_t t, int64_t line, int64_t end) {
        if (p.fixed) return;
        each_lines(line, end, [&]<int LINES>(int64_t at) {
            moments<T, LINES>(tile_of(p, v, at, t), x, p.length, p.centred,
                              moment + at * v.tiles + t, v.tiles);
        });
    };
    const auto merge = [&](int64_t g) {
        if (!p.fixed) {
            const Two merged = merge_moments(p, v, g, moment);
            mean[g] = merged.first;
            var[g] = merged.second;
        }
        const double scale = inverse_deviation(p, var[g]);
        for (int64_t line = g * v.of_group; line < (g + 1) * v.of_group; line++)
            map[line] = forward_map(p, line, mean[g], scale, weight, bias);
    };
    const auto by_run = [&](int64_t id, int64_t end) {
        with_finish(p, residual, [&](const auto& finish) {
            each_place<T>(p, v.pieces, id, end, [&](const Place& q) {
                const LineMap<T>& m = map[q.line];
                const Vec<T> near = broadcast(m.near), a = broadcast(m.slope);
                const Vec<T> b = broadcast(m.level);
                const int64_t at = q.at;
                sweep<1>(y + at, 0, q.n, streamed, [=](int64_t i, auto read, auto) {
                    fetch(x + at + i + ahead);
                    const Vec<T> normal = fma(read(x + at + i) - near, a, b);
                    return Results<T, 1>{finish(at + i, read, normal)};
                });
            });
        });
    };
    const auto by_weight = [&](int64_t id, int64_t end) {
        if (!streamed && v.pieces == 1 && p.period == 1)  // several streams at once are slower
            for (; id + kLinesAtOnce <= end; id += kLinesAtOnce)
                write_rows<kLinesAtOnce>(p, id * p.length, p.length, x, weight, bias, map + id,
                                         ahead, false, y);
        each_place<T>(p, v.pieces, id, end, [&](const Place& q) {
            const int64_t from = q.weight * p.length + q.column;
            write_rows<1>(p, q.at, q.n, x, weight + from, bias + from, map + q.line, ahead,
                          streamed, y);
        });
    };
    if (p.per_element)
        by_groups<T>(p, v, 1, first, merge, by_weight);
    else
        by_groups<T>(p, v, 1, first, merge, by_run);
}

// dweight, dbias of the sums of dy and dy (x - mean) of every tile.
static void channel_sums(const Norm& p, const Lines& v, const Two* sum, const double* scale,
                         const auto& store_sums) {
    parallel_ranges(p.period, 16, v.count * v.tiles, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
            Two total{0, 0};
            for (int64_t line = c; line < v.count; line += p.period) {
                Two of_line{0, 0};
                for (int64_t t = 0; t < v.tiles; t++) of_line += sum[line * v.tiles + t];
                total += Two{of_line.first, of_line.second * scale[line / v.of_group]};
            }
            store_sums(c, total);
        }
    });
}

// dx = scale (w g - level - (x - mean) slope), where level and slope are the means over the group
// of w g and of w g (x - mean) scale²; 0 where mean and var are fixed. g is dy through the
// activation.
template <class T>
void runs_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                   const double* mean, const double* var, T* dx, T* dweight, T* dbias) {
    struct Map {
        T factor;
        LineMap<T> x, forward;
    };
    const Lines v = lines_of<T>(p);
    const memory::Scratch twos(size_t(v.count * v.tiles) * sizeof(Two));
    const memory::Scratch lines(size_t(v.count) * sizeof(Map));
    const memory::Scratch scales(size_t(p.groups) * sizeof(double));
    Two* const sum = twos.as<Two>();
    Map* const map = lines.as<Map>();
    double* const scale = scales.as<double>();
    const bool streamed = streams(p, dx);
    const int64_t ahead = fetch_distance<T>(p, 2);
    const auto factor = [&](int64_t line) {
        return weight ? double(weight[line % p.period]) : 1.0;
    };
    const auto first = [&](int64_t t, int64_t line, int64_t end) {
        each_lines(line, end, [&]<int LINES>(int64_t at) {
            double near[LINES];
            LineMap<T> forward[LINES];
            for (int l = 0; l < LINES; l++) {
                const int64_t g = (at + l) / v.of_group;
                near[l] = mean[g];
                if (p.activation != Activation::none)
                    forward[l] =
                        forward_map(p, at + l, mean[g], inverse_deviation(p, var[g]), weight, bias);
            }
            with_activation_of<T>(p, [&](const auto& f) {
                gradient_sums<false, LINES>(tile_of(p, v, at, t), dy, x, p.length, dy, near,
                                            sum + at * v.tiles + t, v.tiles, f, forward);
            });
        });
    };
    const auto merge = [&](int64_t g) {
        const int64_t begin = g * v.of_group, end = begin + v.of_group;
        Two total{0, 0};
        for (int64_t line = begin; line < end && !p.fixed; line++)
            for (int64_t t = 0; t < v.tiles; t++) {
                const Two s = sum[line * v.tiles + t];
                total += Two{s.first * factor(line), s.second * factor(line)};
            }
        const double s = scale[g] = inverse_deviation(p, var[g]);
        const double slope = p.fixed ? 0 : -s * s * s * total.second * p.inverse_count;
        const double level = p.fixed ? 0 : -s * total.first * p.inverse_count;
        for (int64_t line = begin; line < end; line++)
            map[line] = {T(factor(line) * s), line_map<T>(mean[g], slope, level),
                         forward_map(p, line, mean[g], s, weight, bias)};
    };
    const auto then = [&](int64_t id, int64_t end) {
        with_activation_of<T>(p, [&](const auto& f) {
            each_place<T>(p, v.pieces, id, end, [&](const Place& q) {
                const Map& m = map[q.line];
                const Vec<T> a = broadcast(m.factor), near = broadcast(m.x.near);
                const Vec<T> b = broadcast(m.x.slope), c = broadcast(m.x.level);
                const Vec<T> slope = broadcast(m.forward.slope), level = broadcast(m.forward.level);
                const int64_t at = q.at;
                sweep<1>(dx + at, 0, q.n, streamed, [=](int64_t i, auto read, auto) {
                    fetch(dy + at + i + ahead);
                    fetch(x + at + i + ahead);
                    const Vec<T> d = read(x + at + i) - near;
                    const Vec<T> g = through<T>(f, read(dy + at + i), d, slope, level);
                    return Results<T, 1>{fma(g, a, fma(d, b, c))};
                });
            });
        });
    };
    by_groups<T>(p, v, 2, first, merge, then);
    channel_sums(p, v, sum, scale, [&](int64_t c, Two total) {
        if (dweight) dweight[c] = T(total.second);
        if (dbias) dbias[c] = T(total.first);
    });
}

template <class T>
static void forward(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                    double* mean, double* var, T* y) {
    const auto run = p.columns ? columns_forward<T> : runs_forward<T>;
    run(p, x, weight, bias, residual, mean, var, y);
}

template <class T>
static void backward(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                     const double* mean, const double* var, T* dx, T* dweight, T* dbias) {
    const auto run = p.columns       ? columns_backward<T>
                     : p.per_element ? rows_backward<T>
                                     : runs_backward<T>;
    run(p, dy, x, weight, bias, mean, var, dx, dweight, dbias);
}

template <class T>
static void read_running(const Norm& p, const T* running_mean, const T* running_var, double* mean,
                         double* var) {
    for (int64_t c = 0; c < p.groups; c++) {
        mean[c] = running_mean[c];
        var[c] = running_var[c];
    }
}

template <class T>
static void update_running(const Norm& p, double momentum, const double* mean, const double* var,
                           T* running_mean, T* running_var) {
    const double share = double(p.parameters) / double(p.groups);
    const double unbias = double(p.count) / double(p.count > 1 ? p.count - 1 : 1);
    for (int64_t c = 0; c < p.parameters; c++) {
        double m = 0, v = 0;
        for (int64_t g = c; g < p.groups; g += p.parameters) {
            m += mean[g];
            v += var[g];
        }
        running_mean[c] = T((1 - momentum) * double(running_mean[c]) + momentum * m * share);
        running_var[c] = T((1 - momentum) * double(running_var[c]) + momentum * v * share * unbias);
    }
}

template <class T>
NormKernels<T> norm_kernels() {
    return {&read_running<T>, &update_running<T>, &forward<T>, &backward<T>};
}
template NormKernels<float> norm_kernels();
template NormKernels<double> norm_kernels();

}  // namespace tatami::TATAMI_ISA
