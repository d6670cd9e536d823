// Matrix products: thin ones by streaming B once, the rest by gemm.h, batches side by side.
#include "ops/matmul.h"

#include "cpu/product.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
static void product(const Matmul& p, const T* a, const T* b, const T* bias, T* y) {
    const MatrixA<T> left{a, p.a_layout.row, p.a_layout.column};
    const MatrixB<T> right{b, p.b_layout.row, p.b_layout.column};
    const MatrixC<T> out{y, p.n, bias, p.activation};
    product(p.m, p.n, p.k, left, right, out);
}

template <class T>
static void matmul(const Matmul& p, const T* a, const T* b, const T* bias, T* y) {
    if (p.batches == 1) return product(p, a, b, bias, y);
    const int64_t work = p.batches * (p.m * p.n * p.k / kLanes<T> + 100);
    parallel_problems(p.batches, work, [&](int64_t index) {
        int64_t rest = index, a_offset = 0, b_offset = 0;
        for (int axis = p.batch.rank - 1; axis >= 0; axis--) {
            const int64_t i = rest % p.batch.size[axis];
            rest /= p.batch.size[axis];
            a_offset += i * p.a_layout.batch[axis];
            b_offset += i * p.b_layout.batch[axis];
        }
        product(p, a + a_offset, b + b_offset, bias, y + index * p.m * p.n);
    });
}

template <class T>
MatmulKernels<T> matmul_kernels() {
    return {&matmul<T>};
}
template MatmulKernels<float> matmul_kernels();
template MatmulKernels<double> matmul_kernels();

}  // namespace tatami::TATAMI_ISA
