// C (m, n) = A (m, k) · B (k, n) for plain matrices of any size: thin ones by streaming B once, the
// rest by gemm.h. All give the same bits.
#pragma once

#include "cpu/gemm.h"
#include "cpu/pack.h"
#include "cpu/thin.h"

namespace tatami::TATAMI_ISA {

// Whether C^T = B^T · A^T takes fewer multiply-adds of vectors, as where ten columns would leave
// lanes idle. Each vector of C^T is transposed at the end of each block of k, which costs as much
// as kTurn of them.
template <class T>
TATAMI_INLINE bool turning_pays(int64_t m, int64_t n, int64_t k) {
    constexpr int64_t kTurn = 16;
    const int64_t turned = n * ceil_div(m, kLanes<T>), plain = m * ceil_div(n, kLanes<T>);
    return turned * (k + kTurn * ceil_div(k, kDepth)) < plain * k;
}

template <class T>
void product(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a, const MatrixB<T>& b,
             const MatrixC<T>& c) {
    if (m <= kThinRows) return thin_product(m, n, k, a, b, c);
    if (!turning_pays<T>(m, n, k)) return gemm<T>(m, n, k, a, b, c);
    const MatrixA<T> left{b.data, b.column_stride, b.row_stride};
    const MatrixB<T> right{a.data, a.column_stride, a.row_stride};
    gemm<T>(n, m, k, left, right,
            MatrixC<T>{c.data, c.row_stride, c.column_bias, c.activation, true});
}

}  // namespace tatami::TATAMI_ISA
