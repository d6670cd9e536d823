// What the recurrent layers share: the projections of x of all steps are one product, then every
// step is a product with W_hh and a kernel over its units; the gradients of the weights are one
// product each after the loop. lstm.cu, gru.cu and rnn.cu supply what a step does.
#pragma once

#include "cuda/activate.cuh"
#include "cuda/divide.cuh"
#include "cuda/gemm.cuh"
#include "ops/recurrent.h"

namespace tatami::cuda {

template <class T>
Factor<T, true> along_depth(const T* data, int64_t line) {
    return {data, line, 1};
}
template <class T>
Factor<T, false> across_depth(const T* data, int64_t depth) {
    return {data, 1, depth};
}

// A row of ones: its product is the sum of rows.
template <class T>
struct Ones {
    static constexpr bool kAlongDepth = true;
    struct Row {};
    TATAMI_DEVICE Ones batch(int64_t) const { return *this; }
    TATAMI_DEVICE Row row(int64_t) const { return {}; }
    TATAMI_DEVICE T at(Row, int64_t) const { return T(1); }
};

// Rows `row` apart, plus a bias (columns) unless nullptr.
template <class T>
struct RowsOf {
    T* data;
    int64_t row;
    const T* bias;

    struct Column {
        int64_t at;
        T bias;
    };
    TATAMI_DEVICE RowsOf batch(int64_t) const { return *this; }
    TATAMI_DEVICE RowsOf chunk(int64_t) const { return *this; }
    TATAMI_DEVICE Column column(int64_t c) const { return {c, bias ? bias[c] : T(0)}; }
    TATAMI_DEVICE void store(int64_t r, Column c, T value) const {
        data[r * row + c.at] = value + c.bias;
    }
};

// work(row, unit), a thread each.
template <class Work>
__global__ void for_units(int64_t count, Divider by_units, Work work) {
    const int64_t i = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    if (i >= count) return;
    int64_t unit;
    const int64_t row = by_units.split(i, unit);
    work(row, unit);
}

template <class Work>
void each_unit(int64_t rows, int64_t units, const Work& work) {
    const int64_t count = rows * units;
    if (count <= 0) return;
    launch({dim3(unsigned((count + kMapThreads - 1) / kMapThreads)), dim3(kMapThreads)},
           &for_units<Work>, count, Divider(units), work);
}

// to (rows of to_row) = from (rows of from_row), or zeros for nullptr, + more unless nullptr.
template <class T>
struct CopyRows {
    T* to;
    int64_t to_row;
    const T* from;
    int64_t from_row;
    const T* more;
    int64_t more_row;
    TATAMI_DEVICE void operator()(int64_t row, int64_t unit) const {
        const T value = from ? from[row * from_row + unit] : T(0);
        to[row * to_row + unit] = more ? value + more[row * more_row + unit] : value;
    }
};

// Which rows a step belongs to.
struct Live {
    const int64_t* lengths;
    int64_t t;
    TATAMI_DEVICE bool operator()(int64_t row) const { return !lengths || t < lengths[row]; }
};

// The states around every step: all of them in the order of t, or the last two.
template <class T>
struct States {
    T* data;
    int64_t slot;  // elements of one state (n, state_row)
    bool all, reverse;

    T* at(int64_t i) const { return data + (all ? i : i & 1) * slot; }
    T* before(int64_t t) const { return at(t + reverse); }
    T* after(int64_t t) const { return at(t + !reverse); }
};

inline int64_t time_of(const Recurrent& p, int64_t step) {
    return p.reverse ? p.t - 1 - step : step;
}

// ---- Forward.

// bias: what is added to the projections of x; hidden: to W_hn h alone, where `apart` < columns.
template <class T>
struct MergeBiases {
    const T *b_ih, *b_hh;
    int64_t apart;
    T *bias, *hidden;
    TATAMI_DEVICE void operator()(int64_t, int64_t j) const {
        const T of_x = b_ih ? b_ih[j] : T(0), of_h = b_hh ? b_hh[j] : T(0);
        bias[j] = j < apart ? of_x + of_h : of_x;
        if (j >= apart) hidden[j - apart] = of_h;
    }
};

template <class T>
struct ForwardFrame {
    const Recurrent& p;
    const RecurrentForward<T>& a;
    States<T> h, c;
    T *bias, *hidden_bias;  // (columns), (h)
    T* kept;                // (t, n, kept_row): projections of x, which the steps may overwrite
    T* sums;                // (n, columns)

    T* kept_at(int64_t t) const { return kept + t * p.n * p.kept_row; }
    T* y_at(int64_t t) const { return a.y + t * p.n * p.h; }

    // sums (n, count) = left (n, h) · rows [first, first + count) of W_hh, transposed.
    void multiply(const T* left, int64_t left_row, int64_t first, int64_t count) const {
        gemm<T>(p.n, count, p.h, 1, along_depth(left, left_row),
                along_depth(a.w_hh + first * p.h, p.h), RowsOf<T>{sums, count, nullptr});
    }
};

// Cell<T>: void step(frame, t): states after t, y and what is kept, from the states before.
template <class T, class Cell>
void forward_sequence(const Recurrent& p, const RecurrentForward<T>& a) {
    const bool has_c = p.kind == RecurrentKind::lstm, all = a.h_states != nullptr;
    const int64_t slot = p.n * p.state_row;
    const int64_t sizes[] = {all ? 0 : 4 * slot, a.kept ? 0 : p.t * p.n * p.kept_row,
                             p.n * p.columns, p.columns + p.h};
    const Workspace states(size_t(sizes[0]) * sizeof(T)), kept(size_t(sizes[1]) * sizeof(T)),
        sums(size_t(sizes[2]) * sizeof(T)), biases(size_t(sizes[3]) * sizeof(T));
    T *const two = states.template as<T>(), *const bias = biases.template as<T>();
    const ForwardFrame<T> f{p,
                            a,
                            {all ? a.h_states : two, slot, all, p.reverse},
                            {all ? a.c_states : two + 2 * slot, slot, all, p.reverse},
                            bias,
                            bias + p.columns,
                            a.kept ? a.kept : kept.template as<T>(),
                            sums.template as<T>()};
    const int64_t apart = p.kind == RecurrentKind::gru ? 2 * p.h : p.columns;
    each_unit(1, p.columns, MergeBiases<T>{a.b_ih, a.b_hh, apart, bias, bias + p.columns});
    gemm<T>(p.t * p.n, p.columns, p.i, 1, along_depth(a.x, p.i), along_depth(a.w_ih, p.i),
            RowsOf<T>{f.kept, p.kept_row, bias});
    const auto copy = [&](T* to, int64_t to_row, const T* from, int64_t from_row) {
        each_unit(p.n, p.h, CopyRows<T>{to, to_row, from, from_row, nullptr, 0});
    };
    const int64_t first = p.reverse ? p.t : 0, last = p.reverse ? 0 : p.t;
    copy(f.h.at(first), p.state_row, a.h0, p.h);
    if (has_c) copy(f.c.at(first), p.state_row, a.c0, p.h);
    for (int64_t s = 0; s < p.t; s++) Cell::step(f, time_of(p, s));
    copy(a.h_n, p.h, f.h.at(last), p.state_row);
    if (has_c) copy(a.c_n, p.h, f.c.at(last), p.state_row);
}

// ---- Backward.

template <class T>
struct BackwardFrame {
    const Recurrent& p;
    const RecurrentBackward<T>& a;
    States<const T> h, c;
    T *delta, *delta_h;  // (t, n, delta_row): gradients of the gates as the projections of x and
                         // of h enter them; one buffer where they are the same
    T *carry, *carry_c;  // (n, state_row): gradient of the states after a step, less what goes
                         // through the gates of later steps
    T* sums;             // (n, h)

    const T* kept_at(int64_t t) const { return a.kept + t * p.n * p.kept_row; }
    int64_t delta_at(int64_t t) const { return t * p.n * p.delta_row; }
    const T* grad_y_at(int64_t t) const { return a.grad_y ? a.grad_y + t * p.n * p.h : nullptr; }

    // delta_h of step t, columns `first` to `first + depth`, times those rows of W_hh.
    const T* through(int64_t t, int64_t first, int64_t depth) const {
        gemm<T>(p.n, p.h, depth, 1, along_depth(delta_h + delta_at(t) + first, p.delta_row),
                across_depth(a.w_hh + first * p.h, p.h), RowsOf<T>{sums, p.h, nullptr});
        return sums;
    }
    // What a step's gradient starts from: the sums of the step that follows it in the forward
    // order, over the first `depth` gates; nullptr for the last step.
    const T* from_later(int64_t step, int64_t depth) const {
        return step + 1 < p.t ? through(time_of(p, step + 1), 0, depth) : nullptr;
    }
};

// Everything that is not recurrent: one product each over all steps.
template <class T>
void finish_gradients(const BackwardFrame<T>& f) {
    const Recurrent& p = f.p;
    const RecurrentBackward<T>& a = f.a;
    const int64_t rows = p.t * p.n;
    gemm<T>(rows, p.i, p.columns, 1, along_depth<T>(f.delta, p.delta_row),
            across_depth(a.w_ih, p.i), RowsOf<T>{a.grad_x, p.i, nullptr});
    // grad_w (count, k) = columns [first, first + count) of delta, transposed, times right.
    const auto of_weight = [&](const T* delta, int64_t first, int64_t count, int64_t k,
                               const T* right, int64_t right_row, T* grad_w) {
        gemm<T>(count, k, rows, 1, across_depth(delta + first, p.delta_row),
                across_depth(right, right_row), RowsOf<T>{grad_w + first * k, k, nullptr});
    };
    of_weight(f.delta, 0, p.columns, p.i, a.x, p.i, a.grad_w_ih);
    const bool before = p.kind == RecurrentKind::gru_reset_before;
    const int64_t of_h = before ? 2 * p.h : p.columns;
    of_weight(f.delta_h, 0, of_h, p.h, f.h.before(0), p.state_row, a.grad_w_hh);
    if (before)  // its last gate saw r h, which it kept
        of_weight(f.delta_h, of_h, p.h, p.h, a.kept + 3 * p.h, p.kept_row, a.grad_w_hh);
    const auto of_bias = [&](const T* delta, T* grad_b) {
        if (grad_b)
            gemm<T>(1, p.columns, rows, 1, Ones<T>{}, across_depth(delta, p.delta_row),
                    RowsOf<T>{grad_b, p.columns, nullptr});
    };
    of_bias(f.delta, a.grad_b_ih);
    of_bias(f.delta_h, a.grad_b_hh);
}

// Cell<T>: void back(frame, step): delta of that step and carry, from those of the next;
//          int64_t back_depth(p): columns of delta that go through W_hh at once.
template <class T, class Cell>
void backward_sequence(const Recurrent& p, const RecurrentBackward<T>& a) {
    const bool two = p.kind == RecurrentKind::gru;
    const int64_t slot = p.n * p.state_row, deltas = p.t * p.n * p.delta_row;
    const Workspace workspace(size_t((two ? 2 : 1) * deltas + 2 * slot + p.n * p.h) * sizeof(T));
    T* const carry = workspace.template as<T>();
    T* const delta = carry + 2 * slot;
    T* const delta_h = delta + (two ? deltas : 0);
    const BackwardFrame<T> f{p,
                             a,
                             {a.h_states, slot, true, p.reverse},
                             {a.c_states, slot, true, p.reverse},
                             delta,
                             delta_h,
                             carry,
                             carry + slot,
                             delta_h + deltas};
    const auto copy = [&](T* to, int64_t to_row, const T* from, int64_t from_row, const T* more) {
        each_unit(p.n, p.h, CopyRows<T>{to, to_row, from, from_row, more, p.h});
    };
    copy(f.carry, p.state_row, a.grad_h_n, p.h, nullptr);
    copy(f.carry_c, p.state_row, a.grad_c_n, p.h, nullptr);
    for (int64_t s = p.t - 1; s >= 0; s--) Cell::back(f, s);
    copy(a.grad_h0, p.h, f.carry, p.state_row, f.from_later(-1, Cell::back_depth(p)));
    if (a.grad_c0) copy(a.grad_c0, p.h, f.carry_c, p.state_row, nullptr);
    finish_gradients(f);
}

}  // namespace tatami::cuda
