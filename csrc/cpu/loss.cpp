// Losses between two arrays, summed or one by one, and their gradients: one sweep each.
#include "ops/loss.h"

#include "cpu/elementwise.h"
#include "cpu/factor.h"
#include "cpu/math.h"
#include "cpu/reduce.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct Squared {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t) const { return (x - t) * (x - t); }
    TATAMI_INLINE Vec<T> slope(Vec<T> x, Vec<T> t) const { return T(2) * (x - t); }
};

template <class T>
struct Absolute {
    TATAMI_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t) const { return abs<T>(x - t); }
    TATAMI_INLINE Vec<T> slope(Vec<T> x, Vec<T> t) const {
        const Vec<T> d = x - t;
        return ((d != d) | (d == T(0))) ? d : with_sign<T>(broadcast(T(1)), d);
    }
};

template <class T>
struct Huber {
    T delta;
    TATAMI_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t) const {
        const Vec<T> d = abs<T>(x - t);
        return d <= delta ? T(0.5) * d * d : delta * (d - T(0.5) * delta);
    }
    TATAMI_INLINE Vec<T> slope(Vec<T> x, Vec<T> t) const {
        const Vec<T> d = x - t;
        return abs<T>(d) > delta ? with_sign<T>(broadcast(delta), d) : d;
    }
};

// Calls use(f) with the function object of `kind`.
template <class T, class Use>
TATAMI_INLINE auto with_distance(Distance kind, T delta, const Use& use) {
    if (kind == Distance::squared) return use(Squared<T>{});
    if (kind == Distance::absolute) return use(Absolute<T>{});
    return use(Huber<T>{delta});
}

template <class T>
void distance_sum(Distance kind, int64_t n, const T* x, const T* t, T delta, Divided by, T* y) {
    with_distance<T>(kind, delta, [&](auto f) {
        const double sum = sum_chunks(n, kChunk / kLanes<T>, [&](int64_t i, int64_t end) {
            return double(sum_chunk<T>(end - i, f, x + i, t + i));
        });
        y[0] = T(sum / divisor_of(by));
    });
}

template <class T>
void distance(Distance kind, int64_t n, const T* x, const T* t, T delta, T* y) {
    with_distance<T>(kind, delta, [&](auto f) { map_arrays(n, 4, f, y, x, t); });
}

template <class T>
void distance_grad(Distance kind, int64_t n, const T* x, const T* t, T delta, const T* dy,
                   Factor<T> factor, T* dx) {
    const T scale = value_of(factor);
    with_distance<T>(kind, delta, [&](auto f) {
        const auto whole = [=](Vec<T> a, Vec<T> b) { return f.slope(a, b) * scale; };
        const auto each = [=](Vec<T> a, Vec<T> b, Vec<T> d) { return f.slope(a, b) * (d * scale); };
        if (dy)
            map_arrays(n, 4, each, dx, x, t, dy);
        else
            map_arrays(n, 4, whole, dx, x, t);
    });
}

// ---- Binary cross entropy: chunk by chunk, so that absent factors are one chunk of ones and
// pos_weight a chunk at its phase.

inline constexpr int64_t kBinaryCost = 40 * kChunk / 16;

// Factors of the elements from `begin` on, for at most a chunk.
template <class T>
class Factors {
  public:
    TATAMI_INLINE Factors(const BinaryCrossEntropy& p, const T* pos)
        : chunk_(min(p.n, kChunk)),
          period_(p.period),
          scratch_(size_t(period_ + 2 * chunk_) * sizeof(T)) {
        for (int64_t i = 0; i < chunk_; i++) ones()[i] = 1;
        for (int64_t i = 0; i < period_; i++) repeated()[i] = pos ? pos[i] : T(p.positive);
        for (int64_t i = 0; i < chunk_; i++) repeated()[i + period_] = repeated()[i];
    }
    TATAMI_INLINE const T* pos(int64_t begin) const { return repeated() + begin % period_; }
    // p (n), or ones where it is nullptr.
    TATAMI_INLINE const T* maybe(const T* p, int64_t begin) const { return p ? p + begin : ones(); }

  private:
    TATAMI_INLINE T* ones() const { return scratch_.template as<T>(); }
    TATAMI_INLINE T* repeated() const { return ones() + chunk_; }

    int64_t chunk_, period_;
    memory::Scratch scratch_;
};

template <class T>
TATAMI_INLINE Vec<T> binary_loss(Vec<T> x, Vec<T> t, Vec<T> weight, Vec<T> pos) {
    // log(1 + exp(-x)), of which exp only sees -|x|
    const Vec<T> softplus = log1p<T>(exp<T>(-abs<T>(x))) + (x < T(0) ? -x : Vec<T>{});
    return weight * fma(T(1) - t, x, fma(pos - T(1), t, broadcast(T(1))) * softplus);
}

template <class T>
TATAMI_INLINE Vec<T> binary_slope(Vec<T> x, Vec<T> t, Vec<T> weight, Vec<T> pos) {
    const Vec<T> positive = fma(pos - T(1), t, broadcast(T(1)));
    return weight * ((T(1) - t) - positive * sigmoid<T>(-x));
}

template <class T>
void binary_sum(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
                Divided by, T* y) {
    const Factors<T> factors(p, pos);
    const double sum = sum_chunks(p.n, kBinaryCost, [&](int64_t i, int64_t end) {
        return double(sum_chunk<T>(end - i, binary_loss<T>, x + i, t + i, factors.maybe(weight, i),
                                   factors.pos(i)));
    });
    y[0] = T(sum / divisor_of(by));
}

// body(begin, end, streamed) for the chunks of [0, n).
template <class T, class Body>
TATAMI_INLINE void for_chunks(int64_t n, const Body& body) {
    const bool streamed = n * int64_t(sizeof(T)) >= kStreamBytes;
    const int64_t chunks = ceil_div(n, kChunk);
    parallel_ranges(chunks, 1, chunks * kBinaryCost, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) body(c * kChunk, min(n, (c + 1) * kChunk), streamed);
        if (streamed) stream_fence();
    });
}

template <class T>
void binary(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
            T* y) {
    if (p.n == 0) return;
    const Factors<T> factors(p, pos);
    for_chunks<T>(p.n, [&](int64_t i, int64_t end, bool streamed) {
        map_range(streamed, 0, end - i, binary_loss<T>, y + i, x + i, t + i,
                  factors.maybe(weight, i), factors.pos(i));
    });
}

template <class T>
void binary_grad(const BinaryCrossEntropy& p, const T* x, const T* t, const T* weight, const T* pos,
                 const T* dy, Factor<T> factor, T* dx) {
    if (p.n == 0) return;
    const T scale = value_of(factor);
    const Factors<T> factors(p, pos);
    const auto slope = [scale](Vec<T> a, Vec<T> b, Vec<T> w, Vec<T> s, Vec<T> d) {
        return binary_slope<T>(a, b, w, s) * (d * scale);
    };
    for_chunks<T>(p.n, [&](int64_t i, int64_t end, bool streamed) {
        map_range(streamed, 0, end - i, slope, dx + i, x + i, t + i, factors.maybe(weight, i),
                  factors.pos(i), factors.maybe(dy, i));
    });
}

template <class T>
LossKernels<T> loss_kernels() {
    return {&distance_sum<T>, &distance<T>, &distance_grad<T>,
            &binary_sum<T>,   &binary<T>,   &binary_grad<T>};
}
template LossKernels<float> loss_kernels();
template LossKernels<double> loss_kernels();

}  // namespace tatami::TATAMI_ISA
