// What follows a product while its tile is still in L1: bias and activation.
#pragma once

#include "cpu/simd.h"
#include "ops/activation.h"

namespace tatami::TATAMI_ISA {

// x (n) += bias (n)
template <class T>
TATAMI_INLINE void add_to(T* x, const T* bias, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes<T>) {
        const int64_t left = min<int64_t>(kLanes<T>, n - i);
        store_first(x + i, load_first(x + i, left) + load_first(bias + i, left), left);
    }
}

// x (n) += bias
template <class T>
TATAMI_INLINE void add_to(T* x, T bias, int64_t n) {
    for (int64_t i = 0; i < n; i += kLanes<T>) {
        const int64_t left = min<int64_t>(kLanes<T>, n - i);
        store_first(x + i, load_first(x + i, left) + bias, left);
    }
}

// x (rows, columns; row stride `stride`) = f(x). Not inlined: one copy for all who fuse it.
template <class T>
void activate_rows(Activation kind, T* x, int64_t stride, int64_t rows, int64_t columns);

}  // namespace tatami::TATAMI_ISA
