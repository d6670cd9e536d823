// Losses between two arrays, summed or one by one, and their gradients: one sweep each.
#include "cuda/activate.cuh"
#include "cuda/factor.cuh"
#include "cuda/sums.cuh"
#include "cuda/table.h"
#include "ops/loss.h"

namespace tatami::cuda {

template <class T>
struct Squared {
    TATAMI_DEVICE T operator()(T x, T t) const { return (x - t) * (x - t); }
    TATAMI_DEVICE T slope(T x, T t) const { return T(2) * (x - t); }
};

template <class T>
struct Absolute {
    TATAMI_DEVICE T operator()(T x, T t) const { return abs(x - t); }
    TATAMI_DEVICE T slope(T x, T t) const {
        const T d = x - t;
        return d > T(0) ? T(1) : d < T(0) ? T(-1) : d;  // 0 and NaN are their own slopes
    }
};

template <class T>
struct Huber {
    T delta;
    TATAMI_DEVICE T operator()(T x, T t) const {
        const T d = abs(x - t);
        return d <= delta ? T(0.5) * d * d : delta * (d - T(0.5) * delta);
    }
    TATAMI_DEVICE T slope(T x, T t) const {
        const T d = x - t;
        return d > delta ? delta : d < -delta ? -delta : d;
    }
};

// Calls use(f) with the function object of `kind`.
template <class T, class Use>
static auto with_distance(Distance kind, T delta, const Use& use) {
    if (kind == Distance::squared) return use(Squared<T>{});
    if (kind == Distance::absolute) return use(Absolute<T>{});
    return use(Huber<T>{delta});
}

// dy scale f'(x, t), dy 1 where it is not given.
template <class T, class F>
struct DistanceGradient {
    using V = Real<T>;
    F f;
    Factor<T> scale;
    TATAMI_DEVICE V operator()(V x, V t) const { return f.slope(x, t) * value_of(scale); }
    TATAMI_DEVICE V operator()(V x, V t, V dy) const {
        return f.slope(x, t) * (dy * value_of(scale));
    }
};

template <class T>
static void distance_sum(Distance kind, int64_t n, const T* x, const T* t, Real<T> delta,
                         Divided by, T* y) {
    with_distance<Real<T>>(kind, delta,
                           [&](auto f) { sum_arrays(n, f, StoreDivided<T>{by, y}, x, t); });
}

template <class T>
static void distance(Distance kind, int64_t n, const T* x, const T* t, Real<T> delta, T* y) {
    with_distance<Real<T>>(kind, delta, [&](auto f) { map_arrays(n, f, y, x, t); });
}

template <class T>
static void distance_grad(Distance kind, int64_t n, const T* x, const T* t, Real<T> delta,
                          const T* dy, Factor<T> scale, T* dx) {
    with_distance<Real<T>>(kind, delta, [&](auto f) {
        const DistanceGradient<T, decltype(f)> slope{f, scale};
        if (dy)
            map_arrays(n, slope, dx, x, t, dy);
        else
            map_arrays(n, slope, dx, x, t);
    });
}

// ---- Binary cross entropy of element i; pos_weight is small, and read through the cache.

template <class T>
struct Binary {
    using V = Real<T>;
    const T *weight, *pos;
    int64_t period;
    V number;  // where pos is nullptr

    TATAMI_DEVICE V factor(int64_t i) const { return weight ? V(weight[i]) : V(1); }
    // 1 + (pos - 1) t
    TATAMI_DEVICE V positive(int64_t i, V t) const {
        const V own = pos ? V(pos[period == 1 ? 0 : i % period]) : number;
        return fma(own - V(1), t, V(1));
    }
    TATAMI_DEVICE V operator()(At at, V x, V t) const {
        // log(1 + exp(-x)), of which exp only sees -|x|
        const V softplus = log1p(exp(-abs(x))) + (x < V(0) ? -x : V(0));
        return factor(at.i) * fma(V(1) - t, x, positive(at.i, t) * softplus);
    }
    TATAMI_DEVICE V slope(At at, V x, V t) const {
        return factor(at.i) * ((V(1) - t) - positive(at.i, t) * logistic(-x).value);
    }
};

template <class T>
struct BinaryGradient {
    using V = Real<T>;
    Binary<T> f;
    Factor<T> scale;
    TATAMI_DEVICE V operator()(At at, V x, V t) const {
        return f.slope(at, x, t) * value_of(scale);
    }
    TATAMI_DEVICE V operator()(At at, V x, V t, V dy) const {
        return f.slope(at, x, t) * (dy * value_of(scale));
    }
};

template <class T>
static void binary_sum(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                       const T* pos, Divided by, T* y) {
    sum_arrays(p.n, Binary<T>{weight, pos, p.period, Real<T>(p.positive)}, StoreDivided<T>{by, y},
               x, t);
}

template <class T>
static void binary(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                   const T* pos, T* y) {
    map_arrays(p.n, Binary<T>{weight, pos, p.period, Real<T>(p.positive)}, y, x, t);
}

template <class T>
static void binary_grad(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight,
                        const T* pos, const T* dy, Factor<T> scale, T* dx) {
    const BinaryGradient<T> slope{{weight, pos, p.period, Real<T>(p.positive)}, scale};
    if (dy)
        map_arrays(p.n, slope, dx, x, t, dy);
    else
        map_arrays(p.n, slope, dx, x, t);
}

template <class T>
LossKernels<T> loss_kernels() {
    return {&distance_sum<T>, &distance<T>, &distance_grad<T>,
            &binary_sum<T>,   &binary<T>,   &binary_grad<T>};
}
template LossKernels<float> loss_kernels();
template LossKernels<double> loss_kernels();
template LossKernels<Half> loss_kernels();
template LossKernels<Bfloat16> loss_kernels();

}  // namespace tatami::cuda
