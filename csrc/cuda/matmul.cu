// Matrix products, batched and broadcast, with bias and activation at the end.
#include "cuda/gemm.cuh"
#include "cuda/product.h"
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
        TATAMI_ROLL
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
    using V = Real<T>;
    T* data;
    int64_t matrix, line;  // elements from one to the next
    const T* bias;         // (columns), or nullptr
    const V* wide_bias;    // the same
    Activation activation;

    struct Row {
        int64_t start;
    };
    struct Column {
        T* start;
        V bias;
    };
    TATAMI_DEVICE Result batch(int64_t z) const {
        return {data + z * matrix, matrix, line, bias, wide_bias, activation};
    }
    TATAMI_DEVICE Row row(int64_t r) const { return {r * line}; }
    TATAMI_DEVICE Column column(int64_t c) const {
        return {data + c, bias ? V(bias[c]) : wide_bias ? wide_bias[c] : V(0)};
    }
    TATAMI_DEVICE V bias_of(Row, Column c) const { return c.bias; }
    TATAMI_DEVICE void store(Row r, Column c, V value) const { c.start[r.start] = value; }
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

// The matrices of a batch, or one.
template <class T>
struct Operand {
    Plain<T> first;
    BatchOffsets offsets;
};

template <class T>
static void multiply(const Products& p, const Operand<T>& a, const Operand<T>& b,
                     const Result<T>& result, Real<T>* sums = nullptr) {
    const auto product = [&]<bool A_DEEP, bool B_DEEP>() {
        const Matrices<T, A_DEEP> left{{a.first.data, a.first.row, a.first.column}, a.offsets};
        const Matrices<T, B_DEEP> right{{b.first.data, b.first.column, b.first.row}, b.offsets};
        gemm<T>(p, left, right, result, sums);
    };
    const bool a_deep = a.first.column == 1, b_deep = b.first.row == 1;
    if (a_deep && b_deep) return product.template operator()<true, true>();
    if (a_deep) return product.template operator()<true, false>();
    if (b_deep) return product.template operator()<false, true>();
    product.template operator()<false, false>();
}

template <class T>
static void matmul(const Matmul& p, const T* a, const T* b, const T* bias, T* y) {
    const auto operand = [&](const T* data, const MatrixLayout& layout) {
        return Operand<T>{{data, layout.row, layout.column}, offsets_of(p, layout)};
    };
    multiply<T>({p.m, p.n, p.k, p.batches, p.tf32}, operand(a, p.a_layout), operand(b, p.b_layout),
                {y, p.m * p.n, p.n, bias, nullptr, p.activation});
}

template <class T>
void multiply(const Product<T>& p) {
    multiply<T>({p.m, p.n, p.k}, {p.a, {}}, {p.b, {}},
                {p.y, 0, p.y_row, nullptr, p.bias, Activation::none}, p.sums);
}
template void multiply(const Product<float>&);
template void multiply(const Product<double>&);
template void multiply(const Product<Half>&);
template void multiply(const Product<Bfloat16>&);

template <class T>
MatmulKernels<T> matmul_kernels() {
    return {&matmul<T>};
}
template MatmulKernels<float> matmul_kernels();
template MatmulKernels<double> matmul_kernels();
template MatmulKernels<Half> matmul_kernels();
template MatmulKernels<Bfloat16> matmul_kernels();

}  // namespace tatami::cuda
