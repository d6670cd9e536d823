// What an LSTM does with the sums of a step: gates i f g o, state (h, c). All is computed in T; h,
// the results and what the gradient needs are stored as S.
#pragma once

#include "cpu/math.h"
#include "cpu/step.h"

namespace tatami::TATAMI_ISA {

// From W_hh h to the next state.
template <class T, class S = T>
struct LstmForward {
    Live live;
    int64_t h_size, state_row;
    const T* gates;     // (n, 4, h): projections of x
    const S* h_before;  // (n, state_row), as all states
    const T* c_before;
    S* h;
    T* c;
    S* y;          // (n, h)
    S* kept;       // (n, 4, h), which may be `gates`, or nullptr: not needed
    S* rounded_c;  // c once more, or nullptr

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int gate = 0; gate < 4; gate++) u.fetch(gates + (row * 4 + gate) * h_size);
        u.fetch(c_before + row * state_row);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[4]) const {
        const int64_t state = row * state_row;
        if (!live(row)) {
            u.store(h + state, u.load(h_before + state));
            store_c(state, u, u.load(c_before + state));
            return u.store(y + row * h_size, Vec<T>{});
        }
        const T* const x = gates + row * 4 * h_size;
        const Vec<T> i = sigmoid<T>(sum[0] + u.load(x));
        const Vec<T> f = sigmoid<T>(sum[1] + u.load(x + h_size));
        const Vec<T> g = tanh<T>(sum[2] + u.load(x + 2 * h_size));
        const Vec<T> o = sigmoid<T>(sum[3] + u.load(x + 3 * h_size));
        const Vec<T> new_c = fma(f, u.load(c_before + state), i * g);
        const Vec<T> new_h = o * tanh<T>(new_c);
        store_c(state, u, new_c);
        u.store(h + state, new_h);
        u.store(y + row * h_size, new_h);
        if (!kept) return;
        S* const to = kept + row * 4 * h_size;
        u.store(to, i);
        u.store(to + h_size, f);
        u.store(to + 2 * h_size, g);
        u.store(to + 3 * h_size, o);
    }

  private:
    TATAMI_INLINE void store_c(int64_t state, Units<T> u, Vec<T> v) const {
        u.store(c + state, v);
        if (rounded_c) u.store(rounded_c + state, v);
    }
};

// From the next step's share of dh to the gradients of this step's gates before their functions.
template <class T, class S = T>
struct LstmBackward {
    Live live;
    int64_t h_size, state_row, delta_row;
    const S *grad_y, *kept;  // (n, h) or nullptr, (n, 4, h)
    const S *c_before, *c;   // (n, state_row)
    T *carry, *carry_c;      // (n, state_row)
    S* delta;                // (n, delta_row)

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const {
        for (int gate = 0; gate < 4; gate++) u.fetch(kept + (row * 4 + gate) * h_size);
        for (const S* state : {c_before, c}) u.fetch(state + row * state_row);
        for (const T* state : {carry, carry_c}) u.fetch(state + row * state_row);
        if (grad_y) u.fetch(grad_y + row * h_size);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        S* const to = delta + row * delta_row;
        T *const dh_at = carry + row * state_row, *const dc_at = carry_c + row * state_row;
        Vec<T> dh = sum[0] + u.load(dh_at);
        if (!live(row)) {
            u.store(dh_at, dh);
            for (int gate = 0; gate < 4; gate++) u.store(to + gate * h_size, Vec<T>{});
            return;
        }
        u.store(dh_at, Vec<T>{});
        if (grad_y) dh += u.load(grad_y + row * h_size);
        const S* const gates = kept + row * 4 * h_size;
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

}  // namespace tatami::TATAMI_ISA
