// Activations over whole arrays.
#include "cuda/activate.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/table.h"
#include "ops/activation.h"

namespace tatami::cuda {

template <class T>
static void forward(Activation kind, int64_t n, const T* x, Real<T> alpha, T* y) {
    with_activation<Real<T>>(kind, alpha, [&](auto f) { map_arrays(n, f, y, x); });
}

template <class T>
static void backward(Activation kind, int64_t n, const T* dy, const T* x, Real<T> alpha, T* dx) {
    with_activation<Real<T>>(
        kind, alpha, [&](auto f) { map_arrays(n, Gradient<Real<T>, decltype(f)>{f}, dx, dy, x); });
}

template <class T>
ActivationKernels<T> activation_kernels() {
    return {&forward<T>, &backward<T>};
}
template ActivationKernels<float> activation_kernels();
template ActivationKernels<double> activation_kernels();
template ActivationKernels<Half> activation_kernels();
template ActivationKernels<Bfloat16> activation_kernels();

}  // namespace tatami::cuda
