// Activations over whole arrays.
#include "ops/activation.h"

#include "cpu/activate.h"
#include "cpu/elementwise.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Vector operations an element costs, to decide whether threads pay.
inline constexpr int64_t kActivationCost = 12;

template <class T>
void activation_forward(Activation kind, int64_t n, const T* x, T alpha, T* y) {
    with_activation<T>(kind, alpha, [&](auto f) { map_arrays(n, kActivationCost, f, y, x); });
}

template <class T>
void activation_backward(Activation kind, int64_t n, const T* dy, const T* x, T alpha, T* dx) {
    with_activation<T>(kind, alpha, [&](auto f) {
        const auto back = [f](Vec<T> d, Vec<T> v) { return gradient<T>(f, d, v); };
        map_arrays(n, kActivationCost, back, dx, dy, x);
    });
}

template <class T>
ActivationKernels<T> activation_kernels() {
    return {&activation_forward<T>, &activation_backward<T>};
}
template ActivationKernels<float> activation_kernels();
template ActivationKernels<double> activation_kernels();

}  // namespace tatami::TATAMI_ISA
