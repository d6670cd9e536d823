// What a normalisation does to one element: forward, and back through the activation that follows.
#pragma once

#include "cpu/activate.h"
#include "ops/norm.h"

namespace tatami::TATAMI_ISA {

TATAMI_INLINE double inverse_deviation(const Norm& p, double var) {
    return 1 / __builtin_sqrt(var + p.eps);
}

// A mean as T and what that leaves out: x - near is exact for x close to it, and the rest goes into
// the constant term, so that a large mean costs no digits.
template <class T>
struct Center {
    T near;
    double rest;
};

template <class T>
TATAMI_INLINE Center<T> center_of(double mean) {
    return {T(mean), mean - double(T(mean))};
}

// What is done to the elements of a line: y = (x - near) slope + level.
template <class T>
struct LineMap {
    T near, slope, level;
};

template <class T>
TATAMI_INLINE LineMap<T> line_map(double mean, double slope, double level) {
    const Center<T> m = center_of<T>(mean);
    return {m.near, T(slope), T(level - m.rest * slope)};
}

// No activation.
template <class T>
struct Same {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x; }
};

// use(f) for the activation that follows.
template <class T, class Use>
TATAMI_INLINE void with_activation_of(const Norm& p, const Use& use) {
    if (p.activation == Activation::relu) return use(Relu<T>{});
    if (p.activation == Activation::leaky_relu) return use(LeakyRelu<T>{T(p.alpha)});
    use(Same<T>{});
}

// use(finish), where finish(at, read, v) makes y's element `at` of its normalised value v.
template <class T, class Use>
TATAMI_INLINE void with_finish(const Norm& p, const T* residual, const Use& use) {
    with_activation_of<T>(p, [&](auto f) {
        if (residual)
            use([=](int64_t at, auto read, Vec<T> v) { return f(v + read(residual + at)); });
        else
            use([=](int64_t, auto, Vec<T> v) { return f(v); });
    });
}

// dy through the activation f, of which the argument had these bits: d slope + level, d = x - near.
template <class T, class F>
TATAMI_INLINE Vec<T> through(const F& f, Vec<T> dy, Vec<T> d, Vec<T> slope, Vec<T> level) {
    if constexpr (std::is_same_v<F, Same<T>>)
        return dy;
    else
        return gradient<T>(f, dy, fma(d, slope, level));
}

}  // namespace tatami::TATAMI_ISA
