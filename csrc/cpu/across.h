// Rows of memory as vectors across them: a vector is one element of kLanes rows, and back.
#pragma once

#include "cpu/copy.h"

namespace tatami::TATAMI_ISA {

// Calls use(p, v) for elements p = 0, 1, ... size - 1 of up to kLanes rows, zeros in the lanes of
// those that are missing. row(i, p, left): elements p, p + 1, ... of row i, of which `left` count.
template <class T, class Row, class Use>
TATAMI_INLINE void each_across(int64_t size, int64_t rows, const Row& row, const Use& use) {
    constexpr int n = kLanes<T>;
    for (int64_t p = 0; p < size; p += n) {
        const int64_t left = size - p;
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) square[i] = i < rows ? row(i, p, left) : Vec<T>{};
        transpose<T>(square);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (i >= left) break;
            use(p + i, square[i]);
        }
    }
}

// The way back, from (size, kLanes), of which whole squares are read: put(i, p, v, left) stores the
// elements p, p + 1, ... of row i, of which `left` count.
template <class T, class Put>
TATAMI_INLINE void each_along(const T* from, int64_t size, int64_t rows, const Put& put) {
    constexpr int n = kLanes<T>;
    for (int64_t p = 0; p < size; p += n) {
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) square[i] = load(from + (p + i) * n);
        transpose<T>(square);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (i >= rows) break;
            put(i, p, square[i], size - p);
        }
    }
}

// to (size, kLanes) = up to kLanes rows of x that follow one another. As many rows behind them are
// fetched, which are read next.
template <class T>
TATAMI_INLINE void read_across(const T* x, int64_t size, int64_t rows, T* to) {
    each_across<T>(
        size, rows,
        [=](int64_t i, int64_t p, int64_t left) {
            const T* const from = x + i * size + p;
            __builtin_prefetch(from + kLanes<T> * size);
            return load_some(from, left);
        },
        [=](int64_t p, Vec<T> v) { store(to + p * kLanes<T>, v); });
}

// to (up to kLanes rows, size; `stride` elements between rows) from (size, kLanes), of which whole
// squares are read.
template <class T>
void write_along(const T* from, int64_t size, T* to, int64_t stride, int64_t rows) {
    each_along(from, size, rows, [=](int64_t i, int64_t p, Vec<T> v, int64_t left) {
        store_some(to + i * stride + p, v, left);
    });
}

}  // namespace tatami::TATAMI_ISA
