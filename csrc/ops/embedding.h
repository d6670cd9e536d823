// Embedding: y (indices..., d) = the rows of weight (v, d) that indices name. A GPU does not check
// them: one out of range gives a row of NaN, and its gradient goes nowhere.
#pragma once

#include <cstdint>

#include "core/array.h"
#include "core/kernel.h"

namespace tatami {

struct Embedding {
    Embedding(const char* op, const Shape& indices, const Shape& weight);
    // ValueError unless grad_y has y's shape.
    void check_grad(const Shape& grad_y) const;
    // ValueError unless every index is at least 0 and less than v.
    void check_indices(const int64_t* indices) const;

    const char* op;
    Shape y;
    int64_t rows;     // n: of y, one for each index
    int64_t table;    // v: rows of weight
    int64_t columns;  // d
};

template <class T>
struct EmbeddingKernels {
    // y (n, d) = weight (v, d)[indices (n)]
    Kernel<void(const Embedding& p, const int64_t* indices, const T* weight, T* y)> forward;
    // dweight (v, d) = sums of the rows of dy (n, d) with one index, in the order of the indices
    Kernel<void(const Embedding& p, const T* dy, const int64_t* indices, T* dweight)> backward;
};

}  // namespace tatami
