// C (m, n) = A (m, k) · B (k, n) for plain matrices of bfloat16 of any size.
#pragma once

#include "cpu/bfloat16/thin.h"
#include "cpu/gemm.h"

namespace tatami::TATAMI_ISA {

// A panel of this many twins fills half of L2.
inline constexpr int64_t kDeepestTwins = 1 << 12;

// c: rows lie side by side.
inline void product(int64_t m, int64_t n, const TwinsA& a, const TwinsB& b, const RoundedC& c) {
    const int64_t depth = twins(a.k);
    if (m <= kThinRows && b.column_stride == 1) return thin_product(m, n, a, b, c);
    if (depth <= kDeepestTwins) return gemm<Twin>(m, n, depth, a, b, c);
    const Widened bias(c.column_bias, n);
    const memory::Scratch sums(size_t(m * n) * sizeof(float));
    gemm<Twin>(m, n, depth, a, b, MatrixC<float>{sums.as<float>(), n, bias, c.activation});
    narrow_all(sums.as<float>(), c.data, m * n);
}

}  // namespace tatami::TATAMI_ISA
