// Softmax and log_softmax with gradients. Contiguous rows one by one, read from memory once; other
// axes in blocks of columns, vectors along the inner axis.
#include "ops/softmax.h"

#include "cpu/axis.h"
#include "cpu/exp_sum.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Longer rows leave the L2 before they are read again, so all threads share each.
inline constexpr int64_t kLongRow = 256 << 10;  // bytes

// finish(its offset, e, maximum, sum) for each row, where KEEP e (length) holds exp(x - maximum).
// Finding the next row's maximum first hides the latency of this row's sum.
template <bool KEEP, class T, class Finish>
TATAMI_INLINE void for_exp_rows(const Softmax& p, bool streamed, const T* x, T* y,
                                const Finish& finish) {
    for_rows<T>(p, streamed, [&](int64_t begin, int64_t end, T* scratch) {
        T next = row_max(p.length, x + begin * p.length);
        for (int64_t r = begin; r < end; r++) {
            const int64_t at = r * p.length;
            T* e = streamed ? scratch : y + at;
            const T m = next;
            const double sum = exp_sum<KEEP>(p.length, x + at, m, e);
            if (r + 1 < end) next = row_max(p.length, x + at + p.length);
            finish(at, (const T*)e, m, sum);
        }
    });
}

template <class T>
static void softmax_rows(const Softmax& p, const T* x, T* y) {
    const bool streamed = is_streamed(p.elements, x, y);
    for_exp_rows<true>(p, streamed, x, y, [&](int64_t at, const T* e, T, double sum) {
        const T share = T(1 / sum);
        map_range(streamed, 0, p.length, [share](Vec<T> v) { return v * share; }, y + at, e);
    });
}

template <class T>
static void log_softmax_rows(const Softmax& p, const T* x, T* y) {
    const bool streamed = is_streamed(p.elements, x, y);
    for_exp_rows<false>(p, streamed, x, y, [&](int64_t at, const T*, T m, double sum) {
        const T log_sum = T(log1(sum));
        const auto shifted = [m, log_sum](Vec<T> v) { return (v - m) - log_sum; };
        map_range(streamed, 0, p.length, shifted, y + at, x + at);
    });
}

template <class T>
static void softmax_columns(const Softmax& p, const T* x, T* y) {
    const bool streamed = is_streamed(p.elements, x, y);
    for_columns<T>(p, streamed, 3, [&](const Block& block, T* scratch) {
        const int64_t w = block.width;
        T *m = scratch, *sum = m + w, *group = sum + w;
        T* e = streamed ? group + w : y + block.offset;
        const int64_t stride = streamed ? w : p.inner;
        exp_columns(p.length, w, x + block.offset, p.inner, e, stride, m, sum, group);
        map_range(false, 0, w, [](Vec<T> v) { return T(1) / v; }, sum, (const T*)sum);
        for (int64_t l = 0; l < p.length; l++)
            map_range(
                streamed, 0, w, [](Vec<T> v, Vec<T> share) { return v * share; },
                y + block.offset + l * p.inner, (const T*)e + l * stride, (const T*)sum);
    });
}

template <class T>
static void log_softmax_columns(const Softmax& p, const T* x, T* y) {
    const bool streamed = is_streamed(p.elements, x, y);
    for_columns<T>(p, streamed, 4, [&](const Block& block, T* scratch) {
        const int64_t w = block.width;
        T *m = scratch, *sum = m + w, *group = sum + w, *dropped = group + w;
        const T* in = x + block.offset;
        exp_columns(p.length, w, in, p.inner, dropped, 0, m, sum, group);
        map_range(false, 0, w, [](Vec<T> v) { return log<T>(v); }, sum, (const T*)sum);
        const auto shifted = [](Vec<T> v, Vec<T> top, Vec<T> log_sum) {
            return (v - top) - log_sum;
        };
        for (int64_t l = 0; l < p.length; l++)
            map_range(streamed, 0, w, shifted, y + block.offset + l * p.inner, in + l * p.inner,
                      (const T*)m, (const T*)sum);
    });
}

// Rows that no cache holds: once for the sum, once for the result.
template <class T>
static void softmax_long_rows(const Softmax& p, const T* x, T* y) {
    for (int64_t at = 0; at < p.elements; at += p.length) {
        const auto [m, sum] = exp_sum_long_row(p.length, x + at);
        const T top = m, share = T(1 / sum);
        map_arrays(
            p.length, kExpCost, [=](Vec<T> v) { return exp<T>(v - top) * share; }, y + at, x + at);
    }
}

template <class T>
static void log_softmax_long_rows(const Softmax& p, const T* x, T* y) {
    for (int64_t at = 0; at < p.elements; at += p.length) {
        const auto [m, sum] = exp_sum_long_row(p.length, x + at);
        const T top = m, log_sum = T(log1(sum));
        map_arrays(p.length, 4, [=](Vec<T> v) { return (v - top) - log_sum; }, y + at, x + at);
    }
}

template <class T>
void softmax(const Softmax& p, const T* x, T* y) {
    if (p.inner != 1) return softmax_columns(p, x, y);
    if (p.length * int64_t(sizeof(T)) > kLongRow) return softmax_long_rows(p, x, y);
    softmax_rows(p, x, y);
}

template <class T>
void log_softmax(const Softmax& p, const T* x, T* y) {
    if (p.inner != 1) return log_softmax_columns(p, x, y);
    if (p.length * int64_t(sizeof(T)) > kLongRow) return log_softmax_long_rows(p, x, y);
    log_softmax_rows(p, x, y);
}

// dx = f(dy, y, Σ term(dy, y)) along the axis: both gradients.
template <class T, class Term, class F>
TATAMI_INLINE void gradient(const Softmax& p, const T* dy, const T* y, T* dx, const Term& term,
                            const F& f) {
    const bool streamed = is_streamed<T>(p.elements, nullptr, dx);
    if (p.inner == 1 && p.length * int64_t(sizeof(T)) > kLongRow)
        for (int64_t at = 0; at < p.elements; at += p.length) {
            const T sum = T(sum_chunks(p.length, kChunk / kLanes<T>, [&](int64_t i, int64_t end) {
                return double(sum_chunk<T>(end - i, term, dy + at + i, y + at + i));
            }));
            const auto g = [&](Vec<T> d, Vec<T> v) { return f(d, v, broadcast(sum)); };
            map_arrays(p.length, kExpCost, g, dx + at, dy + at, y + at);
        }
    else if (p.inner == 1)
        for_each_row<T>(p, streamed, [&](int64_t, int64_t at, T*) {
            const T sum = T(sum_row<T>(p.length, term, dy + at, y + at));
            const auto g = [&](Vec<T> d, Vec<T> v) { return f(d, v, broadcast(sum)); };
            map_range(streamed, 0, p.length, g, dx + at, dy + at, y + at);
        });
    else
        for_columns<T>(p, streamed, 1, [&](const Block& block, T* sum) {
            const T *d = dy + block.offset, *v = y + block.offset;
            map_range(false, 0, block.width, [](Vec<T>) { return Vec<T>{}; }, sum, (const T*)sum);
            const auto add = [&](Vec<T> s, Vec<T> a, Vec<T> b) { return s + term(a, b); };
            for (int64_t l = 0; l < p.length; l++)
                map_range(false, 0, block.width, add, sum, (const T*)sum, d + l * p.inner,
                          v + l * p.inner);
            for (int64_t l = 0; l < p.length; l++)
                map_range(streamed, 0, block.width, f, dx + block.offset + l * p.inner,
                          d + l * p.inner, v + l * p.inner, (const T*)sum);
        });
}

template <class T>
void softmax_grad(const Softmax& p, const T* dy, const T* y, T* dx) {
    gradient(
        p, dy, y, dx, [](Vec<T> d, Vec<T> v) { return d * v; },
        [](Vec<T> d, Vec<T> v, Vec<T> sum) { return v * (d - sum); });
}

template <class T>
void log_softmax_grad(const Softmax& p, const T* dy, const T* y, T* dx) {
    gradient(
        p, dy, y, dx, [](Vec<T> d, Vec<T>) { return d; },
        [](Vec<T> d, Vec<T> v, Vec<T> sum) { return d - exp<T>(v) * sum; });
}

template <class T>
SoftmaxKernels<T> softmax_kernels() {
    return {&softmax<T>, &log_softmax<T>, &softmax_grad<T>, &log_softmax_grad<T>};
}
template SoftmaxKernels<float> softmax_kernels();
template SoftmaxKernels<double> softmax_kernels();

}  // namespace tatami::TATAMI_ISA
