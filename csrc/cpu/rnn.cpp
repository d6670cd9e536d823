// The simple recurrent layer: one gate, state h.
#include "cpu/activate.h"
#include "cpu/math.h"
#include "cpu/recurrent_grad.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct RnnForward {
    Live live;
    int64_t h_size, state_row;
    bool relu;
    const T *h_before, *projected;
    T *h, *y;

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const { u.fetch(projected + row * h_size); }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        const int64_t state = row * state_row;
        if (!live(row)) {
            u.store(h + state, u.load(h_before + state));
            return u.store(y + row * h_size, Vec<T>{});
        }
        const Vec<T> a = sum[0] + u.load(projected + row * h_size);
        const Vec<T> new_h = relu ? Relu<T>{}(a) : tanh<T>(a);
        u.store(h + state, new_h);
        u.store(y + row * h_size, new_h);
    }
};

template <class T>
struct RnnBackward {
    Live live;
    int64_t h_size, state_row, delta_row;
    bool relu;
    const T *grad_y, *h;
    T *carry, *delta;

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        u.fetch(carry + row * state_row);
        u.fetch(h + row * state_row);
        if (grad_y) u.fetch(grad_y + row * h_size);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        T* const dh_at = carry + row * state_row;
        Vec<T> dh = sum[0] + u.load(dh_at);
        if (!live(row)) {
            u.store(dh_at, dh);
            return u.store(delta + row * delta_row, Vec<T>{});
        }
        u.store(dh_at, Vec<T>{});
        if (grad_y) dh += u.load(grad_y + row * h_size);
        const Vec<T> out = u.load(h + row * state_row);
        u.store(delta + row * delta_row,
                relu ? gradient<T>(Relu<T>{}, dh, out) : dh * (T(1) - out * out));
    }
};

template <class T>
struct RnnCell {
    static constexpr int kGates = 1;
    static int64_t panels_size(const Recurrent& p) {
        return TATAMI_ISA::panels_size<T, 1>(p.h, p.h);
    }
    static void pack(const Recurrent& p, const T* w_hh, T* panels) {
        pack_panels<T, 1>(panels, {w_hh, 1, p.h}, p.h, p.h);
    }
    static int64_t phases(const Recurrent&) { return 1; }
    static void step(const ForwardFrame<T>& f, int64_t t, int64_t, const StepShare& share) {
        const Recurrent& p = f.p;
        const Live live{f.a.lengths, t};
        const bool relu = p.kind == RecurrentKind::rnn_relu;
        TATAMI_ISA::step<T, 1>(
            {p.h, p.h, f.h.before(t), p.state_row, f.panels, f.a.w_hh, p.h, live}, share,
            RnnForward<T>{live, p.h, p.state_row, relu, f.h.before(t), f.kept_at(t), f.h.after(t),
                          f.y_at(t)});
    }
    static void pack_back(const Recurrent& p, const T* w_hh, T* panels) {
        pack_panels<T, 1>(panels, {w_hh, p.h, 1}, p.h, p.columns);
    }
    static int64_t back_depth(const Recurrent& p) { return p.columns; }
    static void back(const BackwardFrame<T>& f, int64_t s, int64_t, const StepShare& share) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const RnnBackward<T> finish{{f.a.lengths, t},
                                    p.h,
                                    p.state_row,
                                    f.delta_row,
                                    p.kind == RecurrentKind::rnn_relu,
                                    f.grad_y_at(t),
                                    f.h.after(t),
                                    f.carry,
                                    f.delta_at(t)};
        TATAMI_ISA::step<T, 1>(from_later(f, s, back_depth(p)), share, finish);
    }
};

template <class T>
RecurrentKernels<T> rnn_kernels() {
    return {&forward_sequence<T, RnnCell<T>>, &backward_sequence<T, RnnCell<T>>};
}
template RecurrentKernels<float> rnn_kernels();
template RecurrentKernels<double> rnn_kernels();

}  // namespace tatami::TATAMI_ISA
