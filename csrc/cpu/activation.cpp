// Activations over whole arrays.
#include "ops/activation.h"

#include "cpu/activate.h"
#include "cpu/parallel.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Vector operations an element costs, to decide whether threads pay.
inline constexpr int64_t kActivationCost = 8;

template <class T>
void activation_forward(Activation kind, int64_t n, const T* x, T alpha, T* y) {
    with_activation<T>(kind, alpha, [&](auto f) {
        parallel_ranges(n, 4096, n / kLanes<T> * kActivationCost, [&](int64_t begin, int64_t end) {
            int64_t i = begin;
            for (; i + kLanes<T> <= end; i += kLanes<T>) store(y + i, f(load(x + i)));
            store_first(y + i, f(load_first(x + i, end - i)), end - i);
        });
    });
}

template <class T>
void activation_backward(Activation kind, int64_t n, const T* dy, const T* x, T alpha, T* dx) {
    with_activation<T>(kind, alpha, [&](auto f) {
        parallel_ranges(n, 4096, n / kLanes<T> * kActivationCost, [&](int64_t begin, int64_t end) {
            int64_t i = begin;
            for (; i + kLanes<T> <= end; i += kLanes<T>)
                store(dx + i, load(dy + i) * f.slope(load(x + i)));
            const int64_t left = end - i;
            store_first(dx + i, load_first(dy + i, left) * f.slope(load_first(x + i, left)), left);
        });
    });
}

template <class T>
ActivationKernels<T> activation_kernels() {
    return {&activation_forward<T>, &activation_backward<T>};
}
template ActivationKernels<float> activation_kernels();
template ActivationKernels<double> activation_kernels();

}  // namespace tatami::TATAMI_ISA
