// The maximum m and Σ exp(x - m): what softmax and cross entropy know of a row. A row of -inf has
// no finite maximum and gives NaN, as in PyTorch.
#pragma once

#include "cpu/elementwise.h"
#include "cpu/math.h"
#include "cpu/reduce.h"

namespace tatami::TATAMI_ISA {

template <class T>
TATAMI_INLINE T exp1(T x) {
    return exp<T>(broadcast(x))[0];
}
template <class T>
TATAMI_INLINE T log1(T x) {
    return log<T>(broadcast(x))[0];
}

template <class T>
struct ExpSum {
    T max;
    double sum;
};

template <class T>
TATAMI_INLINE T row_max(int64_t n, const T* x) {
    constexpr T kLowest = T(-__builtin_inf());
    return fold_chunk<T>(n, kLowest, Largest{}, [](Vec<T> v) { return v; }, x);
}

// Of x (n); e (n) receives exp(x - m) and may be x.
template <class T>
TATAMI_INLINE ExpSum<T> exp_row(int64_t n, const T* x, T* e) {
    const T m = row_max(n, x);
    double sum = 0;
    for (int64_t i = 0; i < n; i += kChunk) {
        const int64_t left = min(n - i, kChunk);
        map_range(false, 0, left, [m](Vec<T> v) { return exp<T>(v - m); }, e + i, x + i);
        sum += double(sum_chunk<T>(left, [](Vec<T> v) { return v; }, e + i));
    }
    return {m, sum};
}

// The same without e.
template <class T>
TATAMI_INLINE ExpSum<T> exp_sum_row(int64_t n, const T* x) {
    const T m = row_max(n, x);
    return {m, sum_row<T>(n, [m](Vec<T> v) { return exp<T>(v - m); }, x)};
}

// Of a row too long for one thread's cache, on all threads: a maximum a chunk, joined afterwards.
template <class T>
TATAMI_INLINE ExpSum<T> exp_sum_long_row(int64_t n, const T* x) {
    constexpr T kLowest = T(-__builtin_inf());
    const int64_t chunks = ceil_div(n, kChunk);
    const memory::Scratch scratch(size_t(chunks) * sizeof(ExpSum<T>));
    ExpSum<T>* part = scratch.as<ExpSum<T>>();
    parallel_ranges(chunks, 4, n, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
            const int64_t left = min(n - c * kChunk, kChunk);
            const T* at = x + c * kChunk;
            const T m = row_max(left, at), finite = m == kLowest ? T(0) : m;
            part[c] = {m, double(sum_chunk<T>(
                              left, [finite](Vec<T> v) { return exp<T>(v - finite); }, at))};
        }
    });
    ExpSum<T> all{kLowest, 0};
    for (int64_t c = 0; c < chunks; c++) all.max = Largest{}(all.max, part[c].max);
    for (int64_t c = 0; c < chunks; c++)
        all.sum += part[c].sum * exp1<double>(double(part[c].max) - double(all.max));
    return all;
}

// Of each of `width` columns of x (length, width; row stride `stride`), vectors along the width:
// m (width) and sum (width); e (length, width; row stride `e_stride`) receives exp(x - m) and may
// be x. group (width) is scratch.
template <class T>
TATAMI_INLINE void exp_columns(int64_t length, int64_t width, const T* x, int64_t stride, T* e,
                               int64_t e_stride, T* m, T* sum, T* group) {
    constexpr int64_t kGroup = 64;  // rows summed apart, so that rounding does not build up
    const auto fill = [width](T* a, T value) {
        map_range(false, 0, width, [value](Vec<T>) { return broadcast(value); }, a, a);
    };
    fill(m, T(-__builtin_inf()));
    for (int64_t l = 0; l < length; l++)
        map_range(false, 0, width, Largest{}, m, m, x + l * stride);
    fill(sum, T(0));
    for (int64_t start = 0; start < length; start += kGroup) {
        fill(group, T(0));
        for (int64_t l = start; l < min(length, start + kGroup); l++) {
            T* row = e + l * e_stride;
            const auto shifted = [](Vec<T> v, Vec<T> top) { return exp<T>(v - top); };
            map_range(false, 0, width, shifted, row, x + l * stride, (const T*)m);
            map_range(false, 0, width, Sum{}, group, (const T*)group, (const T*)row);
        }
        map_range(false, 0, width, Sum{}, sum, (const T*)sum, (const T*)group);
    }
}

}  // namespace tatami::TATAMI_ISA
