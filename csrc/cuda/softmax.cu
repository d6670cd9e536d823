// Softmax along an axis. The maximum and the sum in one sweep: a sum for a smaller maximum is scaled
// when a larger one comes (Milakov and Gimelshein, 2018).
#include "ops/softmax.h"

#include "cuda/rows.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

template <class T>
struct ExpSum {
    T most, sum;
};

template <class T>
struct Merge {
    // Where both maxima are -inf nothing has been added; NaN goes through by way of most.
    TATAMI_DEVICE ExpSum<T> operator()(ExpSum<T> a, ExpSum<T> b) const {
        const T most = largest(a.most, b.most);
        const T left = a.most == most ? a.sum : a.sum * exp(a.most - most);
        const T right = b.most == most ? b.sum : b.sum * exp(b.most - most);
        return {most, left + right};
    }
};

// The same for every thread of the team.
template <class T, class Team>
TATAMI_DEVICE ExpSum<T> exp_sum(const Team& team, const Line& line, const T* x) {
    ExpSum<T> own{-T(INFINITY), T(0)};
    for (int64_t i = team.rank(); i < line.length; i += team.size()) {
        const T v = x[line.start + i * line.stride];
        if (v > own.most || v != v) {
            own.sum = own.sum * exp(own.most - v) + T(1);
            own.most = v;
        } else {
            own.sum += own.most == -T(INFINITY) ? T(0) : exp(v - own.most);
        }
    }
    return team.reduce(own, Merge<T>{});
}

template <class T, bool LOG>
struct Forward {
    const T* x;
    T* y;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        const auto [most, sum] = exp_sum(team, line, x);
        const T log_sum = LOG ? log(sum) : T(0), inverse = T(1) / sum;
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            const T shifted = x[at] - most;
            y[at] = LOG ? shifted - log_sum : exp(shifted) * inverse;
        }
    }
};

template <class T, bool LOG>
struct Backward {
    const T *dy, *y;
    T* dx;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, const Line& line) const {
        T own = T(0);
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            own += LOG ? dy[at] : dy[at] * y[at];
        }
        const T sum = team.reduce(own, Plus{});
        for (int64_t i = team.rank(); i < line.length; i += team.size()) {
            const int64_t at = line.start + i * line.stride;
            dx[at] = LOG ? fma(-exp(y[at]), sum, dy[at]) : y[at] * (dy[at] - sum);
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

}  // namespace tatami::cuda
