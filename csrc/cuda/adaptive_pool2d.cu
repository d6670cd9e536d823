// Pooling to a given size.
#include "cuda/pool.cuh"
#include "cuda/table.h"
#include "ops/adaptive_pool2d.h"

namespace tatami::cuda {

template <class T, class Fold>
static void fold(const AdaptivePool2d& p, const T* x, const Fold& fold) {
    if (p.out_rows * p.out_columns == 0) return;
    const int64_t taps = (p.rows / p.out_rows + 1) * (p.columns / p.out_columns + 1);
    fold_windows(p.planes, SharedWindows(p.rows, p.out_rows),
                 SharedWindows(p.columns, p.out_columns), taps, x, fold);
}

template <class T>
static void max_forward(const AdaptivePool2d& p, const T* x, T* y, int64_t* indices) {
    if (indices)
        fold(p, x, ArgmaxFold<T>{y, indices});
    else
        fold(p, x, MaxFold<T>{y});
}

template <class T>
static void average(const AdaptivePool2d& p, const T* x, T* y) {
    fold(p, x, MeanFold<T>{y});
}

template <class T>
static bool max_backward(const AdaptivePool2d& p, const T* dy, const int64_t* indices, T* dx) {
    return max_gradient(p.planes, SharedWindows(p.rows, p.out_rows),
                        SharedWindows(p.columns, p.out_columns), dy, indices, dx);
}

template <class T>
static void average_backward(const AdaptivePool2d& p, const T* dy, T* dx) {
    average_gradient(p.planes, SharedWindows(p.rows, p.out_rows),
                     SharedWindows(p.columns, p.out_columns), dy, dx);
}

template <class T>
AdaptivePool2dKernels<T> adaptive_pool2d_kernels() {
    return {&max_forward<T>, &max_backward<T>, &average<T>, &average_backward<T>};
}
template AdaptivePool2dKernels<float> adaptive_pool2d_kernels();
template AdaptivePool2dKernels<double> adaptive_pool2d_kernels();
template AdaptivePool2dKernels<Half> adaptive_pool2d_kernels();
template AdaptivePool2dKernels<Bfloat16> adaptive_pool2d_kernels();

}  // namespace tatami::cuda
