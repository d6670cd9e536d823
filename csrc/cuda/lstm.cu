// LSTM: gates i f g o, state (h, c).
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

// From W_hh h to the next state; the gates take the place of the projections of x.
template <class T>
struct LstmForward : ForwardPhase<T, 4> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const ForwardFrame<T>& frame = this->f;
        const int64_t H = frame.p.h;
        T* const kept = frame.kept_at(at);
        const V x_i = kept[0], x_f = kept[H], x_g = kept[2 * H], x_o = kept[3 * H];
        const V before = frame.c_before(at);
        const bool live = frame.live(at);
        return [=, &frame](const V(&sum)[4]) {
            if (!live) return frame.stand_still(at);
            const V i = logistic(sum[0] + x_i).value, f = logistic(sum[1] + x_f).value,
                    g = tanh(sum[2] + x_g), o = logistic(sum[3] + x_o).value;
            const V c = fma(f, before, i * g), h = o * tanh(c);
            frame.c.after(at.t)[frame.state(at)] = c;
            frame.next(at, h, h);
            if (!frame.a.kept) return;
            kept[0] = i;
            kept[H] = f;
            kept[2 * H] = g;
            kept[3 * H] = o;
        };
    }
};

// From the next step's share of dh to the gradients of this step's gates before their functions.
template <class T>
struct LstmBackward : BackwardPhase<T> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const BackwardFrame<T>& frame = this->f;
        const int64_t H = frame.p.h, state = frame.state(at);
        const T* const kept = frame.kept_at(at);
        const V i = kept[0], f = kept[H], g = kept[2 * H], o = kept[3 * H];
        const V before = frame.c.before(at.t)[state], after = frame.c.after(at.t)[state];
        const V later = frame.carry_c[state];
        const auto in = frame.incoming(at);
        return [=, &frame](const V(&sum)[1]) {
            if (!in.live) return frame.stand_still(at, in.carried + sum[0]);
            const V dh = in.carried + sum[0] + in.of_y;
            const V out = tanh(after), dc = fma(dh * o, V(1) - out * out, later);
            frame.carry[state] = V(0);
            frame.carry_c[state] = dc * f;
            T* const delta = frame.delta + frame.delta_at(at);
            delta[0] = dc * g * i * (V(1) - i);
            delta[H] = dc * before * f * (V(1) - f);
            delta[2 * H] = dc * i * (V(1) - g * g);
            delta[3 * H] = dh * out * o * (V(1) - o);
        };
    }
};

template <class T>
RecurrentKernels<T> lstm_kernels() {
    return {&forward_sequence<T, LstmForward<T>>, &backward_sequence<T, LstmBackward<T>>};
}
template RecurrentKernels<float> lstm_kernels();
template RecurrentKernels<double> lstm_kernels();
template RecurrentKernels<Half> lstm_kernels();
template RecurrentKernels<Bfloat16> lstm_kernels();

}  // namespace tatami::cuda
