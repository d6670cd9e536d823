// C (m, n) = A (m, k) · B (k, n) for plain matrices of any size: thin ones by streaming B once, the
// rest by gemm.h. All give the same bits.
#pragma once

#include "cpu/gemm.h"
#include "cpu/pack.h"
#include "cpu/thin.h"

namespace tatami::TATAMI_ISA {

// Whether C^T = B^T · A^T costs less: multiply-adds of vectors, fewer where ten columns would leave
// lanes idle, and packing, as plan.h counts it, where both factors lie along C as in the gradient
// of weights. Each vector of C^T is transposed at the end of each block of k, which costs as much
// as kTurn multiply-adds.
template <class T>
TATAMI_INLINE bool turning_pays(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a,
                                const MatrixB<T>& b) {
    constexpr int64_t kTurn = 16, lanes = kLanes<T>;
    const bool along_c = a.row_stride == 1 && b.column_stride == 1;
    const int64_t packing = along_c ? kPackColumns - kPackRows : 0;
    const int64_t turned = n * (round_up(m, lanes) + packing),
                  plain = m * (round_up(n, lanes) + packing);
    return turned * k + n * m * kTurn * ceil_div(k, kDepth) < plain * k;
}

// C = A · B, or C + A · B, which goes on where the sums in C ended.
template <class T>
void add_product(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a, const MatrixB<T>& b,
                 const MatrixC<T>& c, bool add) {
    if (!turning_pays<T>(m, n, k, a, b)) return gemm<T>(m, n, k, a, b, c, add);
    const MatrixA<T> left{b.data, b.column_stride, b.row_stride};
    const MatrixB<T> right{a.data, a.column_stride, a.row_stride};
    gemm<T>(n, m, k, left, right,
            MatrixC<T>{c.data, c.row_stride, c.column_bias, c.activation, true}, add);
}

template <class T>
void product(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a, const MatrixB<T>& b,
             const MatrixC<T>& c) {
    if (m <= kThinRows) return thin_product(m, n, k, a, b, c);
    add_product<T>(m, n, k, a, b, c, false);
}

}  // namespace tatami::TATAMI_ISA
