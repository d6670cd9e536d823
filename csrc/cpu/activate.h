// The activations as functions of one vector, with their slopes f' and gradients; activation.cpp
// maps them over arrays, epilogue.h over tiles.
#pragma once

#include "cpu/math.h"
#include "ops/activation.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct Relu {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return at_least<T>(x, T(0)); }
};

template <class T>
struct LeakyRelu {
    T alpha;
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x < T(0) ? x * alpha : x; }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const {
        return x > T(0) ? broadcast(T(1)) : broadcast(alpha);
    }
};

template <class T>
struct Sigmoid {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return sigmoid<T>(x); }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const { return logistic<T>(x).slope; }
};

template <class T>
struct Tanh {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return tanh<T>(x); }
    // 4 sigmoid(2x) sigmoid(-2x): 1 - tanh^2 without its cancellation.
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const { return T(4) * logistic<T>(x + x).slope; }
};

template <class T>
struct Gelu {
    // x Phi(x) = max(x, 0) - |x| Phi(-|x|), and its slope on the left, or 1 minus it on the right.
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const {
        const auto tail = normal_tail<T>(x);
        return fma(-tail.a, tail.probability, at_least<T>(x, T(0)));
    }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const {
        const auto tail = normal_tail<T>(x);
        const Vec<T> left = fma(-tail.a, tail.density, tail.probability);
        return x > T(0) ? T(1) - left : left;
    }
};

template <class T>
struct Silu {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x * sigmoid<T>(x); }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const {
        const auto [value, slope] = logistic<T>(x);
        return fma(x, slope, value);
    }
};

template <class T>
struct Elu {
    T alpha;
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x > T(0) ? x : alpha * expm1<T>(x); }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const {
        return x > T(0) ? broadcast(T(1)) : alpha * exp<T>(x);
    }
};

template <class T>
struct Softplus {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const {
        return at_least<T>(x, T(0)) + log1p<T>(exp<T>(-abs<T>(x)));
    }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const { return sigmoid<T>(x); }
};

// dy f'(x). Relu's is a choice: dy may be infinite where x <= 0, and passes where x is NaN.
template <class T, class F>
TATAMI_INLINE Vec<T> gradient(const F& f, Vec<T> dy, Vec<T> x) {
    if constexpr (std::is_same_v<F, Relu<T>>)
        return x <= T(0) ? Vec<T>{} : dy;
    else
        return dy * f.slope(x);
}

// Calls use(f) with the function object of `kind`; nothing for `none`.
template <class T, class Use>
TATAMI_INLINE void with_activation(Activation kind, T alpha, const Use& use) {
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

}  // namespace tatami::TATAMI_ISA
