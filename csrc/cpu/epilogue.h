// What follows a product while its tile is still in L1: bias and activation.
#pragma once

#include "cpu/activate.h"

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

// x (rows, columns; row stride `stride`) = f(x)
template <class T>
TATAMI_INLINE void activate_rows(Activation kind, T* x, int64_t stride, int64_t rows,
                                 int64_t columns) {
    with_activation<T>(kind, T(kLeakySlope), [&](auto f) {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < columns; i += kLanes<T>) {
                const int64_t left = min<int64_t>(kLanes<T>, columns - i);
                T* at = x + r * stride + i;
                store_first(at, f(load_first(at, left)), left);
            }
    });
}

}  // namespace tatami::TATAMI_ISA
