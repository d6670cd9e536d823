// Cross entropy and its gradient, fused with log_softmax: the logits are read from memory once.
#include "ops/cross_entropy.h"

#include "cpu/axis.h"
#include "cpu/exp_sum.h"
#include "cpu/factor.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// q_c = gain_c target_c + base_c, target_c being [c = t] or p_c.
template <class T>
class Coefficients {
  public:
    TATAMI_INLINE Coefficients(const CrossEntropy& p, const T* weight)
        : scratch_(size_t(2 * p.length) * sizeof(T)), classes_(p.length) {
        for (int64_t c = 0; c < classes_; c++) {
            const double w = weight ? double(weight[c]) : 1;
            scratch_.template as<T>()[c] = T(w * (1 - p.smoothing));
            scratch_.template as<T>()[classes_ + c] = T(w * p.smoothing / double(classes_));
            base_sum += w * p.smoothing / double(classes_);
        }
    }
    TATAMI_INLINE const T* gain() const { return scratch_.template as<T>(); }
    TATAMI_INLINE const T* base() const { return gain() + classes_; }

    double base_sum = 0;  // Σ base

  private:
    memory::Scratch scratch_;
    int64_t classes_;
};

// q (log Σ exp(x - m) - (x - m)), 0 where q is.
template <class V>
TATAMI_INLINE V term(V q, V shifted, V log_sum) {
    return q == 0 ? V{} : q * (log_sum - shifted);
}
template <class T>
TATAMI_INLINE T term1(T q, T shifted, T log_sum) {
    return q == 0 ? T(0) : q * (log_sum - shifted);
}

template <class T>
TargetCheck check_targets(const CrossEntropy& p, const int64_t* index, const T* weight,
                          double* total) {
    const auto in_range = [&](int64_t t) { return (t >= 0) & (t < p.length); };
    bool ok = true;
    *total = sum_chunks(p.positions, kChunk, [&](int64_t begin, int64_t end) {
        double part = 0;
        bool good = true;
        for (int64_t i = begin; i < end; i++) {
            const int64_t t = index[i];
            if (t == p.ignore_index) continue;
            good &= in_range(t);
            if (in_range(t)) part += weight ? double(weight[t]) : 1;
        }
        if (!good) __atomic_store_n(&ok, false, __ATOMIC_RELAXED);
        return part;
    });
    int64_t at = 0;
    while (!ok && (in_range(index[at]) || index[at] == p.ignore_index)) at++;
    return {ok, ok ? 0 : index[at]};
}

// ---- Classes contiguous.

// The loss of a row x (classes) at position i.
template <class T>
TATAMI_INLINE T row_loss(const CrossEntropy& p, const Coefficients<T>& q, const Target<T>& target,
                         int64_t i, const T* x) {
    const int64_t t = target.index ? target.index[i] : -1;
    if (target.index && t == p.ignore_index) return 0;
    const auto [top, sum] = exp_sum_row(p.length, x);
    const T m = top, log_sum = T(log1(sum));
    const Vec<T> log_sums = broadcast(log_sum);
    if (target.probability)
        return T(sum_row<T>(
            p.length,
            [=](Vec<T> v, Vec<T> share, Vec<T> gain, Vec<T> base) {
                return term(fma(gain, share, base), v - m, log_sums);
            },
            x, target.probability + i * p.length, q.gain(), q.base()));
    const T own = term1(q.gain()[t], x[t] - m, log_sum);
    if (q.base_sum == 0) return own;
    const auto rest = [=](Vec<T> v, Vec<T> base) { return term(base, v - m, log_sums); };
    return own + T(sum_row<T>(p.length, rest, x, q.base()));
}

// Its gradient times g: g (Q exp(x - m) / Σ exp(x - m) - q), Q = Σ q; e (classes) is scratch or dx.
template <class T>
TATAMI_INLINE void row_grad(const CrossEntropy& p, const Coefficients<T>& q,
                            const Target<T>& target, int64_t i, const T* x, T g, bool streamed,
                            T* e, T* dx) {
    const int64_t t = target.index ? target.index[i] : -1;
    if (target.index && t == p.ignore_index)
        return map_range(streamed, 0, p.length, [](Vec<T>) { return Vec<T>{}; }, dx, x);
    const double sum = exp_row(p.length, x, e).sum;
    if (target.probability) {
        const T* share = target.probability + i * p.length;
        const auto weigh = [](Vec<T> s, Vec<T> gain, Vec<T> base) { return fma(gain, s, base); };
        const T scale = T(sum_row<T>(p.length, weigh, share, q.gain(), q.base()) / sum);
        const auto slope = [=](Vec<T> v, Vec<T> s, Vec<T> gain, Vec<T> base) {
            return g * (v * scale - weigh(s, gain, base));
        };
        return map_range(streamed, 0, p.length, slope, dx, (const T*)e, share, q.gain(), q.base());
    }
    const double total = q.base_sum + double(q.gain()[t]);
    const T scale = T(total / sum);
    if (total != 0) e[t] = T(double(e[t]) - double(q.gain()[t]) * sum / total);
    const auto slope = [=](Vec<T> v, Vec<T> base) { return g * (v * scale - base); };
    map_range(streamed, 0, p.length, slope, dx, (const T*)e, q.base());
}

// ---- Classes strided: a block of positions at once, vectors along them.

// Rows of a block's width.
template <class T>
struct BlockRows {
    T *max, *sum, *group, *extra, *rest;
    TATAMI_INLINE BlockRows(T* scratch, int64_t width)
        : max(scratch),
          sum(max + width),
          group(sum + width),
          extra(group + width),
          rest(extra + width) {}
    static constexpr int kCount = 4;
};

// y (width) = the losses of x (classes, width; row stride inner); index (width), share as x.
template <class T>
TATAMI_INLINE void block_loss(const CrossEntropy& p, const Coefficients<T>& q, const int64_t* index,
                              const T* share, const T* x, int64_t w, const BlockRows<T>& rows,
                              T* y) {
    exp_columns(p.length, w, x, p.inner, rows.extra, 0, rows.max, rows.sum, rows.group);
    const T *m = rows.max, *log_sum = rows.sum;
    map_range(false, 0, w, [](Vec<T> v) { return log<T>(v); }, rows.sum, log_sum);
    map_range(false, 0, w, [](Vec<T>) { return Vec<T>{}; }, y, m);
    for (int64_t c = 0; c < p.length && (share || q.base_sum != 0); c++) {
        const Vec<T> gain = broadcast(q.gain()[c]), base = broadcast(q.base()[c]);
        const T *row = x + c * p.inner, *own = share ? share + c * p.inner : row;
        const auto add = [&](Vec<T> loss, Vec<T> v, Vec<T> top, Vec<T> logs, Vec<T> s) {
            return loss + term(share ? fma(gain, s, base) : base, v - top, logs);
        };
        map_range(false, 0, w, add, y, (const T*)y, row, m, log_sum, own);
    }
    for (int64_t i = 0; i < w && index; i++) {
        const int64_t t = index[i];
        y[i] = t == p.ignore_index
                   ? T(0)
                   : y[i] + term1(q.gain()[t], x[t * p.inner + i] - m[i], log_sum[i]);
    }
}

// scale (width) = Q / Σ exp(x - m) of the block; with indices e loses its own class's share of q.
template <class T>
TATAMI_INLINE void block_scale(const CrossEntropy& p, const Coefficients<T>& q,
                               const int64_t* index, const T* share, const T* sum, int64_t w, T* e,
                               int64_t stride, T* scale) {
    map_range(false, 0, w, [](Vec<T>) { return Vec<T>{}; }, scale, sum);
    for (int64_t c = 0; c < p.length && share; c++) {
        const Vec<T> gain = broadcast(q.gain()[c]), base = broadcast(q.base()[c]);
        const auto add = [=](Vec<T> total, Vec<T> s) { return total + fma(gain, s, base); };
        map_range(false, 0, w, add, scale, (const T*)scale, share + c * p.inner);
    }
    for (int64_t i = 0; i < w && index; i++) {
        const int64_t t = index[i];
        if (t == p.ignore_index) continue;
        const T gain = q.gain()[t];
        scale[i] = T(q.base_sum) + gain;
        if (scale[i] != 0) e[t * stride + i] -= gain * sum[i] / scale[i];
    }
    map_range(false, 0, w, [](Vec<T> a, Vec<T> b) { return a / b; }, scale, (const T*)scale, sum);
}

// dx (classes, width; row stride inner) = the gradients times g (width).
template <class T>
TATAMI_INLINE void block_grad(const CrossEntropy& p, const Coefficients<T>& q, const int64_t* index,
                              const T* share, const T* x, int64_t w, const BlockRows<T>& rows,
                              const T* dy, T scale, bool streamed, T* dx) {
    T* e = streamed ? rows.rest : dx;
    const int64_t stride = streamed ? w : p.inner;
    exp_columns(p.length, w, x, p.inner, e, stride, rows.max, rows.sum, rows.group);
    T *total = rows.group, *g = rows.extra;
    block_scale(p, q, index, share, rows.sum, w, e, stride, total);
    for (int64_t i = 0; i < w; i++)
        g[i] = index && index[i] == p.ignore_index ? T(0) : (dy ? dy[i] * scale : scale);
    for (int64_t c = 0; c < p.length; c++) {
        const Vec<T> gain = broadcast(q.gain()[c]), base = broadcast(q.base()[c]);
        const T *row = e + c * stride, *own = share ? share + c * p.inner : row;
        const auto slope = [&](Vec<T> v, Vec<T> sum, Vec<T> up, Vec<T> s) {
            const Vec<T> d = up * (v * sum - (share ? fma(gain, s, base) : base));
            return up == T(0) ? Vec<T>{} : d;  // an ignored position stays 0 whatever its logits
        };
        map_range(streamed, 0, w, slope, dx + c * p.inner, row, (const T*)total, (const T*)g, own);
    }
}

template <class T>
void cross_entropy(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight,
                   T* y) {
    const Coefficients<T> q(p, weight);
    if (p.inner == 1)
        return for_each_row<T>(p, false, [&](int64_t row, int64_t at, T*) {
            y[row] = row_loss(p, q, target, row, x + at);
        });
    for_columns<T>(p, false, BlockRows<T>::kCount, [&](const Block& block, T* scratch) {
        const int64_t at = block.outer * p.inner + block.first;
        block_loss(p, q, target.index ? target.index + at : nullptr,
                   target.probability ? target.probability + block.offset : nullptr,
                   x + block.offset, block.width, BlockRows<T>(scratch, block.width), y + at);
    });
}

template <class T>
void cross_entropy_grad(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight,
                        const T* dy, Factor<T> factor, T* dx) {
    const Coefficients<T> q(p, weight);
    const T scale = value_of(factor);
    const bool streamed = is_streamed(p.elements, x, dx);
    if (p.inner == 1)
        return for_each_row<T>(p, streamed, [&](int64_t row, int64_t at, T* scratch) {
            const T g = dy ? dy[row] * scale : scale;
            row_grad(p, q, target, row, x + at, g, streamed, streamed ? scratch : dx + at, dx + at);
        });
    for_columns<T>(p, streamed, BlockRows<T>::kCount, [&](const Block& block, T* scratch) {
        const int64_t at = block.outer * p.inner + block.first;
        block_grad(p, q, target.index ? target.index + at : nullptr,
                   target.probability ? target.probability + block.offset : nullptr,
                   x + block.offset, block.width, BlockRows<T>(scratch, block.width),
                   dy ? dy + at : nullptr, scale, streamed, dx + block.offset);
    });
}

template <class T>
void sum(int64_t n, const T* l, Divided by, T* y) {
    const double sum = sum_chunks(n, kChunk / kLanes<T>, [&](int64_t i, int64_t end) {
        return double(sum_chunk<T>(end - i, [](Vec<T> v) { return v; }, l + i));
    });
    y[0] = T(sum / divisor_of(by));
}

template <class T>
CrossEntropyKernels<T> cross_entropy_kernels() {
    return {&check_targets<T>, &cross_entropy<T>, &cross_entropy_grad<T>, &sum<T>};
}
template CrossEntropyKernels<float> cross_entropy_kernels();
template CrossEntropyKernels<double> cross_entropy_kernels();

}  // namespace tatami::TATAMI_ISA
