// Matrix product: y[...] = f(a[...] · b[...] + bias), batched and broadcast as NumPy's matmul.
#pragma once

#include "core/array.h"
#include "core/kernel.h"
#include "ops/activation.h"

namespace tatami {

// How a matrix of a batch lies in memory, in elements. One of row and column is 1.
struct MatrixLayout {
    int64_t row, column;
    int64_t batch[Shape::kMaxRank];  // stride of each batch axis, 0 where it is broadcast
};

struct Matmul {
    // a (..., m, k) · b (..., k, n). Strides in elements; `op` is the operator's name for messages.
    Matmul(const char* op, const Shape& a, const int64_t* a_strides, const Shape& b,
           const int64_t* b_strides);

    int64_t m, n, k, batches;
    Shape batch;  // broadcast batch axes
    Shape y;      // NumPy's result shape
    MatrixLayout a_layout, b_layout;
    Activation activation = Activation::none;
    bool tf32;  // float32 factors may be rounded to it (precision.h)

    void check_bias(const char* op, const Shape& bias) const;  // must be (n,)

  private:
    void fold_batch_into_rows();
};

// Whether strides (in elements) of the last two axes can be read in place: one of them is 1 and the
// other no smaller than what it steps over.
bool readable_in_place(const Shape& shape, const int64_t* strides);

template <class T>
struct MatmulKernels {
    // a, b as a_layout and b_layout say; bias (n) or nullptr; y (batch..., m, n) contiguous.
    Kernel<void(const Matmul& p, const T* a, const T* b, const T* bias, T* y)> matmul;
};

}  // namespace tatami
