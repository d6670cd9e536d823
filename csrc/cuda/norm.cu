// Normalisation. Groups in registers are read once (8 bytes an element in float32 forward, 12
// backward); larger ones and those across samples twice, by sums over tiles and a sweep.
#include "cuda/norm_held.cuh"
#include "cuda/norm_map.cuh"
#include "cuda/norm_moments.cuh"
#include "cuda/table.h"
#include "ops/norm.h"

namespace tatami::cuda {

template <class T>
static void forward_held(const Norm& norm, const Groups& p, const T* x, const T* weight,
                         const T* bias, double* mean, double* var, T* y) {
    const bool wide = aligned_to(x, 16) && aligned_to(y, 16);
    const HeldForward<T> call{p, norm.groups, wide, x, weight, bias, mean, var, y};
    with_team<T>(p.count, [&]<class Team, int N, int P>(int threads) {
        const int64_t blocks = (norm.groups + Team::kTeams - 1) / Team::kTeams;
        launch(
            {dim3(unsigned(blocks)), dim3(unsigned(threads)), kReduceRoom * sizeof(Pair<Real<T>>)},
            &held_forward<Team, N, P, T>, call);
    });
}

template <class T>
static void forward(const Norm& norm, const T* x, const T* weight, const T* bias, const T* residual,
                    double* mean, double* var, T* y) {
    const Groups p(norm);
    if (!norm.across && norm.groups > 0 && is_held<T>(p.count))
        return forward_held(norm, p, x, weight, bias, mean, var, y);
    if (!norm.fixed) group_moments(p, norm.groups, x, mean, var);
    if (p.elements == 0) return;
    using V = Real<T>;
    const Workspace space(size_t(norm.groups) * sizeof(Scaling<V>));
    auto* const scaling = space.as<Scaling<V>>();
    each_thread(norm.groups, ScaleGroups<V>{p.eps, mean, var, scaling});
    const NormalizeRun<T> run{p, weight, bias, scaling};
    if (residual)
        map_channels<Finished>(norm, run, y, x, residual);
    else if (norm.activation != Activation::none)
        map_channels<Finished>(norm, run, y, x);
    else
        map_runs(p.elements, p.inner, run, y, x);
}

// ---- Backward: with z the normalised x, g = w dy, and m the mean over a group,
// dx = scale (g - m(g) - z m(g z)); dweight = Σ dy z, dbias = Σ dy.

// Σ dy and Σ dy z of a tile, dy weighted where its line has many weights.
template <class T, int N, bool WEIGHTED>
struct TileSums {
    Groups p;
    Tiles tiles;
    bool wide;
    const T *dy, *x, *weight;
    const Scaling<Real<T>>* scaling;
    Pair<double>* part;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t i) const {
        const int64_t line = i / tiles.of_line;
        const auto [near, rest, scale] = scaling[WEIGHTED ? line : p.group(line)];
        using V = Real<T>;
        Pair<V> own[N] = {};
        each_of_lane<N>(tiles.at(i), [&](int64_t at) {
            const auto g = load_elements<N>(dy, at, INT64_MAX, wide);
            const auto v = load_elements<N>(x, at, INT64_MAX, wide);
            for (int k = 0; k < N; k++) {
                const V w = WEIGHTED && weight ? V(weight[p.channel((at + k) / p.inner)]) : V(1);
                const V each = g.at[k] * w;
                own[k] = {own[k].first + each, fma(each, v.at[k] - near, own[k].second)};
            }
        });
        for (int k = 1; k < N; k++) own[0] = own[0] + own[k];
        const Pair<double> sum = team.reduce(wider(own[0]), Plus{});
        if (team.rank() == 0)
            part[i] = {sum.first, (sum.second - double(rest) * sum.first) * double(scale)};
    }
};

// The same of a column of a slot of samples.
template <class T>
struct ColumnSums {
    Groups p;
    int64_t columns;
    const T *dy, *x;
    const Scaling<Real<T>>* scaling;
    TATAMI_DEVICE Pair<double> operator()(int64_t column, int64_t row, int64_t step,
                                          int64_t end) const {
        const int64_t c = column / p.inner;
        using V = Real<T>;
        Pair<V> own{};
        for (; row < end; row += step) {
            const auto [near, rest, scale] = scaling[p.group(row * p.channels + c)];
            const int64_t at = row * columns + column;
            const V g = dy[at], z = ((x[at] - near) - rest) * scale;
            own = {own.first + g, fma(g, z, own.second)};
        }
        return wider(own);
    }
};

template <class T>
struct GradientOfGroup {
    T near, scale, slope, level;
};

// Of the parts of every group, a weight for `of_line` of them, or all weighted already.
template <class T>
struct FoldGroups {
    Groups p;
    Parts parts;
    int64_t of_line;
    using V = Real<T>;
    const T* weight;
    const Pair<double>* part;
    const Scaling<V>* scaling;
    GradientOfGroup<V>* to;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t g) const {
        Pair<double> sum{};
        for (int64_t k = team.rank(); k < parts.count; k += team.size()) {
            const Pair<double> s = part[parts.at(g, k)];
            const int64_t c = p.across ? g : p.channel(g * p.runs_of_group + k / of_line);
            const double w = weight ? double(weight[c]) : 1;
            sum = sum + Pair<double>{s.first * w, s.second * w};
        }
        sum = team.reduce(sum, Plus{});
        if (team.rank()) return;
        const auto [near, rest, scale] = scaling[g];
        const double s = double(scale), slope = -s * s * sum.second * p.inverse_count;
        const double level = p.centred ? -s * sum.first * p.inverse_count : 0;
        to[g] = {near, scale, V(slope), V(level - double(rest) * slope)};
    }
};

template <class T>
struct FoldChannels {
    Parts parts;
    const Pair<double>* part;
    T *dweight, *dbias;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t c) const {
        Pair<double> sum{};
        for (int64_t k = team.rank(); k < parts.count; k += team.size())
            sum = sum + part[parts.at(c, k)];
        sum = team.reduce(sum, Plus{});
        if (team.rank()) return;
        if (dweight) dweight[c] = Real<T>(sum.second);
        if (dbias) dbias[c] = Real<T>(sum.first);
    }
};

template <class T>
struct InputGradient {
    T factor, near, slope, level;
    TATAMI_DEVICE T operator()(T dy, T x) const {
        return fma(dy, factor, fma(x - near, slope, level));
    }
};

template <class T>
struct GradientOfRun {
    using V = Real<T>;
    Groups p;
    const T* weight;
    const GradientOfGroup<V>* group;
    TATAMI_DEVICE InputGradient<V> of(int64_t run) const {
        const auto [near, scale, slope, level] = group[p.group(run)];
        return {weight ? weight[p.channel(run)] * scale : scale, near, slope, level};
    }
};

// dweight and dbias of what blocks kept of their rows.
template <class T>
struct KeptColumns {
    const T* part;
    int64_t count;
    TATAMI_DEVICE Pair<double> operator()(int64_t c, int64_t slot, int64_t step,
                                          int64_t end) const {
        Pair<double> sum{};
        for (; slot < end; slot += step) {
            const T* const own = part + slot * 2 * count + c;
            sum = sum + Pair<double>{double(own[count]), double(own[0])};
        }
        return sum;
    }
};

// Rows of a block: parts are at most a sixth of what it moves, and blocks enough for any GPU.
static int64_t slot_rows(int64_t rows) {
    return rows / 1024 > 16 ? rows / 1024 : 16;
}

template <class T>
static void backward_held(const Norm& norm, const Groups& p, const T* dy, const T* x,
                          const T* weight, const double* mean, const double* var, T* dx, T* dweight,
                          T* dbias) {
    const int64_t rows = norm.runs, each = slot_rows(rows), slots = (rows + each - 1) / each;
    const bool wide = aligned_to(dy, 16) && aligned_to(x, 16) && aligned_to(dx, 16);
    const bool folds = dweight || dbias;
    using V = Real<T>;
    const Workspace parts(folds ? size_t(slots * 2 * p.count) * sizeof(V) : 0);
    const HeldBackward<T> call{p, rows, each, wide, dy, x, weight, mean, var, dx, parts.as<V>()};
    with_team<T>(p.count, [&]<class Team, int N, int P>(int threads) {
        const size_t room = Team::kTeams == 1 ? kReduceRoom * sizeof(Pair<Real<T>>)
                                              : size_t(2 * p.count) * sizeof(Real<T>);
        launch({dim3(unsigned(slots)), dim3(unsigned(threads)), room},
               &held_backward<Team, N, P, T>, call);
    });
    if (!folds) return;
    const Workspace sums(size_t(column_slots(slots) * p.count) * sizeof(Pair<double>));
    each_column(slots, p.count, KeptColumns<V>{parts.as<V>(), p.count}, sums.as<Pair<double>>());
    each_team(
        p.count, false,
        FoldChannels<T>{column_parts(slots, p.count, 1), sums.as<Pair<double>>(), dweight, dbias});
}

// The sums of a backward pass, and what is made of them.
template <class T>
struct Sums {
    const Groups& p;
    int64_t groups;
    bool fixed;
    const T *dy, *x, *weight;
    const Scaling<Real<T>>* scaling;
    GradientOfGroup<Real<T>>* gradient;
    T *dweight, *dbias;

    void fold_groups(Parts parts, int64_t of_line, const T* w, const Pair<double>* part) const {
        if (fixed) parts.count = 0;
        each_team(groups, parts.large(),
                  FoldGroups<T>{p, parts, of_line, w, part, scaling, gradient});
    }
    void fold_channels(const Parts& parts, const Pair<double>* part) const {
        if (dweight || dbias)
            each_team(p.channels, parts.large(), FoldChannels<T>{parts, part, dweight, dbias});
    }
    template <bool WEIGHTED>
    void sum_tiles(const Tiles& tiles, Pair<double>* part) const {
        const bool wide = aligned_to(dy, 16) && aligned_to(x, 16);
        with_width<T>(tiles.length, [&]<int N>(std::integral_constant<int, N>) {
            each_team(tiles.count(), false,
                      TileSums<T, N, WEIGHTED>{p, tiles, wide, dy, x, weight, scaling, part});
        });
    }
    // Runs long enough to be summed one by one.
    void by_runs() const {
        const Tiles tiles = tiles_of(p, true);
        const Workspace space(size_t(tiles.count()) * sizeof(Pair<double>));
        Pair<double>* const part = space.as<Pair<double>>();
        sum_tiles<false>(tiles, part);
        const int64_t of_group = p.runs_of_group * tiles.of_line;
        const Parts of_groups{of_group, of_group, of_group > 0 ? of_group : 1, 0};
        fold_groups(p.across ? channel_parts(tiles, p.channels) : of_groups, tiles.of_line, weight,
                    part);
        fold_channels(channel_parts(tiles, p.channels), part);
    }
    // Short ones: columns of a matrix, and groups within samples on their own.
    void by_columns() const {
        const int64_t columns = p.channels * p.inner, rows = columns ? p.elements / columns : 0;
        const Workspace space(size_t(column_slots(rows) * columns) * sizeof(Pair<double>));
        Pair<double>* const part = space.as<Pair<double>>();
        if (p.across || dweight || dbias)
            each_column(rows, columns, ColumnSums<T>{p, columns, dy, x, scaling}, part);
        const Parts parts = column_parts(rows, columns, p.inner);
        fold_channels(parts, part);
        if (p.across) return fold_groups(parts, 1, weight, part);
        const Tiles tiles = tiles_of(p, false);
        const Workspace more(size_t(tiles.count()) * sizeof(Pair<double>));
        sum_tiles<true>(tiles, more.as<Pair<double>>());
        fold_groups(channel_parts(tiles, groups), 1, nullptr, more.as<Pair<double>>());
    }
};

template <class T>
static void backward(const Norm& norm, const T* dy, const T* x, const T* weight, const T* bias,
                     const double* mean, const double* var, T* dx, T* dweight, T* dbias) {
    const Groups p(norm);
    const bool rows = norm.per_element && norm.period == 1 && norm.repeat == 1;
    if (rows && norm.runs > 0 && is_held<T>(p.count))
        return backward_held(norm, p, dy, x, weight, mean, var, dx, dweight, dbias);
    using V = Real<T>;
    const Workspace scalings(size_t(norm.groups) * sizeof(Scaling<V>));
    const Workspace gradients(size_t(norm.groups) * sizeof(GradientOfGroup<V>));
    auto* const scaling = scalings.as<Scaling<V>>();
    auto* const gradient = gradients.as<GradientOfGroup<V>>();
    each_thread(norm.groups, ScaleGroups<V>{p.eps, mean, var, scaling});
    const bool active = norm.activation != Activation::none;
    const Workspace masks(active ? size_t(p.elements) * sizeof(T) : 0);
    if (active) {
        T* const masked = masks.as<T>();
        map_channels<Masked>(norm, NormalizeRun<T>{p, weight, bias, scaling}, masked, dy, x);
        dy = masked;
    }
    const Sums<T> sums{p,      norm.groups, norm.fixed, dy,      x,
                       weight, scaling,     gradient,   dweight, dbias};
    if (p.inner < kShortRun)
        sums.by_columns();
    else
        sums.by_runs();
    map_runs(p.elements, p.inner, GradientOfRun<T>{p, weight, gradient}, dx, dy, x);
}

// ---- Running statistics: a thread a channel.

template <class T>
struct ReadRunning {
    const T *running_mean, *running_var;
    double *mean, *var;
    TATAMI_DEVICE void operator()(Single, int64_t c) const {
        mean[c] = double(running_mean[c]);
        var[c] = double(running_var[c]);
    }
};

template <class T>
static void read_running(const Norm& p, const T* running_mean, const T* running_var, double* mean,
                         double* var) {
    each_thread(p.groups, ReadRunning<T>{running_mean, running_var, mean, var});
}

template <class T>
struct UpdateRunning {
    int64_t groups, channels;
    double momentum, share, unbias;
    const double *mean, *var;
    T *running_mean, *running_var;
    TATAMI_DEVICE void operator()(Single, int64_t c) const {
        double m = 0, v = 0;
        for (int64_t g = c; g < groups; g += channels) {
            m += mean[g];
            v += var[g];
        }
        const double keep = 1 - momentum;
        running_mean[c] = T(keep * double(running_mean[c]) + momentum * m * share);
        running_var[c] = T(keep * double(running_var[c]) + momentum * v * share * unbias);
    }
};

template <class T>
static void update_running(const Norm& p, double momentum, const double* mean, const double* var,
                           T* running_mean, T* running_var) {
    const double share = double(p.parameters) / double(p.groups);
    const double unbias = double(p.count) / double(p.count > 1 ? p.count - 1 : 1);
    each_thread(p.parameters, UpdateRunning<T>{p.groups, p.parameters, momentum, share, unbias,
                                               mean, var, running_mean, running_var});
}

template <class T>
NormKernels<T> norm_kernels() {
    return {&read_running<T>, &update_running<T>, &forward<T>, &backward<T>};
}
template NormKernels<float> norm_kernels();
template NormKernels<double> norm_kernels();
template NormKernels<Half> norm_kernels();
template NormKernels<Bfloat16> norm_kernels();

}  // namespace tatami::cuda
