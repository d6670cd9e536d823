// The words of products (gemm.cuh): a matrix as one of the factors, and the part of a product that
// a block works on.
#pragma once

#include "cuda/elementwise.cuh"

namespace tatami::cuda {

// Of the product (m, n, k): the tile of C that starts at (row, column), over k0 <= k < end.
struct Part {
    int64_t m, n, row, column, k0, end;
};

// Neighbours that are one copy of 16 bytes.
template <class T>
inline constexpr int kChunk = 16 / int(sizeof(T));

// Whether rows `stride` apart all begin at a multiple of 16 bytes.
template <class T>
TATAMI_DEVICE bool wide_rows(const T* data, int64_t stride) {
    return reinterpret_cast<uintptr_t>(data) % 16 == 0 && stride % kChunk<T> == 0;
}

// A matrix as A or B: lines `line` apart, along which elements are `depth` apart.
template <class T, bool ALONG_DEPTH>
struct Factor {
    const T* data;
    int64_t line, depth;

    static constexpr bool kAlongDepth = ALONG_DEPTH;
    struct Row {
        const T* start;
    };
    using Column = Row;
    TATAMI_DEVICE Factor batch(int64_t) const { return *this; }
    TATAMI_DEVICE Row row(int64_t r) const { return {data + r * line}; }
    TATAMI_DEVICE Row column(int64_t c) const { return {data + c * line}; }
    TATAMI_DEVICE T at(Row r, int64_t k) const { return r.start[k * depth]; }

    // For copies of 16 bytes (gemm_mma.cuh).
    TATAMI_DEVICE const T* place(Row r, int64_t k) const { return r.start + k * depth; }
    TATAMI_DEVICE bool wide() const { return wide_rows(data, ALONG_DEPTH ? line : depth); }
};

}  // namespace tatami::cuda
