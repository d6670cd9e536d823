// What a normalisation of large groups does to an element: forward, with a residual and an
// activation, and back through the activation.
#pragma once

#include "cuda/norm.cuh"

namespace tatami::cuda {

template <class T>
struct ScaleGroups {
    double eps;
    const double *mean, *var;
    Scaling<T>* to;
    TATAMI_DEVICE void operator()(Single, int64_t g) const {
        to[g] = scaling_of<T>(mean[g], var[g], eps);
    }
};

template <class T>
struct Normalize {
    T near, slope, level;
    TATAMI_DEVICE T operator()(T x) const { return fma(x - near, slope, level); }
};

template <class T>
struct NormalizeRun {
    using V = Real<T>;
    Groups p;
    const T *weight, *bias;
    const Scaling<V>* scaling;
    TATAMI_DEVICE Normalize<V> of(int64_t run) const {
        const auto [near, rest, scale] = scaling[p.group(run)];
        const int64_t c = p.channel(run);
        const V slope = weight ? weight[c] * scale : scale;
        return {near, slope, fma(-rest, slope, bias ? V(bias[c]) : V(0))};
    }
};

// The activation behind a batch norm, by what negative values are multiplied with: 1 for none, and
// -1 says that they become 0.
template <class T>
struct Finish {
    T below;
    explicit Finish(const Norm& p)
        : below(p.activation == Activation::none   ? T(1)
                : p.activation == Activation::relu ? T(-1)
                                                   : T(p.alpha)) {}
    TATAMI_DEVICE T operator()(T v) const {
        return v < T(0) ? (below < T(0) ? T(0) : v * below) : v;
    }
    TATAMI_DEVICE T gradient(T dy, T v) const {  // as in activate.cuh, NaN too
        if (below < T(0)) return v <= T(0) ? T(0) : dy;
        return v > T(0) ? dy : dy * below;
    }
};

// y of x, or of x and a residual.
template <class T>
struct Finished {
    Normalize<T> normal;
    Finish<T> finish;
    TATAMI_DEVICE T operator()(T x) const { return finish(normal(x)); }
    TATAMI_DEVICE T operator()(T x, T residual) const { return finish(normal(x) + residual); }
};

// dy through the activation of y.
template <class T>
struct Masked {
    Normalize<T> normal;
    Finish<T> finish;
    TATAMI_DEVICE T operator()(T dy, T x) const { return finish.gradient(dy, normal(x)); }
};

// What each channel of a batch norm does, worked out once: a thread a channel.
template <class T>
struct MakeChannels {
    NormalizeRun<T> run;
    Normalize<Real<T>>* to;
    TATAMI_DEVICE void operator()(Single, int64_t c) const { to[c] = run.of(c); }
};

template <class T, template <class> class Map>
struct MapOfChannel {
    using V = Real<T>;
    int64_t channels;
    const Normalize<V>* normal;
    Finish<V> finish;
    TATAMI_DEVICE Map<V> of(int64_t run) const { return {normal[run % channels], finish}; }
};

// to = Map of the arrays x.
template <template <class> class Map, class T, class... In>
void map_channels(const Norm& norm, const NormalizeRun<T>& run, T* to, const In*... x) {
    using V = Real<T>;
    const Workspace space(size_t(norm.groups) * sizeof(Normalize<V>));
    auto* const normal = space.as<Normalize<V>>();
    each_thread(norm.groups, MakeChannels<T>{run, normal});
    map_runs(run.p.elements, run.p.inner,
             MapOfChannel<T, Map>{norm.groups, normal, Finish<V>(norm)}, to, x...);
}

}  // namespace tatami::cuda
