// LSTM of bfloat16 by way of float32: widened, computed, rounded.
#include "cpu/bfloat16.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

static void forward(const Recurrent& p, const RecurrentForward<Bfloat16>& a) {
    const int64_t rows = p.t * p.n, state = p.n * p.h, states = (p.t + 1) * p.n * p.state_row;
    const Widened x(a.x, rows * p.i), w_ih(a.w_ih, p.columns * p.i), w_hh(a.w_hh, p.columns * p.h),
        b_ih(a.b_ih, p.columns), b_hh(a.b_hh, p.columns), h0(a.h0, state), c0(a.c0, state);
    const Narrowed y(a.y, rows * p.h), h_n(a.h_n, state), c_n(a.c_n, state),
        h_states(a.h_states, states), c_states(a.c_states, states), kept(a.kept, rows * p.kept_row);
    lstm_kernels<float>().forward.call(
        p, {x, w_ih, w_hh, b_ih, b_hh, h0, c0, a.lengths, y, h_n, c_n, h_states, c_states, kept});
}

static void backward(const Recurrent& p, const RecurrentBackward<Bfloat16>& a) {
    const int64_t rows = p.t * p.n, state = p.n * p.h, states = (p.t + 1) * p.n * p.state_row;
    const Widened grad_y(a.grad_y, rows * p.h), grad_h_n(a.grad_h_n, state),
        grad_c_n(a.grad_c_n, state), x(a.x, rows * p.i), w_ih(a.w_ih, p.columns * p.i),
        w_hh(a.w_hh, p.columns * p.h), h_states(a.h_states, states), c_states(a.c_states, states),
        kept(a.kept, rows * p.kept_row);
    const Narrowed grad_x(a.grad_x, rows * p.i), grad_w_ih(a.grad_w_ih, p.columns * p.i),
        grad_w_hh(a.grad_w_hh, p.columns * p.h), grad_b_ih(a.grad_b_ih, p.columns),
        grad_b_hh(a.grad_b_hh, p.columns), grad_h0(a.grad_h0, state), grad_c0(a.grad_c0, state);
    lstm_kernels<float>().backward.call(
        p, {grad_y, grad_h_n, grad_c_n, x, w_ih, w_hh, a.lengths, h_states, c_states, kept, grad_x,
            grad_w_ih, grad_w_hh, grad_b_ih, grad_b_hh, grad_h0, grad_c0});
}

template <>
RecurrentKernels<Bfloat16> lstm_kernels() {
    return {&forward, &backward};
}

}  // namespace tatami::TATAMI_ISA
