// Softmax along an axis: the maximum and the sum in one sweep, then the quotients.
#include "cuda/exp_sum.cuh"
#include "cuda/table.h"
#include "ops/softmax.h"

namespace tatami::cuda {

template <class T, bool LOG>
struct Forward {
    using V = Real<T>;
    const T* x;
    T* y;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        const auto [most, sum] = exp_sum(team, line, x);
        const V log_sum = LOG ? log(sum) : V(0), inverse = V(1) / sum;
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            const V shifted = x[at] - most;
            y[at] = LOG ? shifted - log_sum : exp(shifted) * inverse;
        }
    }
};

template <class T, bool LOG>
struct Backward {
    using V = Real<T>;
    const T *dy, *y;
    T* dx;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        V own = V(0);
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            own += LOG ? V(dy[at]) : dy[at] * y[at];
        }
        const V sum = team.reduce(own, Plus{});
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            dx[at] = LOG ? fma(-exp(V(y[at])), sum, V(dy[at])) : y[at] * (dy[at] - sum);
        }
    }
};

template <class T, bool LOG>
static void forward(const Softmax& p, const T* x, T* y) {
    each_line(p, Forward<T, LOG>{x, y});
}

template <class T, bool LOG>
static void backward(const Softmax& p, const T* dy, const T* y, T* dx) {
    each_line(p, Backward<T, LOG>{dy, y, dx});
}

template <class T>
SoftmaxKernels<T> softmax_kernels() {
    return {&forward<T, false>, &forward<T, true>, &backward<T, false>, &backward<T, true>};
}
template SoftmaxKernels<float> softmax_kernels();
template SoftmaxKernels<double> softmax_kernels();
template SoftmaxKernels<Half> softmax_kernels();
template SoftmaxKernels<Bfloat16> softmax_kernels();

}  // namespace tatami::cuda
