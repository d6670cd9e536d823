// Matrix products, batched and broadcast, with bias and activation at the end.
#include "cuda/activate.cuh"
#include "cuda/gemm.cuh"
#include "cuda/table.h"
#include "ops/matmul.h"

namespace tatami::cuda {

// Where the matrices of a batch begin.
struct BatchOffsets {
    static constexpr int kMost = 8;  // axes
    int rank;
    int64_t size[kMost], stride[kMost];

    TATAMI_DEVICE int64_t operator()(int64_t index) const {
        int64_t offset = 0;
        for (int axis = rank - 1; axis >= 0; axis--) {
            offset += index % size[axis] * stride[axis];
            index /= size[axis];
        }
        return offset;
    }
};

// The matrices of a batch as factors.
template <class T, bool ALONG_DEPTH>
struct Matrices : Factor<T, ALONG_DEPTH> {
    BatchOffsets offsets;

    TATAMI_DEVICE Factor<T, ALONG_DEPTH> batch(int64_t z) const {
        return {this->data + offsets(z), this->line, this->depth};
    }
};

template <class T>
struct Result {
    T* data;
    int64_t rows, columns;
    const T* bias;  // (columns), or nullptr
    Activation activation;

    struct Column {
        int64_t at;
        Real<T> bias;
    };
    TATAMI_DEVICE Result batch(int64_t z) const {
        return {data + z * rows * columns, rows, columns, bias, activation};
    }
    TATAMI_DEVICE Result chunk(int64_t) const { return *this; }
    TATAMI_DEVICE Column column(int64_t c) const { return {c, bias ? Real<T>(bias[c]) : 0}; }
    TATAMI_DEVICE void store(int64_t r, Column c, Real<T> value) const {
        value += c.bias;
        data[r * columns + c.at] =
            activation == Activation::none ? value : activated(activation, value);
    }
};

static BatchOffsets offsets_of(const Matmul& p, const MatrixLayout& layout) {
    BatchOffsets offsets{0, {}, {}};
    for (int axis = 0; axis < p.batch.rank; axis++) {
        if (p.batch.size[axis] == 1) continue;
        // Axes that lie one after the other are one.
        const int last = offsets.rank - 1;
        if (last >= 0 && offsets.stride[last] == layout.batch[axis] * p.batch.size[axis]) {
            offsets.size[last] *= p.batch.size[axis];
            offsets.stride[last] = layout.batch[axis];
            continue;
        }
        if (offsets.rank == BatchOffsets::kMost)
            throw std::runtime_error("matmul: more than 8 batch axes of uneven strides on CUDA");
        offsets.size[offsets.rank] = p.batch.size[axis];
        offsets.stride[offsets.rank++] = layout.batch[axis];
    }
    return offsets;
}

template <class T>
static void matmul(const Matmul& p, const T* a, const T* b, const T* bias, T* y) {
    const BatchOffsets a_offsets = offsets_of(p, p.a_layout), b_offsets = offsets_of(p, p.b_layout);
    const Result<T> result{y, p.m, p.n, bias, p.activation};
    const auto product = [&]<bool A_DEEP, bool B_DEEP>() {
        const Matrices<T, A_DEEP> left{{a, p.a_layout.row, p.a_layout.column}, a_offsets};
        const Matrices<T, B_DEEP> right{{b, p.b_layout.column, p.b_layout.row}, b_offsets};
        gemm<T>(p.m, p.n, p.k, p.batches, left, right, result);
    };
    const bool a_deep = p.a_layout.column == 1, b_deep = p.b_layout.row == 1;
    if (a_deep && b_deep) return product.template operator()<true, true>();
    if (a_deep) return product.template operator()<true, false>();
    if (b_deep) return product.template operator()<false, true>();
    product.template operator()<false, false>();
}

template <class T>
MatmulKernels<T> matmul_kernels() {
    return {&matmul<T>};
}
template MatmulKernels<float> matmul_kernels();
template MatmulKernels<double> matmul_kernels();
template MatmulKernels<Half> matmul_kernels();
template MatmulKernels<Bfloat16> matmul_kernels();

}  // namespace tatami::cuda
