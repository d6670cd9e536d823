// Matrix products: thin ones by streaming B once, the rest by gemm.h, batches side by side.
#include "ops/matmul.h"

#include "cpu/batches.h"
#include "cpu/bfloat16.h"
#include "cpu/product.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
static void matmul(const Matmul& p, const T* a, const T* b, const T* bias, T* y) {
    each_product(p, [&](int64_t a_offset, int64_t b_offset, int64_t y_offset) {
        const MatrixA<T> left{a + a_offset, p.a_layout.row, p.a_layout.column};
        const MatrixB<T> right{b + b_offset, p.b_layout.row, p.b_layout.column};
        const MatrixC<T> out{y + y_offset, p.n, bias, p.activation};
        product(p.m, p.n, p.k, left, right, out);
    });
}

// How many elements a matrix of rows and columns spans in memory.
static int64_t span(int64_t rows, int64_t columns, const MatrixLayout& l) {
    return rows && columns ? (rows - 1) * l.row + (columns - 1) * l.column + 1 : 0;
}

static void matmul_widened(const Matmul& p, const Bfloat16* a, const Bfloat16* b,
                           const Bfloat16* bias, Bfloat16* y) {
    const Widened wide_bias(bias, p.n);
    each_product(p, [&](int64_t a_offset, int64_t b_offset, int64_t y_offset) {
        const Widened left(a + a_offset, span(p.m, p.k, p.a_layout)),
            right(b + b_offset, span(p.k, p.n, p.b_layout));
        const memory::Scratch sums(size_t(p.m * p.n) * sizeof(float));
        product<float>(p.m, p.n, p.k, {left, p.a_layout.row, p.a_layout.column},
                       {right, p.b_layout.row, p.b_layout.column},
                       {sums.as<float>(), p.n, wide_bias, p.activation});
        narrow_all(sums.as<float>(), y + y_offset, p.m * p.n);
    });
}

template <>
MatmulKernels<Bfloat16> matmul_kernels() {
    return {&matmul_widened};
}

template <class T>
MatmulKernels<T> matmul_kernels() {
    return {&matmul<T>};
}
template MatmulKernels<float> matmul_kernels();
template MatmulKernels<double> matmul_kernels();

}  // namespace tatami::TATAMI_ISA
