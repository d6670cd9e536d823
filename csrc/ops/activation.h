// Elementwise activations: y = f(x), dx = dy · f'(x).
#pragma once

#include <cstdint>

#include "core/half.h"
#include "core/kernel.h"

namespace tatami {

// f, by name. `none` is the identity. The slope of leaky_relu inside a fused epilogue is 0.01.
enum class Activation : uint8_t {
    none,
    relu,        // max(x, 0)
    leaky_relu,  // x < 0 ? alpha x : x
    sigmoid,     // 1 / (1 + exp(-x))
    tanh,
    gelu,      // x Phi(x), Phi the normal distribution function
    silu,      // x sigmoid(x)
    elu,       // x < 0 ? alpha (exp(x) - 1) : x
    softplus,  // log(1 + exp(x))
};

inline constexpr double kLeakySlope = 0.01;

template <class T>
struct ActivationKernels {
    // y (n) = f(x (n)); y may be x.
    Kernel<void(Activation f, int64_t n, const T* x, Real<T> alpha, T* y)> forward;
    // dx (n) = dy (n) · f'(x (n)); dx may be dy or x.
    Kernel<void(Activation f, int64_t n, const T* dy, const T* x, Real<T> alpha, T* dx)> backward;
};

}  // namespace tatami
