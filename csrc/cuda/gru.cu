// GRU: gates r z n, state h; the reset gate after the product with W_hn (PyTorch's) or before it.
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

// What the parts of a step share. A row of `kept` holds the projections of x to r z n, which the
// gates replace, and then q = W_hn h + b_hn, or r h where the reset comes first.
template <class T>
struct GruStep {
    Live live;
    int64_t h_size, state_row;
    const T *sums, *h_before, *hidden_bias;
    T *kept, *h, *y;

    TATAMI_DEVICE T* gates(int64_t row, int64_t u) const { return kept + row * 4 * h_size + u; }
    TATAMI_DEVICE void next_state(int64_t row, int64_t u, T z, T n) const {
        const int64_t state = row * state_row + u;
        h[state] = y[row * h_size + u] = fma(z, h_before[state] - n, n);
    }
    TATAMI_DEVICE void stand_still(int64_t row, int64_t u) const {
        h[row * state_row + u] = h_before[row * state_row + u];
        y[row * h_size + u] = T(0);
    }
};

template <class T>
struct GruForward : GruStep<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        if (!this->live(row)) return this->stand_still(row, u);
        const int64_t H = this->h_size;
        T* const at = this->gates(row, u);
        const T* const sum = this->sums + row * 3 * H + u;
        const T r = logistic(sum[0] + at[0]).value, z = logistic(sum[H] + at[H]).value;
        const T q = sum[2 * H] + this->hidden_bias[u], n = tanh(fma(r, q, at[2 * H]));
        this->next_state(row, u, z, n);
        at[0] = r;
        at[H] = z;
        at[2 * H] = n;
        at[3 * H] = q;
    }
};

// Reset first, part one: r, z and r h.
template <class T>
struct GruReset : GruStep<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        const int64_t H = this->h_size;
        T* const at = this->gates(row, u);
        const T* const sum = this->sums + row * 2 * H + u;
        const T r = logistic(sum[0] + at[0]).value;
        at[0] = r;
        at[H] = logistic(sum[H] + at[H]).value;
        // The gradient of W_hn reads it for all rows.
        at[3 * H] = this->live(row) ? r * this->h_before[row * this->state_row + u] : T(0);
    }
};

// Part two: n from W_hn (r h).
template <class T>
struct GruCandidate : GruStep<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        if (!this->live(row)) return this->stand_still(row, u);
        const int64_t H = this->h_size;
        T* const at = this->gates(row, u);
        const T n = tanh(this->sums[row * H + u] + at[2 * H]);
        at[2 * H] = n;
        this->next_state(row, u, at[H], n);
    }
};

template <class T>
struct GruGradient {
    Live live;
    int64_t h_size, state_row, delta_row;
    const T *sums, *grad_y, *kept, *h_before;
    T *carry, *delta, *delta_h;

    // The gradient of this step's h; false where the row stands still and it is only passed on.
    TATAMI_DEVICE bool incoming(int64_t row, int64_t u, T& dh) const {
        T* const at = carry + row * state_row + u;
        dh = *at + (sums ? sums[row * h_size + u] : T(0));
        if (live(row)) {
            if (grad_y) dh += grad_y[row * h_size + u];
            return true;
        }
        *at = dh;
        for (int gate = 0; gate < 3; gate++)
            delta[row * delta_row + gate * h_size + u] =
                delta_h[row * delta_row + gate * h_size + u] = T(0);
        return false;
    }
};

template <class T>
struct GruBackward : GruGradient<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        T dh;
        if (!this->incoming(row, u, dh)) return;
        const int64_t H = this->h_size, state = row * this->state_row + u;
        const int64_t to = row * this->delta_row + u;
        const T* const gates = this->kept + row * 4 * H + u;
        const T r = gates[0], z = gates[H], n = gates[2 * H], q = gates[3 * H];
        const T dn = dh * (T(1) - z) * (T(1) - n * n);
        const T dz = dh * (this->h_before[state] - n) * z * (T(1) - z);
        const T dr = dn * q * r * (T(1) - r);
        this->carry[state] = dh * z;
        this->delta[to] = this->delta_h[to] = dr;
        this->delta[to + H] = this->delta_h[to + H] = dz;
        this->delta[to + 2 * H] = dn;
        this->delta_h[to + 2 * H] = dn * r;
    }
};

// Reset first, part one: the gradients of z and n.
template <class T>
struct GruCandidateBackward : GruGradient<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        T dh;
        if (!this->incoming(row, u, dh)) return;
        const int64_t H = this->h_size, state = row * this->state_row + u;
        const T* const gates = this->kept + row * 4 * H + u;
        const T z = gates[H], n = gates[2 * H];
        T* const to = this->delta + row * this->delta_row + u;
        to[H] = dh * (this->h_before[state] - n) * z * (T(1) - z);
        to[2 * H] = dh * (T(1) - z) * (T(1) - n * n);
        this->carry[state] = dh * z;
    }
};

// Part two: the gradient of r, from that of r h.
template <class T>
struct GruResetBackward : GruGradient<T> {
    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        if (!this->live(row)) return;
        const int64_t H = this->h_size, state = row * this->state_row + u;
        const T r = this->kept[row * 4 * H + u], sum = this->sums[row * H + u];
        this->delta[row * this->delta_row + u] = sum * this->h_before[state] * r * (T(1) - r);
        this->carry[state] = fma(sum, r, this->carry[state]);
    }
};

template <class T>
struct GruCell {
    static void step(const ForwardFrame<T>& f, int64_t t) {
        const Recurrent& p = f.p;
        const GruStep<T> parts{{f.a.lengths, t}, p.h,           p.state_row,
                               f.sums,           f.h.before(t), f.hidden_bias,
                               f.kept_at(t),     f.h.after(t),  f.y_at(t)};
        if (p.kind == RecurrentKind::gru) {
            f.multiply(f.h.before(t), p.state_row, 0, p.columns);
            return each_unit(p.n, p.h, GruForward<T>{parts});
        }
        f.multiply(f.h.before(t), p.state_row, 0, 2 * p.h);
        each_unit(p.n, p.h, GruReset<T>{parts});
        f.multiply(parts.kept + 3 * p.h, p.kept_row, 2 * p.h, p.h);
        each_unit(p.n, p.h, GruCandidate<T>{parts});
    }
    static int64_t back_depth(const Recurrent& p) {
        return p.kind == RecurrentKind::gru ? p.columns : 2 * p.h;
    }
    static void back(const BackwardFrame<T>& f, int64_t s) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        GruGradient<T> parts{{f.a.lengths, t},
                             p.h,
                             p.state_row,
                             p.delta_row,
                             f.from_later(s, back_depth(p)),
                             f.grad_y_at(t),
                             f.kept_at(t),
                             f.h.before(t),
                             f.carry,
                             f.delta + f.delta_at(t),
                             f.delta_h + f.delta_at(t)};
        if (p.kind == RecurrentKind::gru) return each_unit(p.n, p.h, GruBackward<T>{parts});
        each_unit(p.n, p.h, GruCandidateBackward<T>{parts});
        parts.sums = f.through(t, 2 * p.h, p.h);
        each_unit(p.n, p.h, GruResetBackward<T>{parts});
    }
};

template <class T>
RecurrentKernels<T> gru_kernels() {
    return {&forward_sequence<T, GruCell<T>>, &backward_sequence<T, GruCell<T>>};
}
template RecurrentKernels<float> gru_kernels();
template RecurrentKernels<double> gru_kernels();

}  // namespace tatami::cuda
