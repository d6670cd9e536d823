// C (m, n) = A (m, k) · B (k, n) for plain matrices of any size: thin ones by streaming B once, the
// rest by gemm.h. Both give the same bits.
#pragma once

#include "cpu/gemm.h"
#include "cpu/pack.h"
#include "cpu/thin.h"

namespace tatami::TATAMI_ISA {

template <class T>
void product(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a, const MatrixB<T>& b,
             const MatrixC<T>& c) {
    if (m <= kThinRows)
        thin_product(m, n, k, a, b, c);
    else
        gemm<T>(m, n, k, a, b, c);
}

}  // namespace tatami::TATAMI_ISA
