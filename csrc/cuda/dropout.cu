// Dropout: four elements a thread, which share a counter.
#include "cuda/elementwise.cuh"
#include "cuda/philox.cuh"
#include "cuda/table.h"
#include "ops/dropout.h"

namespace tatami::cuda {

template <class T>
__global__ void drop(uint64_t seed, uint64_t threshold, Real<T> scale, int64_t n, const T* x, T* y,
                     bool* mask) {
    const int64_t counter = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    const Words words = philox(seed, uint64_t(counter));
    for (int k = 0; k < 4; k++) {
        const int64_t i = 4 * counter + k;
        if (i >= n) return;
        const bool kept = words.at[k] >= threshold;
        mask[i] = kept;
        y[i] = kept ? x[i] * scale : Real<T>(0);
    }
}

template <class T>
static void forward(const Dropout& d, uint64_t seed, int64_t n, const T* x, T* y, bool* mask) {
    if (n <= 0) return;
    const int64_t blocks = (n + 4 * kMapThreads - 1) / (4 * kMapThreads);
    launch({dim3(unsigned(blocks)), dim3(kMapThreads)}, &drop<T>, seed, d.threshold,
           Real<T>(d.scale), n, x, y, mask);
}

template <class T>
struct Kept {
    T scale;
    TATAMI_DEVICE T operator()(T dy, bool kept) const { return kept ? dy * scale : T(0); }
};

template <class T>
static void backward(const Dropout& d, int64_t n, const T* dy, const bool* mask, T* dx) {
    map_arrays(n, Kept<Real<T>>{Real<T>(d.scale)}, dx, dy, mask);
}

template <class T>
DropoutKernels<T> dropout_kernels() {
    return {&forward<T>, &backward<T>};
}
template DropoutKernels<float> dropout_kernels();
template DropoutKernels<double> dropout_kernels();
template DropoutKernels<Half> dropout_kernels();
template DropoutKernels<Bfloat16> dropout_kernels();

}  // namespace tatami::cuda
