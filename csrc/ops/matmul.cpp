#include "ops/matmul.h"

#include "core/check.h"
#include "ops/precision.h"

namespace tatami {

bool readable_in_place(const Shape& shape, const int64_t* strides) {
    const int r = shape.rank;
    if (r < 2) return r == 1 && (shape[0] <= 1 || strides[0] == 1);
    for (int i = 0; i < r - 2; i++)
        if (strides[i] < 0) return false;
    const int64_t row = strides[r - 2], column = strides[r - 1];
    return (column == 1 && row >= shape[-1]) || (row == 1 && column >= shape[-2]);
}

Matmul::Matmul(const char* op, const Shape& a, const int64_t* a_strides, const Shape& b,
               const int64_t* b_strides) {
    check(a.rank >= 1, op,
          ": a has no axes; matmul needs at least one (use * to multiply by a number)");
    check(b.rank >= 1, op,
          ": b has no axes; matmul needs at least one (use * to multiply by a number)");
    m = a.rank > 1 ? a[-2] : 1;
    k = a[-1];
    n = b.rank > 1 ? b[-1] : 1;
    const int64_t b_k = b.rank > 1 ? b[-2] : b[0];
    check(k == b_k, op, ": a has ", k, " columns but b has ", b_k, " rows (a ", a, ", b ", b, ")");

    a_layout = {a.rank > 1 ? a_strides[a.rank - 2] : k, a_strides[a.rank - 1], {}};
    b_layout = {b.rank > 1 ? b_strides[b.rank - 2] : b_strides[0],
                b.rank > 1 ? b_strides[b.rank - 1] : 1,
                {}};
    const int a_batch = a.rank > 2 ? a.rank - 2 : 0, b_batch = b.rank > 2 ? b.rank - 2 : 0;
    const int rank = a_batch > b_batch ? a_batch : b_batch;
    for (int i = 0; i < rank; i++) {
        const int ia = i - (rank - a_batch), ib = i - (rank - b_batch);
        const int64_t sa = ia >= 0 ? a[ia] : 1, sb = ib >= 0 ? b[ib] : 1;
        check(sa == sb || sa == 1 || sb == 1, op, ": batch axes of a and b do not broadcast (a ", a,
              ", b ", b, ")");
        batch.append(sa == 1 ? sb : sa);
        a_layout.batch[i] = sa == 1 ? 0 : a_strides[ia];
        b_layout.batch[i] = sb == 1 ? 0 : b_strides[ib];
    }
    batches = batch.elements();
    y = batch;
    if (a.rank > 1) y.append(m);
    if (b.rank > 1) y.append(n);
    tf32 = tf32_allowed();
    fold_batch_into_rows();
}

// Rows of all batches are one tall matrix where b is shared and a's rows are evenly spaced.
void Matmul::fold_batch_into_rows() {
    if (batch.rank == 0 || a_layout.column != 1 || m == 0) return;
    int64_t step = a_layout.row * m;
    for (int i = batch.rank - 1; i >= 0; i--) {
        if (b_layout.batch[i] != 0 || (batch[i] != 1 && a_layout.batch[i] != step)) return;
        step *= batch[i];
    }
    m *= batches;
    batch = {};
    batches = 1;
}

void Matmul::check_bias(const char* op, const Shape& bias) const {
    check(bias.rank == 1 && bias[0] == n, op, ": bias has shape ", bias, " but the product has ", n,
          " columns: bias must be (", n, ",)");
}

}  // namespace tatami
