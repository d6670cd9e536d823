// Products of plain matrices for other families, by the kernels of matmul.cu.
#pragma once

#include <cstdint>

#include "core/half.h"

namespace tatami::cuda {

// Element (r, c) lies at r · row + c · column; one of the two is 1.
template <class T>
struct Plain {
    const T* data;
    int64_t row, column;
};

// y (m, n), rows y_row apart, = a (m, k) · b (k, n) + bias (n) unless nullptr. Or, unless nullptr,
// sums (m, n) = a · b, not rounded.
template <class T>
struct Product {
    int64_t m, n, k;
    Plain<T> a, b;
    T* y;
    int64_t y_row;
    const Real<T>* bias = nullptr;
    Real<T>* sums = nullptr;
};

template <class T>
void multiply(const Product<T>& p);

}  // namespace tatami::cuda
