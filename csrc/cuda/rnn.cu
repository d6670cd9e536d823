// The simple recurrent layer: one gate, state h.
#include "cuda/recurrent.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

template <class T>
struct RnnForward : ForwardPhase<T, 1> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const ForwardFrame<T>& f = this->f;
        const V x = *f.kept_at(at);
        const bool live = f.live(at);
        return [=, &f](const V(&sum)[1]) {
            if (!live) return f.stand_still(at);
            const V a = sum[0] + x;
            const V h = f.p.kind == RecurrentKind::rnn_relu ? Relu<V>{}(a) : tanh(a);
            f.next(at, h, h);
        };
    }
};

template <class T>
struct RnnBackward : BackwardPhase<T> {
    TATAMI_DEVICE auto begin(Place at) const {
        using V = Real<T>;
        const BackwardFrame<T>& f = this->f;
        const V h = f.h.after(at.t)[f.state(at)];
        const auto in = f.incoming(at);
        return [=, &f](const V(&sum)[1]) {
            if (!in.live) return f.stand_still(at, in.carried + sum[0]);
            const V dh = in.carried + sum[0] + in.of_y;
            f.carry[f.state(at)] = V(0);
            f.delta[f.delta_at(at)] = f.p.kind == RecurrentKind::rnn_relu
                                          ? Gradient<V, Relu<V>>{}(dh, h)
                                          : dh * (V(1) - h * h);
        };
    }
};

template <class T>
RecurrentKernels<T> rnn_kernels() {
    return {&forward_sequence<T, RnnForward<T>>, &backward_sequence<T, RnnBackward<T>>};
}
template RecurrentKernels<float> rnn_kernels();
template RecurrentKernels<double> rnn_kernels();
template RecurrentKernels<Half> rnn_kernels();
template RecurrentKernels<Bfloat16> rnn_kernels();

}  // namespace tatami::cuda
