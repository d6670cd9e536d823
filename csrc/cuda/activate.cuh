// The activations as functions of one number, with their slopes and gradients.
#pragma once

#include "cuda/words.cuh"
#include "ops/activation.h"

namespace tatami::cuda {

template <class T>
struct Logistic {
    T value, slope;  // 1 / (1 + exp(-x)) and its derivative, neither by a difference
};

template <class T>
TATAMI_DEVICE Logistic<T> logistic(T x) {
    const T small = exp(-abs(x)), inverse = T(1) / (T(1) + small);
    return {x < T(0) ? small * inverse : x >= T(0) ? inverse : x, small * inverse * inverse};
}

template <class T>
struct Relu {
    TATAMI_DEVICE T operator()(T x) const { return x < T(0) ? T(0) : x; }
};

template <class T>
struct LeakyRelu {
    T alpha;
    TATAMI_DEVICE T operator()(T x) const { return x < T(0) ? x * alpha : x; }
    TATAMI_DEVICE T slope(T x) const { return x > T(0) ? T(1) : alpha; }
};

template <class T>
struct Sigmoid {
    TATAMI_DEVICE T operator()(T x) const { return logistic(x).value; }
    TATAMI_DEVICE T slope(T x) const { return logistic(x).slope; }
};

template <class T>
struct Tanh {
    TATAMI_DEVICE T operator()(T x) const { return tanh(x); }
    // 4 sigmoid(2x) sigmoid(-2x): 1 - tanh^2 without its cancellation.
    TATAMI_DEVICE T slope(T x) const { return T(4) * logistic(x + x).slope; }
};

template <class T>
struct Gelu {
    // Phi(x), and the density, which is 0 where x is infinite.
    TATAMI_DEVICE static T probability(T x) { return T(0.5) * erfc(x * T(-0.70710678118654752)); }
    TATAMI_DEVICE static T density(T x) { return T(0.39894228040143268) * exp(T(-0.5) * x * x); }
    TATAMI_DEVICE T operator()(T x) const {
        const T p = probability(x);
        return p == T(0) ? T(0) * p : x * p;
    }
    TATAMI_DEVICE T slope(T x) const {
        const T d = density(x);
        return d == T(0) ? probability(x) : fma(x, d, probability(x));
    }
};

template <class T>
struct Silu {
    TATAMI_DEVICE T operator()(T x) const { return x * logistic(x).value; }
    TATAMI_DEVICE T slope(T x) const {
        const auto [value, slope] = logistic(x);
        return fma(x, slope, value);
    }
};

template <class T>
struct Elu {
    T alpha;
    TATAMI_DEVICE T operator()(T x) const { return x > T(0) ? x : alpha * expm1(x); }
    TATAMI_DEVICE T slope(T x) const { return x > T(0) ? T(1) : alpha * exp(x); }
};

template <class T>
struct Softplus {
    TATAMI_DEVICE T operator()(T x) const { return (x < T(0) ? T(0) : x) + log1p(exp(-abs(x))); }
    TATAMI_DEVICE T slope(T x) const { return logistic(x).value; }
};

// dy f'(x). Relu's is a choice: dy may be infinite where x <= 0, and passes where x is NaN.
template <class T, class F>
struct Gradient {
    F f;
    TATAMI_DEVICE T operator()(T dy, T x) const { return dy * f.slope(x); }
};
template <class T>
struct Gradient<T, Relu<T>> {
    Relu<T> f;
    TATAMI_DEVICE T operator()(T dy, T x) const { return x <= T(0) ? T(0) : dy; }
};

// Calls use(f) with the function object of `kind`; nothing for `none`. On the host or on the
// device, as `use` is.
#ifdef __CUDACC__
#pragma nv_exec_check_disable
#endif
template <class T, class Use>
__host__ TATAMI_DEVICE void with_activation(Activation kind, T alpha, const Use& use) {
    switch (kind) {
        case Activation::none:
            return;
        case Activation::relu:
            return use(Relu<T>{});
        case Activation::leaky_relu:
            return use(LeakyRelu<T>{alpha});
        case Activation::sigmoid:
            return use(Sigmoid<T>{});
        case Activation::tanh:
            return use(Tanh<T>{});
        case Activation::gelu:
            return use(Gelu<T>{});
        case Activation::silu:
            return use(Silu<T>{});
        case Activation::elu:
            return use(Elu<T>{alpha});
        case Activation::softplus:
            return use(Softplus<T>{});
    }
}

// f(x...) of an epilogue: `kind` is the same for all threads, and mostly none.
template <class T, int N>
struct Values {
    T at[N];
};
template <class T, int N>
__device__ __noinline__ Values<T, N> activated(Activation kind, Values<T, N> x) {
    with_activation<T>(kind, T(kLeakySlope), [&](auto f) {
        TATAMI_ROLL
        for (int i = 0; i < N; i++) {  // the values go round: an index would put them into memory
            const T next = f(x.at[0]);
            TATAMI_UNROLL
            for (int k = 1; k < N; k++) x.at[k - 1] = x.at[k];
            x.at[N - 1] = next;
        }
    });
    return x;
}

}  // namespace tatami::cuda
