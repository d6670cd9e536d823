// Matrix products of bfloat16 in the processor's own instruction.
#include "ops/matmul.h"

#include "cpu/batches.h"
#include "cpu/bfloat16/thin.h"
#include "cpu/gemm.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// A panel of this many twins fills half of L2.
static constexpr int64_t kDeepest = 1 << 12;

static void matmul(const Matmul& p, const Bfloat16* a, const Bfloat16* b, const Bfloat16* bias,
                   Bfloat16* y) {
    const int64_t depth = twins(p.k);
    each_product(p, [&](int64_t a_offset, int64_t b_offset, int64_t y_offset) {
        const TwinsA left{a + a_offset, p.a_layout.row, p.a_layout.column, p.k};
        const TwinsB right{b + b_offset, p.b_layout.row, p.b_layout.column, p.k};
        const RoundedC out{y + y_offset, p.n, bias, p.activation};
        if (p.m <= kThinRows && p.b_layout.column == 1)
            return thin_product(p.m, p.n, left, right, out);
        if (depth <= kDeepest) return gemm<Twin>(p.m, p.n, depth, left, right, out);
        const Widened wide_bias(bias, p.n);
        const memory::Scratch sums(size_t(p.m * p.n) * sizeof(float));
        gemm<Twin>(p.m, p.n, depth, left, right,
                   MatrixC<float>{sums.as<float>(), p.n, wide_bias, p.activation});
        narrow_all(sums.as<float>(), y + y_offset, p.m * p.n);
    });
}

template <>
MatmulKernels<Bfloat16> matmul_kernels() {
    return {&matmul};
}

}  // namespace tatami::TATAMI_ISA
