// Products with 1 to 4 rows: bound by reading B, so B is read once, in its own order, unpacked.
// Each element is still one chain of fused multiply-adds in the order of k: the bits of gemm.h.
#pragma once

#include "cpu/pack.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kThinRows = 4;
inline constexpr int64_t kThinColumns = 2048;  // of a task: long runs of B

// y (ROWS, columns; row stride ldy) += a (ROWS, depth) · b (depth, columns), both any row stride.
template <class T, int ROWS, int DEPTH>
TATAMI_INLINE void thin_block(const T* a, int64_t a_row, int64_t a_column, const T* b,
                              int64_t b_row, int64_t columns, T* y, int64_t ldy) {
    T factor[DEPTH][ROWS];
    for (int d = 0; d < DEPTH; d++)
        for (int r = 0; r < ROWS; r++) factor[d][r] = a[r * a_row + d * a_column];
    const auto step = [&](int64_t c, auto read, auto write) {
        Vec<T> acc[ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) acc[r] = read(y + r * ldy + c);
#pragma GCC unroll 8
        for (int d = 0; d < DEPTH; d++) {
            // The next rows into L2: the hardware does not look so far, and in L1 they would
            // collide.
            __builtin_prefetch(b + (d + DEPTH) * b_row + c, 0, 2);
            const Vec<T> row = read(b + d * b_row + c);
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; r++) acc[r] = fma(broadcast(factor[d][r]), row, acc[r]);
        }
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) write(y + r * ldy + c, acc[r]);
    };
    int64_t c = 0;
    for (; c + kLanes<T> <= columns; c += kLanes<T>)
        step(c, [](const T* p) { return load(p); }, [](T* p, Vec<T> v) { store(p, v); });
    const int64_t left = columns - c;
    if (left)
        step(
            c, [=](const T* p) { return load_first(p, left); },
            [=](T* p, Vec<T> v) { store_first(p, v, left); });
}

// As many vectors of columns as leave their sums in registers; a power of two, as widths often are.
template <int ROWS>
inline constexpr int kHeldVectors = kRegisters / 2 >> ROWS / 2;
inline constexpr int64_t kHeldAhead = 8;  // rows from prefetch to use

// y (ROWS, NV vectors) = a (ROWS, k) · b (k, NV vectors; row stride b_row); of a single vector, the
// first `lanes`.
template <class T, int ROWS, int NV>
TATAMI_INLINE void thin_tile(const MatrixA<T>& a, const T* b, int64_t b_row, int64_t k,
                             int64_t lanes, T* y, int64_t ldy) {
    constexpr int n = kLanes<T>;
    Vec<T> acc[ROWS][NV] = {};
    const T* factors = a.data;
    for (int64_t d = 0; d < k; d++, factors += a.column_stride, b += b_row) {
        Vec<T> factor[ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) factor[r] = broadcast(factors[r * a.row_stride]);
#pragma GCC unroll 16
        for (int v = 0; v < NV; v++) {
            __builtin_prefetch(b + kHeldAhead * b_row + v * n, 0, 2);
            const Vec<T> row = NV > 1 ? load(b + v * n) : load_first(b, lanes);
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; r++) acc[r][v] = fma(factor[r], row, acc[r][v]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 16
        for (int v = 0; v < NV; v++)
            store_first(y + r * ldy + v * n, acc[r][v], NV > 1 ? n : lanes);
}

// Columns of b contiguous, b within the caches: each strip of it from top to bottom.
template <class T, int ROWS>
void thin_held(const MatrixA<T>& a, const MatrixB<T>& b, int64_t k, int64_t column, int64_t columns,
               T* y, int64_t ldy) {
    constexpr int64_t n = kLanes<T>, wide = kHeldVectors<ROWS>, narrow = wide / 2;
    const T* const from = b.data + column;
    int64_t c = 0;
    for (; c + wide * n <= columns; c += wide * n)
        thin_tile<T, ROWS, wide>(a, from + c, b.row_stride, k, n, y + c, ldy);
    for (; c + narrow * n <= columns; c += narrow * n)
        thin_tile<T, ROWS, narrow>(a, from + c, b.row_stride, k, n, y + c, ldy);
    for (; c < columns; c += n)
        thin_tile<T, ROWS, 1>(a, from + c, b.row_stride, k, min(n, columns - c), y + c, ldy);
}

// Columns of b contiguous, b in memory: sweeps 8 rows of b at a time over a strip of y, in long
// runs.
template <class T, int ROWS>
void thin_rows(const MatrixA<T>& a, const MatrixB<T>& b, int64_t k, int64_t column, int64_t columns,
               T* y, int64_t ldy) {
    for (int r = 0; r < ROWS; r++)
        for (int64_t c = 0; c < columns; c++) y[r * ldy + c] = T(0);
    const T* from = b.data + column;
    int64_t d = 0;
    for (; d + 8 <= k; d += 8)
        thin_block<T, ROWS, 8>(a.data + d * a.column_stride, a.row_stride, a.column_stride,
                               from + d * b.row_stride, b.row_stride, columns, y, ldy);
    for (; d < k; d++)
        thin_block<T, ROWS, 1>(a.data + d * a.column_stride, a.row_stride, a.column_stride,
                               from + d * b.row_stride, b.row_stride, columns, y, ldy);
}

// Rows of b^T contiguous (linear's weight): a square of it is transposed in registers and used
// there.
template <class T, int ROWS>
void thin_columns(const MatrixA<T>& a, const MatrixB<T>& b, int64_t k, int64_t column,
                  int64_t columns, T* y, int64_t ldy) {
    constexpr int n = kLanes<T>;
    for (int64_t c = 0; c < columns; c += n) {
        const int64_t width = min<int64_t>(n, columns - c);
        const T* from = b.data + (column + c) * b.column_stride;
        Vec<T> acc[ROWS] = {};
        for (int64_t d = 0; d < k; d += n) {
            const int64_t depth = min<int64_t>(n, k - d);
            Vec<T> square[n];
#pragma GCC unroll 16
            for (int i = 0; i < n; i++) {
                const T* row = from + i * b.column_stride + d;
                square[i] = i >= width ? Vec<T>{} : depth == n ? load(row) : load_first(row, depth);
            }
            transpose<T>(square);
            const T* factor = a.data + d * a.column_stride;
#pragma GCC unroll 16
            for (int i = 0; i < n; i++) {
                if (i >= depth) break;
#pragma GCC unroll 4
                for (int r = 0; r < ROWS; r++)
                    acc[r] = fma(broadcast(factor[r * a.row_stride + i * a.column_stride]),
                                 square[i], acc[r]);
            }
        }
        for (int r = 0; r < ROWS; r++) store_first(y + r * ldy + c, acc[r], width);
    }
}

template <class T, int ROWS>
void thin_strip(const MatrixA<T>& a, const MatrixB<T>& b, const MatrixC<T>& c, int64_t k,
                int64_t column, int64_t columns) {
    T* const y = c.data + column;
    // A slice of wider rows counts as the whole of them.
    if (b.column_stride == 1 && k * b.row_stride * int64_t(sizeof(T)) <= kStreamBytes)
        thin_held<T, ROWS>(a, b, k, column, columns, y, c.row_stride);
    else if (b.column_stride == 1)
        thin_rows<T, ROWS>(a, b, k, column, columns, y, c.row_stride);
    else
        thin_columns<T, ROWS>(a, b, k, column, columns, y, c.row_stride);
    c.finish(y, c.row_stride, 0, ROWS, column, columns);
}

template <class T>
void thin_product(int64_t m, int64_t n, int64_t k, const MatrixA<T>& a, const MatrixB<T>& b,
                  const MatrixC<T>& c) {
    if (m <= 0 || n <= 0) return;
    using Strip = void (*)(const MatrixA<T>&, const MatrixB<T>&, const MatrixC<T>&, int64_t,
                           int64_t, int64_t);
    static constexpr Strip strips[kThinRows] = {&thin_strip<T, 1>, &thin_strip<T, 2>,
                                                &thin_strip<T, 3>, &thin_strip<T, 4>};
    const Strip strip = strips[m - 1];
    const int64_t width =
        min(kThinColumns, round_up(ceil_div(n, 2 * num_threads()), 4 * kLanes<T>));
    parallel_for(ceil_div(n, width), n / kLanes<T> * k * 2, [&](int64_t task, int) {
        strip(a, b, c, k, task * width, min(width, n - task * width));
    });
}

}  // namespace tatami::TATAMI_ISA
