// Matrix products of bfloat16 in the processor's own instruction.
#include "ops/matmul.h"

#include "cpu/batches.h"
#include "cpu/bfloat16/product.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

static void matmul(const Matmul& p, const Bfloat16* a, const Bfloat16* b, const Bfloat16* bias,
                   Bfloat16* y) {
    each_product(p, [&](int64_t a_offset, int64_t b_offset, int64_t y_offset) {
        product(p.m, p.n, TwinsA{a + a_offset, p.a_layout.row, p.a_layout.column, p.k},
                TwinsB{b + b_offset, p.b_layout.row, p.b_layout.column, p.k},
                RoundedC{y + y_offset, p.n, bias, p.activation});
    });
}

template <>
MatmulKernels<Bfloat16> matmul_kernels() {
    return {&matmul};
}

}  // namespace tatami::TATAMI_ISA
