// The maximum m and Σ exp(x - m): what softmax and cross entropy know of a row. A row of -inf has
// no finite maximum and gives NaN, as in PyTorch; m passes over NaN, which the sum keeps.
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
inline constexpr T kLowest = T(-__builtin_inf());

template <class T>
TATAMI_INLINE T row_max(int64_t n, const T* x) {
    return fold_chunk<T>(n, kLowest<T>, Largest<T>{}, [](Vec<T> v) { return v; }, x);
}

// Σ exp(x - m) over x (n); where KEEP, e (n) receives the terms and may be x.
template <bool KEEP, class T>
TATAMI_INLINE double exp_sum(int64_t n, const T* x, T m, T* e) {
    const auto shifted = [m](Vec<T> v) { return exp<T>(v - m); };
    const auto add = [](const Pack<T>& a, const Pack<T>& b) { return map<T>(Sum{}, a, b); };
    const auto term = [=](int64_t i) {
        __builtin_prefetch(x + i + n);  // the next row, which memory has time for now
        const Pack<T> t = map<T>(shifted, load_pack(x + i));
        if constexpr (KEEP) store_pack(e + i, t);
        return t;
    };
    double sum = 0;
    int64_t i = 0;
    while (i < n) {
        const int64_t end = min(n, i + kChunk);
        Pack<T> even{}, odd{};
        for (; i + 2 * kPack<T> <= end; i += 2 * kPack<T>) {
            even = add(even, term(i));
            odd = add(odd, term(i + kPack<T>));
        }
        for (; i < end; i += kPack<T>) {
            const int64_t left = min<int64_t>(end - i, kPack<T>);
            const Pack<T> t = map<T>(shifted, load_pack_first(x + i, left, kLowest<T>));
            if constexpr (KEEP) store_pack_first(e + i, t, left);
            even = add(even, t);
        }
        sum += double(sum_pack(add(even, odd)));
    }
    return sum;
}

// Of x (n); e (n) receives exp(x - m) and may be x.
template <class T>
TATAMI_INLINE ExpSum<T> exp_row(int64_t n, const T* x, T* e) {
    const T m = row_max(n, x);
    return {m, exp_sum<true>(n, x, m, e)};
}

// The same without e.
template <class T>
TATAMI_INLINE ExpSum<T> exp_sum_row(int64_t n, const T* x) {
    const T m = row_max(n, x);
    return {m, exp_sum<false>(n, x, m, (T*)nullptr)};
}

// Of a row too long for one thread's cache, on all threads: a maximum a chunk, joined afterwards.
template <class T>
TATAMI_INLINE ExpSum<T> exp_sum_long_row(int64_t n, const T* x) {
    const int64_t chunks = ceil_div(n, kChunk);
    const memory::Scratch scratch(size_t(chunks) * sizeof(ExpSum<T>));
    ExpSum<T>* part = scratch.as<ExpSum<T>>();
    parallel_ranges(chunks, 4, n, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c++) {
            const int64_t left = min(n - c * kChunk, kChunk);
            const T* at = x + c * kChunk;
            const T m = row_max(left, at), finite = m == kLowest<T> ? T(0) : m;
            part[c] = {m, exp_sum<false>(left, at, finite, (T*)nullptr)};
        }
    });
    ExpSum<T> all{kLowest<T>, 0};
    for (int64_t c = 0; c < chunks; c++) all.max = max(all.max, part[c].max);
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
    fill(m, kLowest<T>);
    for (int64_t l = 0; l < length; l++)
        map_range(false, 0, width, Largest<T>{}, m, m, x + l * stride);
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
