// The activations as functions of one vector; activation.cpp maps them over arrays, epilogue.h over
// tiles.
#pragma once

#include "cpu/simd.h"
#include "ops/activation.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct Relu {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x < T(0) ? Vec<T>{} : x; }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const { return x > T(0) ? broadcast(T(1)) : Vec<T>{}; }
};

template <class T>
struct LeakyRelu {
    T alpha;
    TATAMI_INLINE Vec<T> operator()(Vec<T> x) const { return x < T(0) ? x * alpha : x; }
    TATAMI_INLINE Vec<T> slope(Vec<T> x) const {
        return x > T(0) ? broadcast(T(1)) : broadcast(alpha);
    }
};

// Calls use(f) with the function object of `kind`; nothing for `none`.
template <class T, class Use>
TATAMI_INLINE void with_activation(Activation kind, T alpha, const Use& use) {
    switch (kind) {
        case Activation::relu:
            return use(Relu<T>{});
        case Activation::leaky_relu:
            return use(LeakyRelu<T>{alpha});
        default:
            return;
    }
}

}  // namespace tatami::TATAMI_ISA
