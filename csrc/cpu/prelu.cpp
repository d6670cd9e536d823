// PReLU: elementwise, and in the backward sweep the sum of every slope's gradient.
#include "ops/prelu.h"

#include "cpu/axis.h"
#include "cpu/reduce.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
TATAMI_INLINE Vec<T> bend(Vec<T> x, Vec<T> slope) {
    return x < T(0) ? x * slope : x;
}
template <class T>
TATAMI_INLINE Vec<T> bend_grad(Vec<T> dy, Vec<T> x, Vec<T> slope) {
    return x > T(0) ? dy : dy * slope;
}
template <class T>
TATAMI_INLINE Vec<T> slope_term(Vec<T> dy, Vec<T> x) {
    return x > T(0) ? Vec<T>{} : dy * x;
}

// body(begin, end) over the rows of `length` elements, on all threads.
template <class T, class Body>
TATAMI_INLINE void for_row_ranges(int64_t rows, int64_t length, bool streamed, const Body& body) {
    const int64_t grain = max<int64_t>(1, kChunk / max<int64_t>(length, 1));
    parallel_ranges(rows, grain, rows * length / kLanes<T> * 4, [&](int64_t begin, int64_t end) {
        body(begin, end);
        if (streamed) stream_fence();
    });
}

template <class T>
void prelu(const Prelu& p, const T* x, const T* weight, T* y) {
    const bool streamed = is_streamed(p.elements, x, y);
    if (p.length == 1 && p.outer == 1) {
        const Vec<T> slope = broadcast(weight[0]);
        return map_arrays(p.elements, 4, [=](Vec<T> v) { return bend<T>(v, slope); }, y, x);
    }
    if (p.inner == 1)
        return for_row_ranges<T>(p.outer, p.length, streamed, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin * p.length; at < end * p.length; at += p.length)
                map_range(streamed, 0, p.length, bend<T>, y + at, x + at, weight);
        });
    for_row_ranges<T>(p.outer * p.length, p.inner, streamed, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
            const Vec<T> slope = broadcast(weight[r % p.length]);
            const auto f = [=](Vec<T> v) { return bend<T>(v, slope); };
            map_range(streamed, 0, p.inner, f, y + r * p.inner, x + r * p.inner);
        }
    });
}

// dx (n) and the sum of the slope's terms.
template <class T>
TATAMI_INLINE double backward_row(int64_t n, bool streamed, const T* dy, const T* x, T slope,
                                  T* dx) {
    const auto f = [=](Vec<T> d, Vec<T> v) { return bend_grad<T>(d, v, broadcast(slope)); };
    map_range(streamed, 0, n, f, dx, dy, x);
    return sum_row<T>(n, slope_term<T>, dy, x);
}

// Channels last: groups of rows sum their columns apart.
template <class T>
TATAMI_INLINE void backward_matrix(const Prelu& p, bool streamed, const T* dy, const T* x,
                                   const T* weight, T* dx, T* dw) {
    constexpr int64_t kGroup = 64;
    const int64_t c = p.length, groups = ceil_div(p.outer, kGroup);
    const memory::Scratch scratch(size_t(groups * c) * sizeof(T));
    T* part = scratch.as<T>();
    const auto add = [](Vec<T> s, Vec<T> d, Vec<T> v) { return s + slope_term<T>(d, v); };
    for_row_ranges<T>(groups, kGroup * c, streamed, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin * c; i < end * c; i++) part[i] = 0;
        for (int64_t r = begin * kGroup; r < min(p.outer, end * kGroup); r++) {
            T* sum = part + r / kGroup * c;
            map_range(streamed, 0, c, bend_grad<T>, dx + r * c, dy + r * c, x + r * c, weight);
            map_range(false, 0, c, add, sum, (const T*)sum, dy + r * c, x + r * c);
        }
    });
    for (int64_t i = 0; i < c; i++) {
        double sum = 0;
        for (int64_t g = 0; g < groups; g++) sum += double(part[g * c + i]);
        dw[i] = T(sum);
    }
}

// Rows of one channel each.
template <class T>
TATAMI_INLINE void backward_planes(const Prelu& p, bool streamed, const T* dy, const T* x,
                                   const T* weight, T* dx, T* dw) {
    const int64_t rows = p.outer * p.length;
    const memory::Scratch scratch(size_t(rows) * sizeof(double));
    double* part = scratch.as<double>();
    for_row_ranges<T>(rows, p.inner, streamed, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; r++) {
            const int64_t at = r * p.inner;
            part[r] =
                backward_row(p.inner, streamed, dy + at, x + at, weight[r % p.length], dx + at);
        }
    });
    for (int64_t c = 0; c < p.length; c++) {
        double sum = 0;
        for (int64_t r = c; r < rows; r += p.length) sum += part[r];
        dw[c] = T(sum);
    }
}

template <class T>
void prelu_grad(const Prelu& p, const T* dy, const T* x, const T* weight, T* dx, T* dw) {
    const bool streamed = is_streamed<T>(p.elements, nullptr, dx);
    if (p.length == 1 && p.outer == 1)
        dw[0] = T(sum_chunks(p.elements, 4 * kChunk / kLanes<T>, [&](int64_t i, int64_t end) {
            return backward_row(end - i, false, dy + i, x + i, weight[0], dx + i);
        }));
    else if (p.inner == 1)
        backward_matrix(p, streamed, dy, x, weight, dx, dw);
    else
        backward_planes(p, streamed, dy, x, weight, dx, dw);
}

template <class T>
PreluKernels<T> prelu_kernels() {
    return {&prelu<T>, &prelu_grad<T>};
}
template PreluKernels<float> prelu_kernels();
template PreluKernels<double> prelu_kernels();

}  // namespace tatami::TATAMI_ISA
