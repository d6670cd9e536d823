// The limits of this GPU, by loops that do nothing else.
#include "cuda/elementwise.cuh"
#include "cuda/read_back.cuh"
#include "cuda/table.h"
#include "ops/probe.h"

namespace tatami::cuda {

inline constexpr int kChains = 8;  // independent of each other: they hide the latency of four
inline constexpr int kProbeThreads = 256;
#ifdef __CUDACC__
inline constexpr int kProbeBlocks = 2048;  // more than any GPU runs at once
#else
inline constexpr int kProbeBlocks = 1;
#endif

template <class T>
__global__ void chains(int64_t steps, T half, T* sink) {
    T sum[kChains];
    for (int i = 0; i < kChains; i++) sum[i] = T(i + int(threadIdx.x));
    for (int64_t step = 0; step < steps; step++) TATAMI_UNROLL
    for (int i = 0; i < kChains; i++) sum[i] = fma(sum[i], half, half);  // tends to 1
    for (int i = 1; i < kChains; i++) sum[0] += sum[i];
    if (sum[0] < T(0)) sink[0] = sum[0];  // never, which the compiler cannot know
}

// Waits for the end, so that the caller can take the time.
template <class T>
static double multiply_add(int64_t steps) {
    using V = Real<T>;
    const Workspace sink(sizeof(V));
    launch({dim3(kProbeBlocks), dim3(kProbeThreads)}, &chains<V>, steps, V(0.5), sink.as<V>());
    read_back(sink.as<V>());
    return 2.0 * kChains * double(steps) * kProbeBlocks * kProbeThreads;
}

// Nothing is kept out of the caches: memory is written when they are full.
template <class T>
static void copy(int64_t n, const T* x, T* y, bool) {
    map_arrays(n, Identity<T>{}, y, x);
}

template <class T>
ProbeKernels<T> probe_kernels() {
    return {&multiply_add<T>, &copy<T>};
}
template ProbeKernels<float> probe_kernels();
template ProbeKernels<double> probe_kernels();
template ProbeKernels<Half> probe_kernels();
template ProbeKernels<Bfloat16> probe_kernels();

}  // namespace tatami::cuda
