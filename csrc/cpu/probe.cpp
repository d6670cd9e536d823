// The limits of this machine with this instruction set, by loops that do nothing else.
#include "ops/probe.h"

#include "cpu/parallel.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Two units with a latency of four need eight chains; twelve fit every register file.
inline constexpr int kChains = 12;

template <class T>
static T chains(int64_t steps) {
    volatile T opaque = T(0.5);  // the compiler must not know the operands
    const Vec<T> half = broadcast<T>(opaque);
    Vec<T> sum[kChains];
    for (int i = 0; i < kChains; i++) sum[i] = broadcast(T(i));
    for (int64_t step = 0; step < steps; step++)
#pragma GCC unroll 12
        for (int i = 0; i < kChains; i++) sum[i] = fma(sum[i], half, half);  // tends to 1
    for (int i = 1; i < kChains; i++) sum[0] += sum[i];
    return sum[0][0];
}

template <class T>
double probe_multiply_add(int64_t steps) {
    const int threads = num_threads();
    parallel_for(threads, kSerialWork, [&](int64_t, int) {
        volatile T sink = chains<T>(steps);
        (void)sink;
    });
    return 2.0 * kChains * kLanes<T> * double(steps) * threads;
}

template <class T>
static void copy_range(int64_t begin, int64_t end, const T* x, T* y, bool streamed) {
    constexpr int64_t step = kPack<T>;
    int64_t i = begin;
    if (streamed) {
        for (; i + step <= end; i += step) {
            const Pack<T> line = load_pack(x + i);
            for (int k = 0; k < Pack<T>::kParts; k++) stream(y + i + k * kLanes<T>, line.part[k]);
        }
        stream_fence();
    }
    for (; i + step <= end; i += step) store_pack(y + i, load_pack(x + i));
    for (; i < end; i++) y[i] = x[i];
}

template <class T>
void probe_copy(int64_t n, const T* x, T* y, bool streamed) {
    // one range a thread, of whole cache lines
    const int64_t step = round_up(ceil_div(n, num_threads()), kPack<T>);
    parallel_for(ceil_div(n, step), kSerialWork, [&](int64_t task, int) {
        copy_range(task * step, min(n, (task + 1) * step), x, y, streamed);
    });
}

template <class T>
ProbeKernels<T> probe_kernels() {
    return {&probe_multiply_add<T>, &probe_copy<T>};
}
template ProbeKernels<float> probe_kernels();
template ProbeKernels<double> probe_kernels();

}  // namespace tatami::TATAMI_ISA
