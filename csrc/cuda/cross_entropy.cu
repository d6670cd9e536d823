// Cross entropy and its gradient, fused with log_softmax.
#include "cuda/exp_sum.cuh"
#include "cuda/factor.cuh"
#include "cuda/rows.cuh"
#include "cuda/sums.cuh"
#include "cuda/table.h"
#include "ops/cross_entropy.h"

namespace tatami::cuda {

// ---- The sum of the targets' weights.

template <class T>
struct WeightOf {
    int64_t classes, ignored;
    const T* weight;
    TATAMI_DEVICE double operator()(int64_t t) const {
        if (t == ignored || t < 0 || t >= classes) return 0;
        return weight ? double(weight[t]) : 1;
    }
};

template <class T>
static TargetCheck check_targets(const CrossEntropy& p, const int64_t* index, const T* weight,
                                 double* total) {
    const WeightOf<T> f{p.length, p.ignore_index, weight};
    sum_arrays(p.positions, f, StoreDivided<double>{{1}, total}, index);
    return {true, 0};
}

// ---- The losses: a team a position.

// q_c = w_c (gain target_c + base), target_c being [c = t] or p_c.
template <class T>
struct Coefficients {
    using V = Real<T>;
    const int64_t* index;
    const T *probability, *weight;
    int64_t ignored;
    V gain, base;

    Coefficients(const CrossEntropy& p, const Target<T>& target, const T* weight)
        : index(target.index),
          probability(target.probability),
          weight(weight),
          ignored(p.ignore_index),
          gain(V(1 - p.smoothing)),
          base(V(p.smoothing / double(p.length))) {}

    // Whether the line's class is none: loss and gradient are NaN.
    TATAMI_DEVICE bool strays(const Line& line) const {
        return index && uint64_t(index[line.number]) >= uint64_t(line.length);
    }
    TATAMI_DEVICE bool ignores(const Line& line) const {
        return index && index[line.number] == ignored;
    }
    // Of class c, whose logit is element `at`, where t is the line's class.
    TATAMI_DEVICE V of(int64_t c, int64_t at, int64_t t) const {
        const V target = index ? V(c == t) : V(probability[at]);
        return (weight ? V(weight[c]) : V(1)) * fma(gain, target, base);
    }
    // Σ q_c over a line. The same for every thread of the team.
    template <class Team>
    TATAMI_DEVICE V sum(const Team& team, const Line& line, int64_t t) const {
        if (index && !weight) return V(1);
        if (index && base == V(0)) return gain * weight[t];
        V own = V(0);
        for (int64_t c = team.rank(); c < line.length; c += team.size())
            own += of(c, line.start + c * line.stride, t);
        return team.reduce(own, Plus{});
    }
};

template <class T>
struct Forward {
    using V = Real<T>;
    Coefficients<T> q;
    const T* x;
    T* y;

    // q (log Σ exp(x - m) - (x - m)), 0 where q is.
    TATAMI_DEVICE V term(int64_t c, const Line& line, int64_t t, V most, V log_sum) const {
        const int64_t at = line.start + c * line.stride;
        const V own = q.of(c, at, t);
        return own == V(0) ? V(0) : own * (log_sum - (x[at] - most));
    }
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        V loss = V(0);
        if (!q.ignores(line) && q.strays(line)) {
            loss = V(NAN);
        } else if (!q.ignores(line)) {
            const auto [most, sum] = exp_sum(team, line, x);
            const V log_sum = log(sum);
            const int64_t t = q.index ? q.index[line.number] : -1;
            if (q.index && q.base == V(0)) {
                loss = term(t, line, t, most, log_sum);
            } else {
                for (int64_t c = team.rank(); c < line.length; c += team.size())
                    loss += term(c, line, t, most, log_sum);
                loss = team.reduce(loss, Plus{});
            }
        }
        if (team.rank() == 0) y[line.number] = loss;
    }
};

// g (Q exp(x - m) / Σ exp(x - m) - q), Q = Σ q and g = dy scale.
template <class T>
struct Backward {
    using V = Real<T>;
    Coefficients<T> q;
    const T *x, *dy;
    Factor<T> factor;
    T* dx;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        if (q.ignores(line) || q.strays(line)) {
            for (int64_t c = team.rank(); c < line.length; c += team.size())
                dx[line.start + c * line.stride] = q.ignores(line) ? V(0) : V(NAN);
            return;
        }
        const auto [most, sum] = exp_sum(team, line, x);
        const int64_t t = q.index ? q.index[line.number] : -1;
        const V scale = value_of(factor);
        const V share = q.sum(team, line, t) / sum, g = dy ? dy[line.number] * scale : scale;
        for (int64_t c = team.rank(); c < line.length; c += team.size()) {
            const int64_t at = line.start + c * line.stride;
            dx[at] = g * fma(exp(x[at] - most), share, -q.of(c, at, t));
        }
    }
};

// Lines of no class have a loss of 0, as sums of nothing.
template <class T>
static void forward(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight,
                    T* y) {
    each_line(p, Forward<T>{Coefficients<T>(p, target, weight), x, y});
}

template <class T>
static void backward(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight,
                     const T* dy, Factor<T> scale, T* dx) {
    each_line(p, Backward<T>{Coefficients<T>(p, target, weight), x, dy, scale, dx});
}

template <class T>
static void sum(int64_t n, const T* l, Divided by, T* y) {
    sum_arrays(n, Identity<T>{}, StoreDivided<T>{by, y}, l);
}

template <class T>
CrossEntropyKernels<T> cross_entropy_kernels() {
    return {&check_targets<T>, &forward<T>, &backward<T>, &sum<T>};
}
template CrossEntropyKernels<float> cross_entropy_kernels();
template CrossEntropyKernels<double> cross_entropy_kernels();
template CrossEntropyKernels<Half> cross_entropy_kernels();
template CrossEntropyKernels<Bfloat16> cross_entropy_kernels();

}  // namespace tatami::cuda
