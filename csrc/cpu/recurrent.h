// What the recurrent layers share: buffers, the order of steps, threads, and, forward, the products
// outside the loop over time. lstm.cpp, gru.cpp and rnn.cpp supply what a step does.
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

}  // namespace tatami::TATAMI_ISA
