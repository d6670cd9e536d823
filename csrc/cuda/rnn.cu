// The simple recurrent layer: one gate, state h.
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

template <class T>
struct RnnForward {
    Live live;
    int64_t h_size, state_row;
    bool relu;
    const T *sums, *h_before, *projected;
    T *h, *y;

    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        const int64_t state = row * state_row + u, at = row * h_size + u;
        if (!live(row)) {
            h[state] = h_before[state];
            y[at] = T(0);
            return;
        }
        const T a = sums[at] + projected[at];
        h[state] = y[at] = relu ? Relu<T>{}(a) : tanh(a);
    }
};

template <class T>
struct RnnBackward {
    Live live;
    int64_t h_size, state_row, delta_row;
    bool relu;
    const T *sums, *grad_y, *h;
    T *carry, *delta;

    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        const int64_t state = row * state_row + u, at = row * h_size + u;
        T dh = carry[state] + (sums ? sums[at] : T(0));
        carry[state] = live(row) ? T(0) : dh;
        if (!live(row)) {
            delta[row * delta_row + u] = T(0);
            return;
        }
        if (grad_y) dh += grad_y[at];
        const T out = h[state];
        delta[row * delta_row + u] =
            relu ? Gradient<T, Relu<T>>{}(dh, out) : dh * (T(1) - out * out);
    }
};

template <class T>
struct RnnCell {
    static void step(const ForwardFrame<T>& f, int64_t t) {
        const Recurrent& p = f.p;
        f.multiply(f.h.before(t), p.state_row, 0, p.columns);
        each_unit(p.n, p.h,
                  RnnForward<T>{{f.a.lengths, t},
                                p.h,
                                p.state_row,
                                p.kind == RecurrentKind::rnn_relu,
                                f.sums,
                                f.h.before(t),
                                f.kept_at(t),
                                f.h.after(t),
                                f.y_at(t)});
    }
    static int64_t back_depth(const Recurrent& p) { return p.columns; }
    static void back(const BackwardFrame<T>& f, int64_t s) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const T* const sums = f.from_later(s, back_depth(p));
        each_unit(p.n, p.h,
                  RnnBackward<T>{{f.a.lengths, t},
                                 p.h,
                                 p.state_row,
                                 p.delta_row,
                                 p.kind == RecurrentKind::rnn_relu,
                                 sums,
                                 f.grad_y_at(t),
                                 f.h.after(t),
                                 f.carry,
                                 f.delta + f.delta_at(t)});
    }
};

template <class T>
RecurrentKernels<T> rnn_kernels() {
    return {&forward_sequence<T, RnnCell<T>>, &backward_sequence<T, RnnCell<T>>};
}
template RecurrentKernels<float> rnn_kernels();
template RecurrentKernels<double> rnn_kernels();

}  // namespace tatami::cuda
