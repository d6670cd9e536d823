// GRU: gates r z n, state h; the reset gate after the product with W_hn (PyTorch's) or before it.
#include "cpu/math.h"
#include "cpu/recurrent_grad.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// What the parts of a step share. A row of `kept` holds the projections of x to r z n, which the
// gates replace, and then q = W_hn h + b_hn, or r h where the reset comes first.
template <class T>
struct GruStep {
    Live live;
    int64_t h_size, state_row;
    const T *h_before, *hidden_bias;
    T *kept, *h, *y;

    TATAMI_INLINE T* gates(int64_t row) const { return kept + row * 4 * h_size; }
    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int part = 0; part < 4; part++) u.fetch(gates(row) + part * h_size);
        u.fetch(h_before + row * state_row);
    }

    TATAMI_INLINE void next_state(int64_t row, Units<T> u, Vec<T> z, Vec<T> n) const {
        const Vec<T> new_h = fma(z, u.load(h_before + row * state_row) - n, n);
        u.store(h + row * state_row, new_h);
        u.store(y + row * h_size, new_h);
    }
    TATAMI_INLINE void stand_still(int64_t row, Units<T> u) const {
        u.store(h + row * state_row, u.load(h_before + row * state_row));
        u.store(y + row * h_size, Vec<T>{});
    }
};

template <class T>
struct GruForward : GruStep<T> {
    bool keep;

    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[3]) const {
        if (!this->live(row)) return this->stand_still(row, u);
        T *const gate_r = this->gates(row), *const gate_z = gate_r + this->h_size,
                 *const gate_n = gate_z + this->h_size;
        const Vec<T> r = sigmoid<T>(sum[0] + u.load(gate_r));
        const Vec<T> z = sigmoid<T>(sum[1] + u.load(gate_z));
        const Vec<T> q = sum[2] + u.load(this->hidden_bias);
        const Vec<T> n = tanh<T>(fma(r, q, u.load(gate_n)));
        this->next_state(row, u, z, n);
        if (!keep) return;
        u.store(gate_r, r);
        u.store(gate_z, z);
        u.store(gate_n, n);
        u.store(gate_n + this->h_size, q);
    }
};

// Reset first, part one: r, z and r h.
template <class T>
struct GruReset : GruStep<T> {
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[2]) const {
        T *const gate_r = this->gates(row), *const gate_z = gate_r + this->h_size;
        const Vec<T> r = sigmoid<T>(sum[0] + u.load(gate_r));
        u.store(gate_z, sigmoid<T>(sum[1] + u.load(gate_z)));
        u.store(gate_r, r);
        // The gradient of W_hn reads it for all rows.
        u.store(gate_z + 2 * this->h_size,
                this->live(row) ? r * u.load(this->h_before + row * this->state_row) : Vec<T>{});
    }
};

// Part two: n from W_hn (r h).
template <class T>
struct GruCandidate : GruStep<T> {
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        if (!this->live(row)) return this->stand_still(row, u);
        T *const gate_z = this->gates(row) + this->h_size, *const gate_n = gate_z + this->h_size;
        const Vec<T> n = tanh<T>(sum[0] + u.load(gate_n));
        u.store(gate_n, n);
        this->next_state(row, u, u.load(gate_z), n);
    }
};

template <class T>
struct GruGradient {
    Live live;
    int64_t h_size, state_row, delta_row;
    const T *grad_y, *kept, *h_before;
    T *carry, *delta;
    int64_t columns;  // of delta

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int part = 0; part < 4; part++) u.fetch(kept + (row * 4 + part) * h_size);
        for (const T* state : {h_before, static_cast<const T*>(carry)})
            u.fetch(state + row * state_row);
        if (grad_y) u.fetch(grad_y + row * h_size);
    }
    // The gradient of this step's h; false where the row stands still and it is only passed on.
    TATAMI_INLINE bool incoming(int64_t row, Units<T> u, Vec<T>& dh) const {
        T* const at = carry + row * state_row;
        dh += u.load(at);
        if (live(row)) {
            if (grad_y) dh += u.load(grad_y + row * h_size);
            return true;
        }
        u.store(at, dh);
        for (int64_t c = 0; c < columns; c += h_size)
            u.store(delta + row * delta_row + c, Vec<T>{});
        return false;
    }
};

template <class T>
struct GruBackward : GruGradient<T> {
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        Vec<T> dh = sum[0];
        if (!this->incoming(row, u, dh)) return;
        const int64_t H = this->h_size;
        const T* const gates = this->kept + row * 4 * H;
        const Vec<T> r = u.load(gates), z = u.load(gates + H), n = u.load(gates + 2 * H),
                     q = u.load(gates + 3 * H), h = u.load(this->h_before + row * this->state_row);
        const Vec<T> dn = dh * (T(1) - z) * (T(1) - n * n);
        const Vec<T> dz = dh * (h - n) * z * (T(1) - z);
        const Vec<T> dr = dn * q * r * (T(1) - r);
        u.store(this->carry + row * this->state_row, dh * z);
        T* const to = this->delta + row * this->delta_row;
        u.store(to, dn * r);
        u.store(to + H, dr);
        u.store(to + 2 * H, dz);
        u.store(to + 3 * H, dn);
    }
};

// Reset first, part one: the gradients of z and n.
template <class T>
struct GruCandidateBackward : GruGradient<T> {
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        Vec<T> dh = sum[0];
        if (!this->incoming(row, u, dh)) return;
        const int64_t H = this->h_size;
        const T* const gates = this->kept + row * 4 * H;
        const Vec<T> z = u.load(gates + H), n = u.load(gates + 2 * H),
                     h = u.load(this->h_before + row * this->state_row);
        T* const to = this->delta + row * this->delta_row;
        u.store(to + H, dh * (h - n) * z * (T(1) - z));
        u.store(to + 2 * H, dh * (T(1) - z) * (T(1) - n * n));
        u.store(this->carry + row * this->state_row, dh * z);
    }
};

// Part two: the gradient of r, from that of r h.
template <class T>
struct GruResetBackward : GruGradient<T> {
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        if (!this->live(row)) return;
        const Vec<T> r = u.load(this->kept + row * 4 * this->h_size),
                     h = u.load(this->h_before + row * this->state_row);
        u.store(this->delta + row * this->delta_row, sum[0] * h * r * (T(1) - r));
        T* const at = this->carry + row * this->state_row;
        u.store(at, fma(sum[0], r, u.load(at)));
    }
};

template <class T>
struct GruCell {
    static constexpr int kGates = 3;
    static int64_t panels_size(const Recurrent& p) {
        if (p.kind == RecurrentKind::gru) return TATAMI_ISA::panels_size<T, 3>(p.h, p.h);
        return TATAMI_ISA::panels_size<T, 2>(p.h, p.h) + TATAMI_ISA::panels_size<T, 1>(p.h, p.h);
    }
    static void pack(const Recurrent& p, const T* w_hh, T* panels) {
        if (p.kind == RecurrentKind::gru)
            return pack_panels<T, 3>(panels, {w_hh, 1, p.h}, p.h, p.h);
        pack_panels<T, 2>(panels, {w_hh, 1, p.h}, p.h, p.h);
        pack_panels<T, 1>(panels + TATAMI_ISA::panels_size<T, 2>(p.h, p.h),
                          {w_hh + 2 * p.h * p.h, 1, p.h}, p.h, p.h);
    }
    static int64_t phases(const Recurrent& p) { return p.kind == RecurrentKind::gru ? 1 : 2; }
    static void step(const ForwardFrame<T>& f, int64_t t, int64_t phase, const StepShare& share) {
        const Recurrent& p = f.p;
        const Live live{f.a.lengths, t};
        const GruStep<T> parts{live,          p.h,          p.state_row,  f.h.before(t),
                               f.hidden_bias, f.kept_at(t), f.h.after(t), f.y_at(t)};
        const StepProduct<T> of_h{p.h,      p.h,      f.h.before(t), p.state_row,
                                  f.panels, f.a.w_hh, p.h,           live};
        if (p.kind == RecurrentKind::gru)
            return TATAMI_ISA::step<T, 3>(of_h, share, GruForward<T>{parts, f.a.kept != nullptr});
        if (phase == 0) return TATAMI_ISA::step<T, 2>(of_h, share, GruReset<T>{parts});
        const T* const panels =
            f.panels ? f.panels + TATAMI_ISA::panels_size<T, 2>(p.h, p.h) : nullptr;
        TATAMI_ISA::step<T, 1>({p.h, p.h, parts.kept + 3 * p.h, p.kept_row, panels,
                                f.a.w_hh + 2 * p.h * p.h, p.h, live},
                               share, GruCandidate<T>{parts});
    }
    // In the order of delta's columns.
    static void pack_back(const Recurrent& p, const T* w_hh, T* panels) {
        const int64_t first = p.kind == RecurrentKind::gru ? p.h : 0, rest = p.columns - first;
        pack_panels<T, 1>(panels, {w_hh + rest * p.h, p.h, 1}, p.h, first, p.columns);
        pack_panels<T, 1>(panels + first * kPanel<T>, {w_hh, p.h, 1}, p.h, rest, p.columns);
    }
    static int64_t back_depth(const Recurrent& p) {
        return p.kind == RecurrentKind::gru ? p.columns : 2 * p.h;
    }
    static void back(const BackwardFrame<T>& f, int64_t s, int64_t phase, const StepShare& share) {
        const Recurrent& p = f.p;
        const int64_t t = time_of(p, s);
        const GruGradient<T> parts{
            {f.a.lengths, t}, p.h,           p.state_row, f.delta_row,   f.grad_y_at(t),
            f.kept_at(t),     f.h.before(t), f.carry,     f.delta_at(t), DeltaColumns(p).all};
        const StepProduct<T> later = from_later(f, s, back_depth(p));
        if (p.kind == RecurrentKind::gru)
            return TATAMI_ISA::step<T, 1>(later, share, GruBackward<T>{parts});
        if (phase == 0) return TATAMI_ISA::step<T, 1>(later, share, GruCandidateBackward<T>{parts});
        TATAMI_ISA::step<T, 1>(f.through(t, 2 * p.h, p.h), share, GruResetBackward<T>{parts});
    }
};

template <class T>
RecurrentKernels<T> gru_kernels() {
    return {&forward_sequence<T, GruCell<T>>, &backward_sequence<T, GruCell<T>>};
}
template RecurrentKernels<float> gru_kernels();
template RecurrentKernels<double> gru_kernels();

}  // namespace tatami::TATAMI_ISA
