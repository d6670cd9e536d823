// Recurrent layers over a sequence x (t, n, i), h hidden units, state from step to step:
//   rnn   h' = f(a)                                          a = W_ih x + b_ih + W_hh h + b_hh
//   lstm  c' = s(f) c + s(i) tanh(g), h' = s(o) tanh(c')     i f g o: the four parts of a
//   gru   h' = (1 - z) n + z h                               r z: s of their parts of a
//         n = tanh(W_in x + b_in + r (W_hn h + b_hn))        reset after the product (PyTorch's)
//         n = tanh(W_in x + b_in + W_hn (r h) + b_hn)        reset before it
// with s the logistic function. Row n has lengths[n] steps: past them y is 0 and the state stands
// still; reverse reads every row from its own last step to its first.
#pragma once

#include "core/array.h"
#include "core/kernel.h"

namespace tatami {

enum class RecurrentKind : uint8_t { lstm, gru, gru_reset_before, rnn_tanh, rnn_relu };

struct Recurrent {
    // x (t, n, i), w_ih (gates h, i), w_hh (gates h, h); `op` is the operator's name for messages.
    Recurrent(const char* op, RecurrentKind kind, const Shape& x, const Shape& w_ih,
              const Shape& w_hh);
    // One step: x (n, i).
    static Recurrent cell(const char* op, RecurrentKind kind, const Shape& x, const Shape& w_ih,
                          const Shape& w_hh);

    RecurrentKind kind;
    bool reverse = false;
    int64_t t, n, i, h;
    int64_t gates;    // 4, 3 or 1
    int64_t columns;  // gates h
    // Rows of buffers, in elements.
    int64_t state_row;  // >= h
    int64_t kept_row;   // what a step keeps of a row for the gradient: lstm i f g o, gru r z n and
                        // W_hn h + b_hn (or r h), of h each; rnn a
    int64_t delta_row;  // >= columns: gradients of the gates of a row

    // Whole cache lines, and no multiple of 1 KiB: rows that a tile reads side by side would share
    // their sets of the cache.
    static int64_t padded_row(int64_t n);

    Shape y() const { return {t, n, h}; }
    Shape state() const { return {n, h}; }

    void check_bias(const char* op, const char* name, const Shape& bias) const;    // (gates h,)
    void check_state(const char* op, const char* name, const Shape& state) const;  // (n, h)
    void check_y(const char* op, const char* name, const Shape& y) const;          // (t, n, h)
    // (n,), each in [0, t]
    // values: nullptr where they are out of reach, on a GPU.
    void check_lengths(const char* op, const Shape& lengths, const int64_t* values) const;
};

// Biases, first states and lengths may be nullptr: zeros, and all rows of length t.
template <class T>
struct RecurrentForward {
    const T *x, *w_ih, *w_hh;  // (t, n, i), (gates h, i), (gates h, h)
    const T *b_ih, *b_hh;      // (gates h)
    const T *h0, *c0;          // (n, h); c for lstm only
    const int64_t* lengths;    // (n)
    T *y, *h_n, *c_n;          // (t, n, h), (n, h), (n, h); y may be h_n where t is 1
    // What the gradient needs, or nullptr: the states before and after each step in the order of t
    // (t + 1, n, state_row), c for lstm only, and what each step keeps (t, n, kept_row), which rnn
    // does not need.
    T *h_states, *c_states, *kept;
};

// Incoming gradients may be nullptr: zeros.
template <class T>
struct RecurrentBackward {
    const T *grad_y, *grad_h_n, *grad_c_n;  // (t, n, h), (n, h), (n, h)
    const T *x, *w_ih, *w_hh;               // as forward
    const int64_t* lengths;                 // as forward
    const T *h_states, *c_states, *kept;    // as forward left them
    T *grad_x, *grad_w_ih, *grad_w_hh;      // of the shapes of x, w_ih, w_hh
    T *grad_b_ih, *grad_b_hh;               // (gates h) or nullptr: not wanted
    T *grad_h0, *grad_c0;                   // (n, h)
};

template <class T>
struct RecurrentKernels {
    Kernel<void(const Recurrent& p, const RecurrentForward<T>& a)> forward;
    Kernel<void(const Recurrent& p, const RecurrentBackward<T>& a)> backward;
};

}  // namespace tatami
