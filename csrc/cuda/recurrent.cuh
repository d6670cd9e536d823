// What the recurrent layers share: the projections of x of all steps are one product, then come the
// steps (steps.cuh); the gradients of the weights are one product each after them. lstm.cu, gru.cu
// and rnn.cu supply what the phases of a step do.
#pragma once

#include "cuda/activate.cuh"
#include "cuda/steps.cuh"
#include "ops/recurrent.h"

namespace tatami::cuda {

// to (rows of to_row) = from (rows of from_row), or zeros for nullptr, + more unless nullptr.
template <class To, class From>
struct CopyRows {
    using V = Real<To>;
    To* to;
    int64_t to_row;
    const From* from;
    int64_t from_row;
    const V* more;
    int64_t more_row;
    TATAMI_DEVICE void operator()(int64_t row, int64_t unit) const {
        const V value = from ? V(from[row * from_row + unit]) : V(0);
        to[row * to_row + unit] = more ? value + more[row * more_row + unit] : value;
    }
};

// The states around every step: all of them in the order of t, or the last two.
template <class T>
struct States {
    T* data;
    int64_t slot;  // elements of one state (n, state_row)
    bool all, reverse;

    TATAMI_BOTH T* at(int64_t i) const { return data + (all ? i : i & 1) * slot; }
    TATAMI_BOTH T* before(int64_t t) const { return at(t + reverse); }
    TATAMI_BOTH T* after(int64_t t) const { return at(t + !reverse); }
};

// What both directions know; Arguments: RecurrentForward or RecurrentBackward.
template <class Arguments>
struct Frame {
    Recurrent p;
    Arguments a;

    TATAMI_DEVICE bool live(Place at) const { return !a.lengths || at.t < a.lengths[at.row]; }
    TATAMI_DEVICE int64_t state(Place at) const { return at.row * p.state_row + at.unit; }
    TATAMI_DEVICE int64_t y_index(Place at) const { return (at.t * p.n + at.row) * p.h + at.unit; }
    TATAMI_DEVICE int64_t kept_index(Place at) const {
        return (at.t * p.n + at.row) * p.kept_row + at.unit;
    }
};

// ---- Forward.

// bias: what is added to the projections of x; hidden: to W_hn h alone, where `apart` < columns.
template <class T>
struct MergeBiases {
    using V = Real<T>;
    const T *b_ih, *b_hh;
    int64_t apart;
    V *bias, *hidden;
    TATAMI_DEVICE void operator()(int64_t, int64_t j) const {
        const V of_x = b_ih ? V(b_ih[j]) : V(0), of_h = b_hh ? V(b_hh[j]) : V(0);
        bias[j] = j < apart ? of_x + of_h : of_x;
        if (j >= apart) hidden[j - apart] = of_h;
    }
};

template <class T>
struct ForwardFrame : Frame<RecurrentForward<T>> {
    using V = Real<T>;
    States<T> h, c;         // c for lstm only
    V *bias, *hidden_bias;  // (columns), (h)
    T* kept;                // (t, n, kept_row): projections of x, which the steps may overwrite

    TATAMI_DEVICE T* kept_at(Place at) const { return kept + this->kept_index(at); }
    TATAMI_DEVICE V h_before(Place at) const { return h.before(at.t)[this->state(at)]; }
    TATAMI_DEVICE V c_before(Place at) const { return c.before(at.t)[this->state(at)]; }

    TATAMI_DEVICE void next(Place at, V new_h, V y) const {
        h.after(at.t)[this->state(at)] = new_h;
        this->a.y[this->y_index(at)] = y;
    }
    // Past a row's end.
    TATAMI_DEVICE void stand_still(Place at) const {
        if (c.data) c.after(at.t)[this->state(at)] = c_before(at);
        next(at, h_before(at), V(0));
    }
};

// A phase whose product is that of the state before with all of W_hh.
template <class T, int GATES>
struct ForwardPhase {
    static constexpr int kGates = GATES;
    ForwardFrame<T> f;

    TATAMI_BOTH int64_t depth() const { return f.p.h; }
    TATAMI_BOTH Rows<T> left(int64_t t) const { return {f.h.before(t), f.p.state_row}; }
    TATAMI_BOTH Factor<T, true> weights() const { return {f.a.w_hh, f.p.h, 1}; }
    TATAMI_DEVICE void fetch(Place at) const {
        for (int64_t gate = 0; gate < f.p.gates; gate++) prefetch(f.kept_at(at) + gate * f.p.h);
    }
};

// Phase<T>: as in steps.cuh, made of a ForwardFrame: states after t, y and what is kept, from the
// states before.
template <class T, class... Phase>
void forward_sequence(const Recurrent& p, const RecurrentForward<T>& a) {
    using V = Real<T>;
    const bool has_c = p.kind == RecurrentKind::lstm, all = a.h_states != nullptr;
    const int64_t slot = p.n * p.state_row;
    const int64_t sizes[] = {all ? 0 : (has_c ? 4 : 2) * slot, a.kept ? 0 : p.t * p.n * p.kept_row,
                             p.columns + p.h};
    const Workspace states(size_t(sizes[0]) * sizeof(T)), kept(size_t(sizes[1]) * sizeof(T)),
        biases(size_t(sizes[2]) * sizeof(V));
    T* const two = states.template as<T>();
    V* const bias = biases.template as<V>();
    const States<T> h{all ? a.h_states : two, slot, all, p.reverse};
    const States<T> c{!has_c ? nullptr : all ? a.c_states : two + 2 * slot, slot, all, p.reverse};
    const ForwardFrame<T> f{
        {p, a}, h, c, bias, bias + p.columns, a.kept ? a.kept : kept.template as<T>()};
    const int64_t apart = p.kind == RecurrentKind::gru ? 2 * p.h : p.columns;
    each_unit(1, p.columns, MergeBiases<T>{a.b_ih, a.b_hh, apart, bias, bias + p.columns});
    multiply<T>(
        {p.t * p.n, p.columns, p.i, {a.x, p.i, 1}, {a.w_ih, 1, p.i}, f.kept, p.kept_row, bias});
    const auto copy = [&](T* to, int64_t to_row, const T* from, int64_t from_row) {
        each_unit(p.n, p.h, CopyRows<T, T>{to, to_row, from, from_row, nullptr, 0});
    };
    const int64_t first = p.reverse ? p.t : 0, last = p.reverse ? 0 : p.t;
    copy(h.at(first), p.state_row, a.h0, p.h);
    if (has_c) copy(c.at(first), p.state_row, a.c0, p.h);
    run_steps<T>({p.t, p.n, p.h, p.reverse}, Phase{{f}}...);
    copy(a.h_n, p.h, h.at(last), p.state_row);
    if (has_c) copy(a.c_n, p.h, c.at(last), p.state_row);
}

// ---- Backward.

template <class T>
struct BackwardFrame : Frame<RecurrentBackward<T>> {
    using V = Real<T>;
    States<const T> h, c;
    T *delta, *delta_h;  // (t, n, delta_row): gradients of the gates as the projections of x and
                         // of h enter them; one buffer where they are the same
    V *carry, *carry_c;  // (n, state_row): gradient of the states after a step, less what goes
                         // through the gates of later steps

    TATAMI_DEVICE const T* kept_at(Place at) const { return this->a.kept + this->kept_index(at); }
    TATAMI_DEVICE int64_t delta_at(Place at) const {
        return (at.t * this->p.n + at.row) * this->p.delta_row + at.unit;
    }

    // What the gradient of the state after this step is made of, besides what comes through the
    // gates of later ones.
    struct Incoming {
        V carried, of_y;
        bool live;
    };
    TATAMI_DEVICE Incoming incoming(Place at) const {
        const T* const of_y = this->a.grad_y;
        return {carry[this->state(at)], of_y ? V(of_y[this->y_index(at)]) : V(0), this->live(at)};
    }
    // Past a row's end it is only passed on.
    TATAMI_DEVICE void stand_still(Place at, V dh) const {
        carry[this->state(at)] = dh;
        for (int64_t gate = 0; gate < this->p.gates; gate++) {
            const int64_t to = delta_at(at) + gate * this->p.h;
            delta[to] = delta_h[to] = T(0);
        }
    }
};

// A phase whose product is that of delta_h of the next step in the forward order with W_hh; the
// step after the last one has none.
template <class T>
struct BackwardPhase {
    static constexpr int kGates = 1;
    BackwardFrame<T> f;

    TATAMI_BOTH int64_t depth() const { return f.p.columns; }
    TATAMI_BOTH Rows<T> left(int64_t t) const {
        const int64_t later = f.p.reverse ? t - 1 : t + 1;
        const bool none = later < 0 || later >= f.p.t;
        return {none ? nullptr : f.delta_h + later * f.p.n * f.p.delta_row, f.p.delta_row};
    }
    TATAMI_BOTH Factor<T, false> weights() const { return {f.a.w_hh, 1, f.p.h}; }
    TATAMI_DEVICE void fetch(Place at) const {
        if (f.p.gates > 1)
            for (int gate = 0; gate < 4; gate++) prefetch(f.kept_at(at) + gate * f.p.h);
        prefetch(f.h.before(at.t) + f.state(at));
        if (f.c.data) prefetch(f.c.before(at.t) + f.state(at));
        if (f.a.grad_y) prefetch(f.a.grad_y + f.y_index(at));
    }
};

// x with zeros past the rows' ends, where it may hold a NaN, which times a gradient of zero is one.
template <class T>
struct EndRows {
    T* to;
    const T* x;
    const int64_t* lengths;
    int64_t n, i;
    TATAMI_DEVICE void operator()(int64_t row, int64_t column) const {
        const int64_t at = row * i + column;
        to[at] = row / n < lengths[row % n] ? x[at] : T(0);
    }
};

// Everything that is not recurrent: one product each over all steps.
template <class T>
void finish_gradients(const BackwardFrame<T>& f) {
    const Recurrent& p = f.p;
    const RecurrentBackward<T>& a = f.a;
    const int64_t rows = p.t * p.n;
    multiply<T>({rows, p.i, p.columns, {f.delta, p.delta_row, 1}, {a.w_ih, p.i, 1}, a.grad_x, p.i});
    // grad_w (count, k) = columns [first, first + count) of delta, transposed, times right.
    const auto of_weight = [&](const T* delta, int64_t first, int64_t count, int64_t k,
                               const T* right, int64_t right_row, T* grad_w) {
        multiply<T>({count,
                     k,
                     rows,
                     {delta + first, 1, p.delta_row},
                     {right, right_row, 1},
                     grad_w + first * k,
                     k});
    };
    const Workspace ended(a.lengths ? size_t(rows * p.i) * sizeof(T) : 0);
    T* const own = ended.template as<T>();
    if (a.lengths) each_unit(rows, p.i, EndRows<T>{own, a.x, a.lengths, p.n, p.i});
    of_weight(f.delta, 0, p.columns, p.i, a.lengths ? own : a.x, p.i, a.grad_w_ih);
    const bool before = p.kind == RecurrentKind::gru_reset_before;
    const int64_t of_h = before ? 2 * p.h : p.columns;
    of_weight(f.delta_h, 0, of_h, p.h, f.h.before(0), p.state_row, a.grad_w_hh);
    if (before)  // its last gate saw r h, which it kept
        of_weight(f.delta_h, of_h, p.h, p.h, a.kept + 3 * p.h, p.kept_row, a.grad_w_hh);
    // A row of ones: its product is the sum of rows.
    const Workspace ones(size_t(rows) * sizeof(T));
    fill(rows, T(1), ones.template as<T>());
    const auto of_bias = [&](const T* delta, T* grad_b) {
        if (grad_b)
            multiply<T>({1,
                         p.columns,
                         rows,
                         {ones.template as<T>(), rows, 1},
                         {delta, p.delta_row, 1},
                         grad_b,
                         p.columns});
    };
    of_bias(f.delta, a.grad_b_ih);
    of_bias(f.delta_h, a.grad_b_hh);
}

// First<T>, Next<T>: as in steps.cuh, made of a BackwardFrame: delta of a step and carry, from
// those of the next. The first one's product is also what the first step of all sends back.
template <class T, class First, class... Next>
void backward_sequence(const Recurrent& p, const RecurrentBackward<T>& a) {
    using V = Real<T>;
    const bool two = p.kind == RecurrentKind::gru;
    const int64_t slot = p.n * p.state_row, deltas = p.t * p.n * p.delta_row;
    const Workspace carries(size_t(2 * slot + p.n * p.h) * sizeof(V)),
        both(size_t((two ? 2 : 1) * deltas) * sizeof(T));
    V *const carry = carries.template as<V>(), *const sums = carry + 2 * slot;
    T* const delta = both.template as<T>();
    const BackwardFrame<T> f{
        {p, a},      {a.h_states, slot, true, p.reverse}, {a.c_states, slot, true, p.reverse},
        delta,       delta + (two ? deltas : 0),          carry,
        carry + slot};
    const auto copy = [&]<class To, class From>(To* to, int64_t to_row, const From* from,
                                                int64_t from_row, const V* more) {
        each_unit(p.n, p.h, CopyRows<To, From>{to, to_row, from, from_row, more, p.h});
    };
    copy(f.carry, p.state_row, a.grad_h_n, p.h, nullptr);
    if (a.grad_c0) copy(f.carry_c, p.state_row, a.grad_c_n, p.h, nullptr);
    const Sequence all{p.t, p.n, p.h, !p.reverse};
    const First phase{{f}};
    run_steps<T>(all, phase, Next{{f}}...);
    const bool some = multiply_phase<T>(all, phase, p.reverse ? p.t : -1, sums);
    copy(a.grad_h0, p.h, f.carry, p.state_row, some ? sums : nullptr);
    if (a.grad_c0) copy(a.grad_c0, p.h, f.carry_c, p.state_row, nullptr);
    finish_gradients(f);
}

}  // namespace tatami::cuda
