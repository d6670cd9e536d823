// What the recurrent layers share: buffers, the order of steps, threads, and the products outside
// the loop over time. lstm.cpp, gru.cpp and rnn.cpp supply what a step does.
#pragma once

#include "cpu/step.h"
#include "ops/recurrent.h"

namespace tatami::TATAMI_ISA {

// Projections of x are made for as many steps at once as fit the cores' L2.
inline constexpr int64_t kProjectionBytes = 1 << 20;
// Where the packed recurrent weights fit a core's L2, threads may share the rows and never wait
// for each other.
inline constexpr int64_t kPrivateBytes = 3 << 18;
// Elsewhere every thread has so many shares of a step, for others to take when it is late.
inline constexpr int64_t kShares = 8;

// The states around every step: all of them in the order of t, or the last two.
template <class T>
struct States {
    T* data;
    int64_t slot;  // elements of one state (n, state_row)
    bool all, reverse;

    TATAMI_INLINE T* at(int64_t i) const { return data + (all ? i : i & 1) * slot; }
    TATAMI_INLINE T* before(int64_t t) const { return at(t + reverse); }
    TATAMI_INLINE T* after(int64_t t) const { return at(t + !reverse); }
};

TATAMI_INLINE int64_t time_of(const Recurrent& p, int64_t step) {
    return p.reverse ? p.t - 1 - step : step;
}

// to (rows, columns; row stride to_row) = from, or zeros for nullptr.
template <class T>
void copy_rows(T* to, int64_t to_row, const T* from, int64_t from_row, int64_t rows,
               int64_t columns) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++)
            to[r * to_row + c] = from ? from[r * from_row + c] : T(0);
}

// Calls body(s, share) for the shares of each step s in [0, steps): apart, threads share the rows
// and walk through the steps on their own; else they share the units, step by step.
template <class T, class Body>
void for_steps(const Recurrent& p, int64_t steps, const Body& body) {
    const int64_t work = p.n * p.columns * (p.i + p.h) / kLanes<T>;
    // Apart, half of what a thread reads of the weights was packed by others, once; together, half
    // of what it reads of the states was computed by others, every step.
    const bool apart = p.columns * p.h * int64_t(sizeof(T)) <= kPrivateBytes &&
                       p.columns * (p.i + p.h) < p.t * p.n * p.h;
    const int64_t parts = apart ? min<int64_t>(num_threads(), p.n / 4) : 1;
    if (parts > 1)
        return parallel_for(parts, steps * work, [&](int64_t part, int) {
            const RowRange rows{p.n * part / parts, p.n * (part + 1) / parts};
            for (int64_t s = 0; s < steps; s++) body(s, StepShare{rows, 0, 1});
        });
    const int64_t shares = kShares * num_threads();
    parallel_steps(steps, shares, work,
                   [&](int64_t s, int64_t i) { body(s, StepShare{{0, p.n}, i, shares}); });
}

// ---- Forward.

template <class T>
struct ForwardFrame {
    const Recurrent& p;
    const RecurrentForward<T>& a;
    States<T> h, c;
    const T* panels;       // packed recurrent weights; nullptr for a single step
    const T* bias;         // (columns) added to the projections of x
    const T* hidden_bias;  // (h), gru's b_hn where it is added to W_hn h alone
    T* kept;               // (steps, n, kept_row) from step kept_t on: projections of x, which the
    int64_t kept_t;        // steps may overwrite

    T* kept_at(int64_t t) const { return kept + (t - kept_t) * p.n * p.kept_row; }
    T* y_at(int64_t t) const { return a.y + t * p.n * p.h; }
};

// bias (columns + h): what is added to the projections of x, then what is added to W_hn h.
template <class T>
void merge_biases(const Recurrent& p, const RecurrentForward<T>& a, T* bias) {
    const int64_t apart = p.kind == RecurrentKind::gru ? 2 * p.h : p.columns;
    for (int64_t j = 0; j < p.columns; j++) {
        const T hidden = a.b_hh ? a.b_hh[j] : T(0);
        bias[j] = a.b_ih ? a.b_ih[j] : T(0);
        if (j < apart)
            bias[j] += hidden;
        else
            bias[p.columns + j - apart] = hidden;
    }
}

// The projections of x take their places in what is kept.
template <class T, int GATES>
struct Projection {
    const T* bias;
    T* kept;
    int64_t h_size, kept_row;

    TATAMI_INLINE void fetch(int64_t, Units<T>) const {}
    TATAMI_INLINE void operator()(int64_t row, Units<T> u, const Vec<T> (&sum)[GATES]) const {
        for (int gate = 0; gate < GATES; gate++)
            u.store(kept + row * kept_row + gate * h_size,
                    sum[gate] + u.load(bias + gate * h_size));
    }
};

// kept = x W_ih^T + bias for a share of `steps` steps.
template <class T, int GATES>
void project(const ForwardFrame<T>& f, const T* panels, int64_t steps, const StepShare& share) {
    const Recurrent& p = f.p;
    const StepProduct<T> of_x{p.h, p.i,         f.a.x + f.kept_t * p.n * p.i, p.i, panels, nullptr,
                              p.i, {nullptr, 0}};
    const Projection<T, GATES> finish{f.bias, f.kept, p.h, p.kept_row};
    over_steps<T, GATES>(of_x, steps, p.n, share, finish);
}

// A single step: packing would cost more than the products.
template <class T, class Cell>
void forward_once(const ForwardFrame<T>& f) {
    const Recurrent& p = f.p;
    product<T>(p.n, p.columns, p.i, {f.a.x, p.i, 1}, {f.a.w_ih, 1, p.i},
               {f.kept, p.kept_row, f.bias, Activation::none});
    for (int64_t phase = 0; phase < Cell::phases(p); phase++)
        Cell::step(f, 0, phase, StepShare{{0, p.n}, 0, 1});
}

// `steps` steps from step `first` on, by threads that wait for each other between them.
template <class T, class Cell>
void forward_steps(const ForwardFrame<T>& f, const T* x_panels, int64_t first, int64_t steps) {
    const Recurrent& p = f.p;
    const int64_t phases = Cell::phases(p);
    for_steps<T>(p, 1 + steps * phases, [&](int64_t s, const StepShare& share) {
        if (s == 0) return project<T, Cell::kGates>(f, x_panels, steps, share);
        const int64_t phase = s - 1;
        Cell::step(f, time_of(p, first + phase / phases), phase % phases, share);
    });
}

// Cell<T>: kGates; int64_t panels_size(p); void pack(p, w_hh, panels);
//          int64_t phases(p): products of a step that wait for each other;
//          void step(frame, t, phase, share): states after t, y and what is kept, from the states
//          before.
template <class T, class Cell>
void forward_sequence(const Recurrent& p, const RecurrentForward<T>& a) {
    const bool has_c = p.kind == RecurrentKind::lstm, all = a.h_states != nullptr, once = p.t <= 1;
    const int64_t slot = p.n * p.state_row, step_size = p.n * p.kept_row;
    const int64_t most = kProjectionBytes / max<int64_t>(step_size * sizeof(T), 1);
    const Blocks chunks = even_blocks(p.t, max<int64_t>(most, 1), 1);
    const int64_t sizes[] = {all ? 0 : 4 * slot, a.kept ? 0 : chunks.size * step_size,
                             once ? 0 : Cell::panels_size(p),
                             once ? 0 : panels_size<T, Cell::kGates>(p.h, p.i), p.columns + p.h};
    const memory::Scratch states(sizes[0] * sizeof(T)), kept(sizes[1] * sizeof(T)),
        panels(sizes[2] * sizeof(T)), x_panels(sizes[3] * sizeof(T)), bias(sizes[4] * sizeof(T));

    T* const two = states.as<T>();
    ForwardFrame<T> f{p,
                      a,
                      {all ? a.h_states : two, slot, all, p.reverse},
                      {all ? a.c_states : two + 2 * slot, slot, all, p.reverse},
                      once ? nullptr : panels.as<T>(),
                      bias.as<T>(),
                      bias.as<T>() + p.columns,
                      a.kept ? a.kept : kept.as<T>(),
                      0};
    merge_biases(p, a, bias.as<T>());
    if (!once) {
        Cell::pack(p, a.w_hh, panels.as<T>());
        pack_panels<T, Cell::kGates>(x_panels.as<T>(), {a.w_ih, 1, p.i}, p.h, p.i);
    }
    const int64_t first = p.reverse ? p.t : 0, last = p.reverse ? 0 : p.t;
    copy_rows(f.h.at(first), p.state_row, a.h0, p.h, p.n, p.h);
    if (has_c) copy_rows(f.c.at(first), p.state_row, a.c0, p.h, p.n, p.h);
    if (p.t == 1) forward_once<T, Cell>(f);
    for (int64_t done = 0; done < p.t && !once; done += chunks.size) {
        const int64_t steps = min(chunks.size, p.t - done);
        f.kept_t = p.reverse ? p.t - done - steps : done;
        f.kept = (a.kept ? a.kept + f.kept_t * step_size : kept.as<T>());
        forward_steps<T, Cell>(f, x_panels.as<T>(), done, steps);
    }
    copy_rows<T>(a.h_n, p.h, f.h.at(last), p.state_row, p.n, p.h);
    if (has_c) copy_rows<T>(a.c_n, p.h, f.c.at(last), p.state_row, p.n, p.h);
}

// ---- Backward.

// The gradients of the gates are kept for a stretch of steps that fits the last cache, and used up
// before the next: of so many bytes, or so many rows where that is more.
inline constexpr int64_t kDeltaBytes = 4 << 20;
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
        if (a.grad_b_hh)
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
