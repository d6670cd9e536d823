// Max and average pooling. The usual windows, which are small, have kernels with their sizes
// compiled in; the others go the way of pool.cuh.
#include "cuda/pool.cuh"
#include "cuda/table.h"
#include "ops/pool2d.h"

namespace tatami::cuda {

// A thread computes R windows, one below the other: each row of the image is folded along its
// columns once for all of them. Neighbouring threads read neighbouring columns. The traffic is that
// of x once and y once; what windows share comes from the L1.
template <class T, int K, int S, int R, class Fold>
__global__ void fold_strips(int64_t count, SteppedWindows rows, SteppedWindows columns,
                            Divider by_strips, Divider by_out, const T* x, Fold fold) {
    const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t strip = by_out(i), q = i - strip * columns.out;
    const int64_t strips = (rows.out + R - 1) / R;
    const int64_t plane = by_strips(strip), first = (strip - plane * strips) * R;
    const int64_t top = first * S - rows.before, left = q * S - columns.before;
    const T* const image = x + plane * rows.size * columns.size;
    // What stands outside the image is never larger than the first tap, whose place counts then.
    const auto row_fold = [&](int64_t r) {
        const bool has_row = r >= 0 && r < rows.size;
        const int64_t start = (r > 0 ? r : 0) * columns.size;
        typename Fold::Value value[K];
        TATAMI_UNROLL
        for (int j = 0; j < K; j++) {
            const int64_t c = left + j;
            const bool inside = has_row && c >= 0 && c < columns.size;
            value[j] = inside ? typename Fold::Value(image[start + c]) : Fold::padding();
        }
        auto state = Fold::one(value[0], start + (left > 0 ? left : 0));
        TATAMI_UNROLL
        for (int j = 1; j < K; j++)
            state = Fold::join(state, Fold::one(value[j], start + left + j));
        return state;
    };
    typename Fold::State state[R];
    TATAMI_UNROLL
    for (int k = 0; k < (R - 1) * S + K; k++) {
        const auto row = row_fold(top + k);
        TATAMI_UNROLL
        for (int o = 0; o < R; o++) {
            if (k == o * S) state[o] = row;
            if (k > o * S && k < o * S + K) state[o] = Fold::join(state[o], row);
        }
    }
    TATAMI_UNROLL
    for (int o = 0; o < R; o++)
        if (first + o < rows.out)
            fold.store((plane * rows.out + first + o) * columns.out + q, state[o], rows, first + o,
                       columns, q);
}

template <class T, int K, int S, int R, class Fold>
static void start_strips(const Pool2d& p, const T* x, const Fold& fold) {
    const int64_t strips = (p.rows.out + R - 1) / R, count = p.planes * strips * p.columns.out;
    if (count <= 0) return;
    const int64_t blocks = (count + kRowThreads - 1) / kRowThreads;
    launch({dim3(unsigned(blocks)), dim3(kRowThreads)}, &fold_strips<T, K, S, R, Fold>, count,
           SteppedWindows(p.rows, p.divisor), SteppedWindows(p.columns, p.divisor), Divider(strips),
           Divider(p.columns.out), x, fold);
}

template <class T, class Fold>
static void fold(const Pool2d& p, const T* x, const Fold& fold) {
    const auto is = [&](int64_t kernel, int64_t stride) {
        const auto along = [&](const WindowAxis& a) {
            return a.kernel == kernel && a.stride == stride && a.dilation == 1;
        };
        return along(p.rows) && along(p.columns);
    };
    if (is(2, 2)) return start_strips<T, 2, 2, 2>(p, x, fold);
    if (is(3, 2)) return start_strips<T, 3, 2, 2>(p, x, fold);
    if (is(3, 1)) return start_strips<T, 3, 1, 4>(p, x, fold);
    fold_windows(p.planes, SteppedWindows(p.rows, p.divisor), SteppedWindows(p.columns, p.divisor),
                 p.rows.kernel * p.columns.kernel, x, fold);
}

template <class T>
static void max_forward(const Pool2d& p, const T* x, T* y, int64_t* indices) {
    if (indices)
        fold(p, x, ArgmaxFold<T>{y, indices});
    else
        fold(p, x, MaxFold<T>{y});
}

template <class T>
static void average(const Pool2d& p, const T* x, T* y) {
    fold(p, x, MeanFold<T>{y});
}

template <class T>
static bool max_backward(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    return max_gradient(p.planes, SteppedWindows(p.rows, p.divisor),
                        SteppedWindows(p.columns, p.divisor), dy, indices, dx);
}

template <class T>
static void average_backward(const Pool2d& p, const T* dy, T* dx) {
    average_gradient(p.planes, SteppedWindows(p.rows, p.divisor),
                     SteppedWindows(p.columns, p.divisor), dy, dx);
}

template <class T>
Pool2dKernels<T> pool2d_kernels() {
    return {&max_forward<T>, &max_backward<T>, &average<T>, &average_backward<T>};
}
template Pool2dKernels<float> pool2d_kernels();
template Pool2dKernels<double> pool2d_kernels();
template Pool2dKernels<Half> pool2d_kernels();
template Pool2dKernels<Bfloat16> pool2d_kernels();

}  // namespace tatami::cuda
