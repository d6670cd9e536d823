#include "cpu/lstm.h"

#include "cpu/recurrent_grad.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

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
        const LstmForward<T> finish{live,          p.h,
                                    p.state_row,   f.kept_at(t),
                                    f.h.before(t), f.c.before(t),
                                    f.h.after(t),  f.c.after(t),
                                    f.y_at(t),     f.a.kept ? f.kept_at(t) : nullptr,
                                    nullptr};
        TATAMI_ISA::step<T, 4>(
            {p.h, p.h, f.h.before(t), p.state_row, f.panels, f.a.w_hh, p.h, live}, share, finish);
    }
    static void pack_back(const Recurrent& p, const T* w_hh, T* panels) {
        pack_panels<T, 1>(panels, {w_hh, p.h, 1}, p.h, p.columns);
    }
    static int64_t back_depth(const Recurrent& p) { return p.columns; }
    static void back(const BackwardFrame<T>& f, int64_t s, int64_t, const StepShare& share) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const LstmBackward<T> finish{{f.a.lengths, t}, p.h,          p.state_row,   f.delta_row,
                                     f.grad_y_at(t),   f.kept_at(t), f.c.before(t), f.c.after(t),
                                     f.carry,          f.carry_c,    f.delta_at(t)};
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
