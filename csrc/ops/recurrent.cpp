#include "ops/recurrent.h"

#include "core/check.h"

namespace tatami {

static int64_t gates_of(RecurrentKind kind) {
    switch (kind) {
        case RecurrentKind::lstm:
            return 4;
        case RecurrentKind::gru:
        case RecurrentKind::gru_reset_before:
            return 3;
        default:
            return 1;
    }
}

int64_t Recurrent::padded_row(int64_t n) {
    const int64_t whole = (n + 15) / 16 * 16;
    return whole % 256 ? whole : whole + 16;
}

Recurrent::Recurrent(const char* op, RecurrentKind kind, const Shape& x, const Shape& w_ih,
                     const Shape& w_hh)
    : kind(kind) {
    check(x.rank == 3, op, ": x must be (T, N, I), got shape ", x);
    check(w_hh.rank == 2, op, ": w_hh must be (gates * H, H), got shape ", w_hh);
    check(w_ih.rank == 2, op, ": w_ih must be (gates * H, I), got shape ", w_ih);
    t = x[0], n = x[1], i = x[2], h = w_hh[1];
    gates = gates_of(kind);
    columns = gates * h;
    check(w_hh[0] == columns, op, ": w_hh has shape ", w_hh, " but ", gates, " gates of ", h,
          " hidden units need (", columns, ", ", h, ")");
    check(w_ih[0] == columns && w_ih[1] == i, op, ": w_ih has shape ", w_ih, " but x ", x,
          " and w_hh ", w_hh, " need (", columns, ", ", i, ")");
    state_row = padded_row(h);
    kept_row = gates == 1 ? h : 4 * h;
    delta_row = padded_row(columns);
}

Recurrent Recurrent::cell(const char* op, RecurrentKind kind, const Shape& x, const Shape& w_ih,
                          const Shape& w_hh) {
    check(x.rank == 2, op, ": x must be (N, I), got shape ", x);
    return Recurrent(op, kind, {1, x[0], x[1]}, w_ih, w_hh);
}

void Recurrent::check_bias(const char* op, const char* name, const Shape& bias) const {
    check(bias == Shape{columns}, op, ": ", name, " has shape ", bias, " but ", gates, " gates of ",
          h, " hidden units need (", columns, ",)");
}

void Recurrent::check_state(const char* op, const char* name, const Shape& shape) const {
    check(shape == state(), op, ": ", name, " has shape ", shape, " but a batch of ", n, " with ",
          h, " hidden units needs ", state());
}

void Recurrent::check_y(const char* op, const char* name, const Shape& shape) const {
    check(shape == y(), op, ": ", name, " has shape ", shape, " but y has shape ", y());
}

void Recurrent::check_lengths(const char* op, const Shape& lengths, const int64_t* values) const {
    check(lengths == Shape{n}, op, ": lengths has shape ", lengths, " but a batch of ", n,
          " needs (", n, ",)");
    for (int64_t row = 0; values && row < n; row++)
        check(values[row] >= 0 && values[row] <= t, op, ": lengths[", row, "] is ", values[row],
              " but x has ", t, " steps: it must be in [0, ", t, "]");
}

}  // namespace tatami
