// LSTM: gates i f g o, state (h, c).
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

// From W_hh h to the next state; the gates take the place of the projections of x.
template <class T>
struct LstmForward {
    Live live;
    int64_t h_size, state_row;
    const T *sums, *h_before, *c_before;
    T *kept, *h, *c, *y;

    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        const int64_t state = row * state_row + u, first = row * 4 * h_size + u;
        if (!live(row)) {
            h[state] = h_before[state];
            c[state] = c_before[state];
            y[row * h_size + u] = T(0);
            return;
        }
        const auto sum = [&](int gate) {
            return sums[first + gate * h_size] + kept[first + gate * h_size];
        };
        const T i = logistic(sum(0)).value, f = logistic(sum(1)).value, g = tanh(sum(2)),
                o = logistic(sum(3)).value;
        const T new_c = fma(f, c_before[state], i * g), new_h = o * tanh(new_c);
        c[state] = new_c;
        h[state] = new_h;
        y[row * h_size + u] = new_h;
        kept[first] = i;
        kept[first + h_size] = f;
        kept[first + 2 * h_size] = g;
        kept[first + 3 * h_size] = o;
    }
};

// From the next step's share of dh to the gradients of this step's gates before their functions.
template <class T>
struct LstmBackward {
    Live live;
    int64_t h_size, state_row, delta_row;
    const T *sums, *grad_y, *kept, *c_before, *c;
    T *carry, *carry_c, *delta;

    TATAMI_DEVICE void operator()(int64_t row, int64_t u) const {
        const int64_t state = row * state_row + u;
        T* const to = delta + row * delta_row + u;
        T dh = carry[state] + (sums ? sums[row * h_size + u] : T(0));
        if (!live(row)) {
            carry[state] = dh;
            for (int gate = 0; gate < 4; gate++) to[gate * h_size] = T(0);
            return;
        }
        carry[state] = T(0);
        if (grad_y) dh += grad_y[row * h_size + u];
        const T* const gates = kept + row * 4 * h_size + u;
        const T i = gates[0], f = gates[h_size], g = gates[2 * h_size], o = gates[3 * h_size];
        const T out = tanh(c[state]), dc = fma(dh * o, T(1) - out * out, carry_c[state]);
        carry_c[state] = dc * f;
        to[0] = dc * g * i * (T(1) - i);
        to[h_size] = dc * c_before[state] * f * (T(1) - f);
        to[2 * h_size] = dc * i * (T(1) - g * g);
        to[3 * h_size] = dh * out * o * (T(1) - o);
    }
};

template <class T>
struct LstmCell {
    static void step(const ForwardFrame<T>& f, int64_t t) {
        const Recurrent& p = f.p;
        f.multiply(f.h.before(t), p.state_row, 0, p.columns);
        each_unit(p.n, p.h,
                  LstmForward<T>{{f.a.lengths, t},
                                 p.h,
                                 p.state_row,
                                 f.sums,
                                 f.h.before(t),
                                 f.c.before(t),
                                 f.kept_at(t),
                                 f.h.after(t),
                                 f.c.after(t),
                                 f.y_at(t)});
    }
    static int64_t back_depth(const Recurrent& p) { return p.columns; }
    static void back(const BackwardFrame<T>& f, int64_t s) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const T* const sums = f.from_later(s, back_depth(p));
        each_unit(p.n, p.h,
                  LstmBackward<T>{{f.a.lengths, t},
                                  p.h,
                                  p.state_row,
                                  p.delta_row,
                                  sums,
                                  f.grad_y_at(t),
                                  f.kept_at(t),
                                  f.c.before(t),
                                  f.c.after(t),
                                  f.carry,
                                  f.carry_c,
                                  f.delta + f.delta_at(t)});
    }
};

template <class T>
RecurrentKernels<T> lstm_kernels() {
    return {&forward_sequence<T, LstmCell<T>>, &backward_sequence<T, LstmCell<T>>};
}
template RecurrentKernels<float> lstm_kernels();
template RecurrentKernels<double> lstm_kernels();

}  // namespace tatami::cuda
