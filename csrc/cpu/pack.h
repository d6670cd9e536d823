// Packers and outputs of gemm.h for plain matrices with a unit stride along either axis.
#pragma once

#include "cpu/epilogue.h"
#include "cpu/tile.h"

namespace tatami::TATAMI_ISA {

// to (depth, kLanes; row stride to_stride) = transpose of from (width, depth; row stride
// from_stride), lanes past `width` zero. Whole vectors are stored.
template <class T>
TATAMI_INLINE void transpose_strip(T* to, int64_t to_stride, const T* from, int64_t from_stride,
                                   int64_t width, int64_t depth) {
    constexpr int n = kLanes<T>;
    Vec<T> block[n];
    int64_t d = 0;
    for (; d + n <= depth; d += n) {
#pragma GCC unroll 16
        for (int i = 0; i < n; i++)
            block[i] = i < width ? load(from + i * from_stride + d) : Vec<T>{};
        transpose<T>(block);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) store(to + (d + i) * to_stride, block[i]);
    }
    for (; d < depth; d++) {
        T column[n] = {};
        for (int i = 0; i < width; i++) column[i] = from[i * from_stride + d];
        store(to + d * to_stride, load(column));
    }
}

// to (columns, rows; row stride to_row) = transpose of from (rows, columns; row stride from_row).
template <class T>
void transposed(T* to, int64_t to_row, const T* from, int64_t from_row, int64_t rows,
                int64_t columns) {
    constexpr int64_t n = kLanes<T>;
    for (int64_t r = 0; r < rows; r += n)
        for (int64_t c = 0; c < columns; c += n) {
            const int64_t down = min(n, rows - r), along = min(n, columns - c);
            Vec<T> square[n];
#pragma GCC unroll 16
            for (int i = 0; i < n; i++)
                square[i] = i < down ? load_first(from + (r + i) * from_row + c, along) : Vec<T>{};
            transpose<T>(square);
#pragma GCC unroll 16
            for (int i = 0; i < n; i++)
                if (i < along) store_first(to + (c + i) * to_row + r, square[i], down);
        }
}

// Where column c (a multiple of the vector) of row d lies among panels of this depth.
template <class T>
TATAMI_INLINE int64_t panel_address(int64_t c, int64_t d, int64_t depth) {
    return c / kPanel<T> * kPanel<T> * depth + d * kPanel<T> + c % kPanel<T>;
}

// The left factor (m, k).
template <class T>
struct MatrixA {
    const T* data;
    int64_t row_stride, column_stride;  // one of them is 1

    TATAMI_INLINE Runs runs(int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        const T* from = data + row * row_stride + k0 * column_stride;
        return column_stride == 1 ? runs_of(from, rows, depth, row_stride)
                                  : runs_of(from, depth, rows, column_stride);
    }

    // Stores whole vectors: up to kLanes - 1 elements past the end are overwritten.
    TATAMI_INLINE void pack(T* to, int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        const T* from = data + row * row_stride + k0 * column_stride;
        if (column_stride == 1) {
            // From the right: what a narrow strip stores past its width belongs to strips to come.
            for (int64_t r = (rows - 1) / kLanes<T> * kLanes<T>; r >= 0; r -= kLanes<T>)
                transpose_strip(to + r, rows, from + r * row_stride, row_stride,
                                min<int64_t>(kLanes<T>, rows - r), depth);
        } else {
            for (int64_t d = 0; d < depth; d++, to += rows, from += column_stride)
                for (int64_t r = 0; r < rows; r += kLanes<T>)
                    store(to + r, load_first(from + r, min<int64_t>(kLanes<T>, rows - r)));
        }
    }
};

// Rows from prefetch to use, where the next one lies far away and no hardware looks ahead.
inline constexpr int64_t kRowsAhead = 2;

// The right factor (k, n).
template <class T>
struct MatrixB {
    const T* data;
    int64_t row_stride, column_stride;  // one of them is 1

    TATAMI_INLINE Runs runs(int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        const T* from = data + k0 * row_stride + column * column_stride;
        return column_stride == 1 ? runs_of(from, depth, columns, row_stride)
                                  : runs_of(from, columns, depth, column_stride);
    }

    TATAMI_INLINE void pack(T* to, int64_t column, int64_t columns, int64_t k0,
                            int64_t depth) const {
        const T* from = data + k0 * row_stride + column * column_stride;
        const int64_t whole = columns / kPanel<T> * kPanel<T>;
        if (column_stride == 1) {
            // Row by row over all panels: memory is read in long runs.
            for (int64_t d = 0; d < depth; d++)
                for (int64_t c = 0; c < whole; c += kLanes<T>) {
                    __builtin_prefetch(from + (d + kRowsAhead) * row_stride + c);
                    store(to + panel_address<T>(c, d, depth), load(from + d * row_stride + c));
                }
            for (int64_t d = 0; d < depth && whole < columns; d++)
                for (int64_t c = whole; c < whole + kPanel<T>; c += kLanes<T>)
                    store(to + panel_address<T>(c, d, depth),
                          load_first(from + d * row_stride + c, clamp_width(columns - c)));
        } else {
            for (int64_t c = 0; c < round_up(columns, kPanel<T>); c += kLanes<T>)
                transpose_strip(to + panel_address<T>(c, 0, depth), kPanel<T>,
                                from + c * column_stride, column_stride, clamp_width(columns - c),
                                depth);
        }
    }

  private:
    TATAMI_INLINE static int64_t clamp_width(int64_t left) {
        return max<int64_t>(min<int64_t>(kLanes<T>, left), 0);
    }
};

// The product (m, n), rows `row_stride` apart, with a bias and an activation at the end.
template <class T>
struct MatrixC {
    T* data;
    int64_t row_stride;
    const T* column_bias;  // (n), or nullptr
    Activation activation;
    // The product is stored as its transpose: columns, not rows, lie row_stride apart, and the bias
    // is one of (m).
    bool turned = false;

    TATAMI_INLINE int64_t depth_limit() const { return kDepth; }

    TATAMI_INLINE T* direct(int64_t row, int64_t column, int64_t columns, int64_t& stride) const {
        if (turned || (columns != kLanes<T> && columns != kPanel<T>)) return nullptr;
        stride = row_stride;
        return at(row, column);
    }

    TATAMI_INLINE void read(T* tile, int64_t row, int64_t rows, int64_t column,
                            int64_t columns) const {
        const T* const from = at(row, column);
        if (turned) return transposed(tile, kPanel<T>, from, row_stride, columns, rows);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c++)
                tile[r * kPanel<T> + c] = from[r * row_stride + c];
    }

    TATAMI_INLINE void write(const T* tile, int64_t row, int64_t rows, int64_t column,
                             int64_t columns) const {
        T* const to = at(row, column);
        if (turned) return transposed(to, row_stride, tile, kPanel<T>, rows, columns);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < columns; c += kLanes<T>)
                store_first(to + r * row_stride + c, load(tile + r * kPanel<T> + c),
                            min<int64_t>(kLanes<T>, columns - c));
    }

    TATAMI_INLINE void finish(T* tile, int64_t stride, int64_t row, int64_t rows, int64_t column,
                              int64_t columns) const {
        for (int64_t r = 0; r < rows && column_bias; r++)
            if (turned)
                add_to(tile + r * stride, column_bias[row + r], columns);
            else
                add_to(tile + r * stride, column_bias + column, columns);
        activate_rows(activation, tile, stride, rows, columns);
    }

  private:
    TATAMI_INLINE T* at(int64_t row, int64_t column) const {
        return data + (turned ? column * row_stride + row : row * row_stride + column);
    }
};

}  // namespace tatami::TATAMI_ISA
