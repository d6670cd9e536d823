// LSTM: gates i f g o, state (h, c).
#include "cpu/math.h"
#include "cpu/recurrent.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// From W_hh h to the next state; the gates take the place of the projections of x.
template <class T>
struct LstmForward {
    Live live;
    int64_t h_size, state_row;
    bool keep;
    const T *h_before, *c_before;
    T *kept, *h, *c, *y;

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int gate = 0; gate < 4; gate++) u.fetch(kept + (row * 4 + gate) * h_size);
        u.fetch(c_before + row * state_row);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[4]) const {
        const int64_t state = row * state_row;
        if (!live(row)) {
            u.store(h + state, u.load(h_before + state));
            u.store(c + state, u.load(c_before + state));
            return u.store(y + row * h_size, Vec<T>{});
        }
        T *const gate_i = kept + row * 4 * h_size, *const gate_f = gate_i + h_size,
                 *const gate_g = gate_f + h_size, *const gate_o = gate_g + h_size;
        const Vec<T> i = sigmoid<T>(sum[0] + u.load(gate_i));
        const Vec<T> f = sigmoid<T>(sum[1] + u.load(gate_f));
        const Vec<T> g = tanh<T>(sum[2] + u.load(gate_g));
        const Vec<T> o = sigmoid<T>(sum[3] + u.load(gate_o));
        const Vec<T> new_c = fma(f, u.load(c_before + state), i * g);
        const Vec<T> new_h = o * tanh<T>(new_c);
        u.store(c + state, new_c);
        u.store(h + state, new_h);
        u.store(y + row * h_size, new_h);
        if (!keep) return;
        u.store(gate_i, i);
        u.store(gate_f, f);
        u.store(gate_g, g);
        u.store(gate_o, o);
    }
};

// From the next step's share of dh to the gradients of this step's gates before their functions.
template <class T>
struct LstmBackward {
    Live live;
    int64_t h_size, state_row, delta_row;
    const T *grad_y, *kept, *c_before, *c;
    T *carry, *carry_c, *delta;

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int gate = 0; gate < 4; gate++) u.fetch(kept + (row * 4 + gate) * h_size);
        for (const T* state : {c_before, c, (const T*)carry, (const T*)carry_c})
            u.fetch(state + row * state_row);
        if (grad_y) u.fetch(grad_y + row * h_size);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        T *const to = delta + row * delta_row, *const dh_at = carry + row * state_row,
                 *const dc_at = carry_c + row * state_row;
        Vec<T> dh = sum[0] + u.load(dh_at);
        if (!live(row)) {
            u.store(dh_at, dh);
            for (int gate = 0; gate < 4; gate++) u.store(to + gate * h_size, Vec<T>{});
            return;
        }
        u.store(dh_at, Vec<T>{});
        if (grad_y) dh += u.load(grad_y + row * h_size);
        const T* const gates = kept + row * 4 * h_size;
        const Vec<T> i = u.load(gates), f = u.load(gates + h_size), g = u.load(gates + 2 * h_size),
                     o = u.load(gates + 3 * h_size);
        const Vec<T> out = tanh<T>(u.load(c + row * state_row));
        const Vec<T> dc = fma(dh * o, T(1) - out * out, u.load(dc_at));
        u.store(dc_at, dc * f);
        u.store(to, dc * g * i * (T(1) - i));
        u.store(to + h_size, dc * u.load(c_before + row * state_row) * f * (T(1) - f));
        u.store(to + 2 * h_size, dc * i * (T(1) - g * g));
        u.store(to + 3 * h_size, dh * out * o * (T(1) - o));
    }
};

template <class T>
struct LstmCell {
    static constexpr int kGates = 4;
    static int64_t panels_size(const Recurrent& p) {
        return TATAMI_ISA::panels_size<T, 4>(p.h, p.h);
    }
    static void pack(const Recurrent& p, const T* w_hh, T* panels) {
        pack_panels<T, 4>(panels, {w_hh, 1, p.h}, p.h, p.h);
    }
    static int64_t phases(const Recurrent&) { return 1; }
    static void step(const ForwardFrame<T>& f, int64_t t, int64_t, const StepShare& share) {
        const Recurrent& p = f.p;
        const Live live{f.a.lengths, t};
        const LstmForward<T> finish{live,          p.h,           p.state_row,  f.a.kept != nullptr,
                                    f.h.before(t), f.c.before(t), f.kept_at(t), f.h.after(t),
                                    f.c.after(t),  f.y_at(t)};
        TATAMI_ISA::step<T, 4>(
            {p.h, p.h, f.h.before(t), p.state_row, f.panels, f.a.w_hh, p.h, live}, share, finish);
    }
    static int64_t back_depth(const Recurrent& p) { return p.columns; }
    static void back(const BackwardFrame<T>& f, int64_t s, int64_t, const StepShare& share) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const LstmBackward<T> finish{
            {f.a.lengths, t},       p.h,           p.state_row,  p.delta_row, f.grad_y_at(t),
            f.kept_at(t),           f.c.before(t), f.c.after(t), f.carry,     f.carry_c,
            f.delta + f.delta_at(t)};
        TATAMI_ISA::step<T, 1>(from_later(f, s, back_depth(p)), share, finish);
    }
};

template <class T>
RecurrentKernels<T> lstm_kernels() {
    return {&forward_sequence<T, LstmCell<T>>, &backward_sequence<T, LstmCell<T>>};
}
template RecurrentKernels<float> lstm_kernels();
template RecurrentKernels<double> lstm_kernels();

}  // namespace tatami::TATAMI_ISA
