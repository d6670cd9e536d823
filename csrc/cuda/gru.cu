// GRU: gates r z n, state h; the reset gate after the product with W_hn (PyTorch's) or before it.
// What is kept of a row holds the projections of x to r z n, which the gates replace, and then
// q = W_hn h + b_hn, or r h where the reset comes first.
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

template <class V>
TATAMI_DEVICE V between(V z, V h, V n) {
    return fma(z, h - n, n);
}

template <class T>
struct GruForward : ForwardPhase<T, 3> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const ForwardFrame<T>& f = this->f;
        const int64_t H = f.p.h;
        T* const kept = f.kept_at(at);
        const V x_r = kept[0], x_z = kept[H], x_n = kept[2 * H];
        const V before = f.h_before(at), bias = f.hidden_bias[at.unit];
        const bool live = f.live(at);
        return [=, &f](const V(&sum)[3]) {
            if (!live) return f.stand_still(at);
            const V r = logistic(sum[0] + x_r).value, z = logistic(sum[1] + x_z).value;
            const V q = sum[2] + bias, n = tanh(fma(r, q, x_n)), h = between(z, before, n);
            f.next(at, h, h);
            if (!f.a.kept) return;
            kept[0] = r;
            kept[H] = z;
            kept[2 * H] = n;
            kept[3 * H] = q;
        };
    }
};

// Reset first, part one: r, z and r h.
template <class T>
struct GruReset : ForwardPhase<T, 2> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const ForwardFrame<T>& f = this->f;
        const int64_t H = f.p.h;
        T* const kept = f.kept_at(at);
        const V x_r = kept[0], x_z = kept[H], before = f.h_before(at);
        const bool live = f.live(at);
        return [=](const V(&sum)[2]) {
            const V r = logistic(sum[0] + x_r).value;
            kept[0] = r;
            kept[H] = logistic(sum[1] + x_z).value;
            kept[3 * H] = live ? r * before : V(0);  // the gradient of W_hn reads it for all rows
        };
    }
};

// Part two: n from W_hn (r h).
template <class T>
struct GruCandidate : ForwardPhase<T, 1> {
    TATAMI_BOTH Rows<T> left(int64_t t) const {
        const Recurrent& p = this->f.p;
        return {this->f.kept + t * p.n * p.kept_row + 3 * p.h, p.kept_row};
    }
    TATAMI_BOTH Factor<T, true> weights() const {
        const int64_t H = this->f.p.h;
        return {this->f.a.w_hh + 2 * H * H, H, 1};
    }
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const ForwardFrame<T>& f = this->f;
        const int64_t H = f.p.h;
        T* const kept = f.kept_at(at);
        const V z = kept[H], x_n = kept[2 * H], before = f.h_before(at);
        const bool live = f.live(at);
        return [=, &f](const V(&sum)[1]) {
            if (!live) return f.stand_still(at);
            const V n = tanh(sum[0] + x_n), h = between(z, before, n);
            kept[2 * H] = n;
            f.next(at, h, h);
        };
    }
};

template <class T>
struct GruBackward : BackwardPhase<T> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const BackwardFrame<T>& f = this->f;
        const int64_t H = f.p.h, state = f.state(at), to = f.delta_at(at);
        const T* const kept = f.kept_at(at);
        const V r = kept[0], z = kept[H], n = kept[2 * H], q = kept[3 * H];
        const V before = f.h.before(at.t)[state];
        const auto in = f.incoming(at);
        return [=, &f](const V(&sum)[1]) {
            if (!in.live) return f.stand_still(at, in.carried + sum[0]);
            const V dh = in.carried + sum[0] + in.of_y;
            const V dn = dh * (V(1) - z) * (V(1) - n * n);
            const V dz = dh * (before - n) * z * (V(1) - z), dr = dn * q * r * (V(1) - r);
            f.carry[state] = dh * z;
            f.delta[to] = f.delta_h[to] = dr;
            f.delta[to + H] = f.delta_h[to + H] = dz;
            f.delta[to + 2 * H] = dn;
            f.delta_h[to + 2 * H] = dn * r;
        };
    }
};

// Reset first, part one: the gradients of z and n.
template <class T>
struct GruCandidateBackward : BackwardPhase<T> {
    TATAMI_BOTH int64_t depth() const { return 2 * this->f.p.h; }
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const BackwardFrame<T>& f = this->f;
        const int64_t H = f.p.h, state = f.state(at);
        const T* const kept = f.kept_at(at);
        const V z = kept[H], n = kept[2 * H], before = f.h.before(at.t)[state];
        const auto in = f.incoming(at);
        return [=, &f](const V(&sum)[1]) {
            if (!in.live) return f.stand_still(at, in.carried + sum[0]);
            const V dh = in.carried + sum[0] + in.of_y;
            T* const delta = f.delta + f.delta_at(at);
            delta[H] = dh * (before - n) * z * (V(1) - z);
            delta[2 * H] = dh * (V(1) - z) * (V(1) - n * n);
            f.carry[state] = dh * z;
        };
    }
};

// Part two: the gradient of r, from that of r h.
template <class T>
struct GruResetBackward : BackwardPhase<T> {
    TATAMI_BOTH int64_t depth() const { return this->f.p.h; }
    TATAMI_BOTH Rows<T> left(int64_t t) const {
        const Recurrent& p = this->f.p;
        return {this->f.delta_h + t * p.n * p.delta_row + 2 * p.h, p.delta_row};
    }
    TATAMI_BOTH Factor<T, false> weights() const {
        const int64_t H = this->f.p.h;
        return {this->f.a.w_hh + 2 * H * H, 1, H};
    }
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const BackwardFrame<T>& f = this->f;
        const int64_t state = f.state(at);
        const V r = *f.kept_at(at), before = f.h.before(at.t)[state], carried = f.carry[state];
        const bool live = f.live(at);
        return [=, &f](const V(&sum)[1]) {
            if (!live) return;
            f.delta[f.delta_at(at)] = sum[0] * before * r * (V(1) - r);
            f.carry[state] = fma(sum[0], r, carried);
        };
    }
};

template <class T>
void gru_forward(const Recurrent& p, const RecurrentForward<T>& a) {
    if (p.kind == RecurrentKind::gru) return forward_sequence<T, GruForward<T>>(p, a);
    forward_sequence<T, GruReset<T>, GruCandidate<T>>(p, a);
}

template <class T>
void gru_backward(const Recurrent& p, const RecurrentBackward<T>& a) {
    if (p.kind == RecurrentKind::gru) return backward_sequence<T, GruBackward<T>>(p, a);
    backward_sequence<T, GruCandidateBackward<T>, GruResetBackward<T>>(p, a);
}

template <class T>
RecurrentKernels<T> gru_kernels() {
    return {&gru_forward<T>, &gru_backward<T>};
}
template RecurrentKernels<float> gru_kernels();
template RecurrentKernels<double> gru_kernels();
template RecurrentKernels<Half> gru_kernels();
template RecurrentKernels<Bfloat16> gru_kernels();

}  // namespace tatami::cuda
