// The gradients of the recurrent layers: back through time stretch by stretch, each followed by its
// products outside the loop. lstm.cpp, gru.cpp and rnn.cpp supply what a step does.
#pragma once

#include "cpu/recurrent.h"

namespace tatami::TATAMI_ISA {

// The gradients of the gates are kept for a stretch of steps that fits the last cache, and used up
// before the next: of so many bytes, or so many rows where that is more.
inline constexpr int64_t kDeltaBytes = 2 << 20;
inline constexpr int64_t kDeltaRows = kDepth;

// Columns of delta that are neighbours, and the rows of W_hh that they belong to.
struct GatePart {
    int64_t first, count, gate_row;
};

// A row of delta: the gradients of the gates as the projections of h enter, then as those of x do,
// which share all columns but in a GRU that resets after the product: n times r, r, z, n.
struct DeltaColumns {
    int64_t x, all;    // the first of those of x, and how many there are
    GatePart of_h[2];  // a GRU's r and z, n; else all, none

    explicit DeltaColumns(const Recurrent& p)
        : x(p.kind == RecurrentKind::gru ? p.h : 0), all(x + p.columns) {
        const int64_t split = p.gates == 3 ? 2 * p.h : p.columns;
        of_h[0] = {x, split, 0};
        of_h[1] = {x ? 0 : split, p.columns - split, split};
    }
};

template <class T>
struct BackwardFrame {
    const Recurrent& p;
    const RecurrentBackward<T>& a;
    States<const T> h, c;
    const T* panels;  // packed W_hh: rows are columns of delta, columns units
    T* delta;         // (steps + 2, n, delta_row) from step first_t - 1 on
    int64_t delta_row;
    T *carry, *carry_c;  // (n, state_row): gradient of the states after a step, less what goes
                         // through the gates of later steps
    int64_t first_t = 0, steps = 0;  // the stretch that delta holds, and a neighbour on both sides
    bool begun = false;              // sums hold those of other stretches

    const T* kept_at(int64_t t) const { return a.kept + t * p.n * p.kept_row; }
    T* delta_at(int64_t t) const { return delta + (t - first_t + 1) * p.n * delta_row; }
    const T* grad_y_at(int64_t t) const { return a.grad_y ? a.grad_y + t * p.n * p.h : nullptr; }

    // delta of step t, columns `first` to `first + depth`, times those rows of W_hh.
    StepProduct<T> through(int64_t t, int64_t first, int64_t depth) const {
        return {p.h,     depth,     delta_at(t) + first, delta_row, panels + first * kPanel<T>,
                nullptr, p.columns, {a.lengths, t}};
    }
};

// What a step's gradient starts from: the sums of the step that follows it in the forward order,
// over the first `depth` gates; none for the last step.
template <class T>
StepProduct<T> from_later(const BackwardFrame<T>& f, int64_t step, int64_t depth) {
    const bool last = step + 1 >= f.p.t;
    return f.through(last ? f.first_t : time_of(f.p, step + 1), 0, last ? 0 : depth);
}

// sum (columns) = or += those of delta (rows, columns; row stride `stride`), by blocks of rows so
// that the error grows slowly; computed in T.
template <class T, class S>
void sum_rows(const S* delta, int64_t stride, int64_t rows, int64_t columns, S* sum,
              bool add = false) {
    constexpr int64_t block = 64;
    constexpr int kVectors = 4;  // long runs of a row
    constexpr int64_t width = kVectors * kLanes<T>;
    parallel_for(ceil_div(columns, width), rows * columns / kLanes<T>, [&](int64_t task, int) {
        Units<T> units[kVectors];
        Vec<T> total[kVectors] = {};
        for (int v = 0; v < kVectors; v++) {
            const int64_t first = task * width + v * kLanes<T>;
            units[v] = {first, max<int64_t>(min<int64_t>(kLanes<T>, columns - first), 0)};
        }
        for (int64_t r0 = 0; r0 < rows; r0 += block) {
            Vec<T> part[kVectors] = {};
            for (int64_t r = r0; r < min(rows, r0 + block); r++)
#pragma GCC unroll 4
                for (int v = 0; v < kVectors; v++) part[v] += units[v].load(delta + r * stride);
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; v++) total[v] += part[v];
        }
        for (int v = 0; v < kVectors; v++)
            units[v].store(sum, add ? total[v] + units[v].load(sum) : total[v]);
    });
}

// x of `steps` steps from first_t on, with zeros past the rows' ends, where it may hold a NaN,
// which times a gradient of zero is one.
template <class T>
class EndedRows {
  public:
    EndedRows(const Recurrent& p, const RecurrentBackward<T>& a, int64_t first_t, int64_t steps)
        : x_(a.x + first_t * p.n * p.i),
          own_(a.lengths ? size_t(steps * p.n * p.i) * sizeof(T) : 0) {
        if (!a.lengths) return;
        const T* const from = x_;
        T* const own = own_.template as<T>();
        parallel_for(steps * p.n, steps * p.n * p.i / kLanes<T>, [&](int64_t row, int) {
            if (first_t + row / p.n < a.lengths[row % p.n])
                std::memcpy(own + row * p.i, from + row * p.i, size_t(p.i) * sizeof(T));
            else
                std::memset(own + row * p.i, 0, size_t(p.i) * sizeof(T));
        });
        x_ = own;
    }
    const T* data() const { return x_; }

  private:
    const T* x_;
    const memory::Scratch own_;
};

// grad_w (count, k) = or += columns [first, first + count) of delta, transposed, times `right`
// (steps n, k; row stride right_row).
template <class T>
void add_weights(const BackwardFrame<T>& f, int64_t first, int64_t count, const T* right,
                 int64_t right_row, int64_t k, T* grad_w) {
    const MatrixC<T> sums{grad_w, k, nullptr, Activation::none};
    add_product<T>(count, k, f.steps * f.p.n, {f.delta_at(f.first_t) + first, 1, f.delta_row},
                   {right, right_row, 1}, sums, f.begun);
}

// The stretch's gradient of x, and what it adds to those of the weights and biases.
template <class T>
void finish_stretch(const BackwardFrame<T>& f) {
    const Recurrent& p = f.p;
    const RecurrentBackward<T>& a = f.a;
    const int64_t rows = f.steps * p.n;
    const DeltaColumns columns(p);
    const T *const h = f.h.before(f.first_t), *const delta = f.delta_at(f.first_t);
    product<T>(rows, p.i, p.columns, {delta + columns.x, f.delta_row, 1}, {a.w_ih, p.i, 1},
               {a.grad_x + f.first_t * p.n * p.i, p.i, nullptr, Activation::none});
    const EndedRows<T> x(p, a, f.first_t, f.steps);
    add_weights(f, columns.x, p.columns, x.data(), p.i, p.i, a.grad_w_ih);
    if (a.grad_b_ih)
        sum_rows<T>(delta + columns.x, f.delta_row, rows, p.columns, a.grad_b_ih, f.begun);
    for (const GatePart& part : columns.of_h) {
        // Where the reset comes first, the last gate saw r h, which it kept.
        const bool kept = p.kind == RecurrentKind::gru_reset_before && part.gate_row;
        add_weights(f, part.first, part.count, kept ? f.kept_at(f.first_t) + 3 * p.h : h,
                    kept ? p.kept_row : p.state_row, p.h, a.grad_w_hh + part.gate_row * p.h);
        if (a.grad_b_hh && a.grad_b_ih && !part.gate_row)  // the same columns
            std::memcpy(a.grad_b_hh, a.grad_b_ih, size_t(part.count) * sizeof(T));
        else if (a.grad_b_hh)
            sum_rows<T>(delta + part.first, f.delta_row, rows, part.count,
                        a.grad_b_hh + part.gate_row, f.begun);
    }
}

// grad_h0 = what the first step sends back.
template <class T, class S = T>
struct FirstState {
    const T* carry;
    int64_t carry_row;
    S* grad_h0;
    int64_t h;

    TATAMI_INLINE void fetch(int64_t row, Units<T> u) const { u.fetch(carry + row * carry_row); }
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[1]) const {
        u.store(grad_h0 + row * h, sum[0] + u.load(carry + row * carry_row));
    }
};

// The steps of a stretch, of which `done` come after it.
template <class T, class Cell>
void backward_steps(const BackwardFrame<T>& f, int64_t done) {
    const Recurrent& p = f.p;
    const int64_t phases = Cell::phases(p), last = f.steps * phases;
    const bool to_start = done + f.steps == p.t;
    for_steps<T>(p, last + to_start, [&](int64_t s, const StepShare& share) {
        if (s < last) return Cell::back(f, p.t - 1 - done - s / phases, s % phases, share);
        step<T, 1>(from_later(f, -1, Cell::back_depth(p)), share,
                   FirstState<T>{f.carry, p.state_row, f.a.grad_h0, p.h});
    });
}

// Cell<T>: void pack_back(p, w_hh, panels);
//          void back(frame, step, phase, share): delta of that step and carry, from those of the
//          next;
//          int64_t back_depth(p): columns of delta that go through W_hh at once.
template <class T, class Cell>
void backward_sequence(const Recurrent& p, const RecurrentBackward<T>& a) {
    const int64_t slot = p.n * p.state_row, delta_row = Recurrent::padded_row(DeltaColumns(p).all),
                  delta_slot = p.n * delta_row;
    const int64_t most = max(kDeltaBytes / max<int64_t>(delta_slot * sizeof(T), 1),
                             ceil_div(kDeltaRows, max<int64_t>(p.n, 1)));
    const Blocks stretches = even_blocks(p.t, most, 1);
    const memory::Scratch panels(panels_size<T, 1>(p.h, p.columns) * sizeof(T)),
        delta((stretches.size + 2) * delta_slot * sizeof(T)), carry(2 * slot * sizeof(T));
    BackwardFrame<T> f{p,
                       a,
                       {a.h_states, slot, true, p.reverse},
                       {a.c_states, slot, true, p.reverse},
                       panels.as<T>(),
                       delta.as<T>(),
                       delta_row,
                       carry.as<T>(),
                       carry.as<T>() + slot};
    Cell::pack_back(p, a.w_hh, panels.as<T>());
    copy_rows(f.carry, p.state_row, a.grad_h_n, p.h, p.n, p.h);
    copy_rows(f.carry_c, p.state_row, a.grad_c_n, p.h, p.n, p.h);
    for (int64_t i = 0; i < stretches.count; i++) {
        const int64_t done = i * stretches.size, steps = min(stretches.size, p.t - done);
        const T* const later = i ? f.delta_at(time_of(p, p.t - done)) : nullptr;
        f.first_t = p.reverse ? done : p.t - done - steps;
        f.steps = steps;
        if (i) std::memcpy(f.delta_at(time_of(p, p.t - done)), later, delta_slot * sizeof(T));
        backward_steps<T, Cell>(f, done);
        finish_stretch(f);
        f.begun = true;
    }
    if (a.grad_c0) copy_rows<T>(a.grad_c0, p.h, f.carry_c, p.state_row, p.n, p.h);
}

}  // namespace tatami::TATAMI_ISA
