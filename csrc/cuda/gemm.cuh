// The product behind matmul, linear, the convolutions and the recurrent layers:
// C (m, n) = A (m, k) · B (k, n), where A and B are whatever can be read by element and C whatever
// can be written so.
//
//   A: Row row(int64_t r)      what all elements of a row have in common
//      T at(Row, int64_t k)
//      kAlongDepth             neighbours in memory are neighbours in k
//      A batch(int64_t z)      the factor of that product among many
//      T* place(Row, k), bool wide()    may be there: gemm_mma.cuh
//   B: Column column(int64_t c), T at(Column, int64_t k), kAlongDepth, batch(z), place, wide
//   C: Column column(int64_t c), void store(int64_t row, Column, Real<T> value), batch(z), chunk(i)
//
// A block computes a tile of C by a main loop:
//
//   kRows, kColumns, kThreads, kBlocks    of the tile, the block, and a processor at least
//   size_t kShared                        bytes of shared memory
//   void multiply(A, B, Part)             sums over the part's k
//   kOwnRows, kOwnColumns, row(i), column(j), at(i, j)    which sums of the tile a thread has
//
// An element is one chain of sums in the order of k, or, where k is cut so that all processors have
// work, the sum of a few chains in their order: the cut follows from the shape alone.
#pragma once

#include <algorithm>

#include "cuda/gemm_ffma.cuh"
#include "cuda/gemm_mma.cuh"

namespace tatami::cuda {

struct Extent {
    int64_t m, n, k;
    int64_t chunk;  // of k, that one block works on
};

// Tile blockIdx.x of C, chunk blockIdx.y of k, product first_batch + blockIdx.z.
template <class Loop, class A, class B, class C>
__global__ void __launch_bounds__(Loop::kThreads, Loop::kBlocks)
    gemm_kernel(Extent e, int64_t first_batch, A all_a, B all_b, C all_c) {
    const int64_t z = first_batch + blockIdx.z;
    const int64_t across = (e.n + Loop::kColumns - 1) / Loop::kColumns;
    const int64_t k0 = int64_t(blockIdx.y) * e.chunk, end = k0 + e.chunk < e.k ? k0 + e.chunk : e.k;
    const Part part{e.m,
                    e.n,
                    int64_t(blockIdx.x) / across * Loop::kRows,
                    int64_t(blockIdx.x) % across * Loop::kColumns,
                    k0,
                    end};
    Loop loop;
    loop.multiply(all_a.batch(z), all_b.batch(z), part);
    const C c = all_c.batch(z).chunk(blockIdx.y);
    TATAMI_UNROLL
    for (int j = 0; j < Loop::kOwnColumns; j++) {
        const int64_t at = part.column + loop.column(j);
        if (at >= e.n) continue;
        const auto target = c.column(at);
        TATAMI_UNROLL
        for (int i = 0; i < Loop::kOwnRows; i++) {
            const int64_t r = part.row + loop.row(i);
            if (r < e.m) c.store(r, target, loop.at(i, j));
        }
    }
}

// C as (batches, chunks, m, n): the sums of chunks, or plain matrices where there is one.
template <class T>
struct Partial {
    T* data;
    int64_t chunks, rows, columns;

    struct Column {
        int64_t at;
    };
    TATAMI_DEVICE Partial batch(int64_t z) const {
        return {data + z * chunks * rows * columns, chunks, rows, columns};
    }
    TATAMI_DEVICE Partial chunk(int64_t i) const {
        return {data + i * rows * columns, chunks, rows, columns};
    }
    TATAMI_DEVICE Column column(int64_t c) const { return {c}; }
    TATAMI_DEVICE void store(int64_t r, Column c, Real<T> value) const {
        data[r * columns + c.at] = value;
    }
};

// C = the chunks of an element, added in their order.
template <class T, class C>
__global__ void add_chunks(Partial<T> all, int64_t first_batch, C all_c) {
    const int64_t z = first_batch + blockIdx.z;
    const Partial<T> part = all.batch(z);
    const int64_t size = part.rows * part.columns;
    const int64_t i = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    if (i >= size) return;
    T sum = part.data[i];
    for (int64_t chunk = 1; chunk < part.chunks; chunk++) sum += part.data[chunk * size + i];
    const C c = all_c.batch(z);
    c.store(i / part.columns, c.column(i % part.columns), sum);
}

// Blocks that fill any GPU of today about twice; chunks of k that are worth a block.
inline constexpr int64_t kEnoughBlocks = 264, kLeastChunk = 256, kMostChunks = 32;

// Blocks' tiles over C.
template <class Loop>
int64_t tiles_of(int64_t m, int64_t n) {
    return ((m + Loop::kRows - 1) / Loop::kRows) * ((n + Loop::kColumns - 1) / Loop::kColumns);
}

template <class Loop, class V, class A, class B, class C>
void gemm_tiled(int64_t m, int64_t n, int64_t k, int64_t batches, const A& a, const B& b,
                const C& c) {
    const int64_t tiles = tiles_of<Loop>(m, n);
    int64_t chunks = 1;
    while (chunks < kMostChunks && tiles * batches * chunks * 2 <= kEnoughBlocks &&
           k / (chunks * 2) >= kLeastChunk)
        chunks *= 2;
    const int64_t steps = (k + Loop::kDepth - 1) / Loop::kDepth;  // whole ones in every chunk
    const int64_t chunk = (steps + chunks - 1) / chunks * Loop::kDepth;
    const Extent e{m, n, k, chunk > 0 ? chunk : 1};
    const auto grid = [&](int64_t z) {
        return dim3(unsigned(tiles), unsigned(chunks), unsigned(std::min(kGridY, batches - z)));
    };
    if (chunks == 1) {
        for (int64_t z = 0; z < batches; z += kGridY)
            launch({grid(z), dim3(Loop::kThreads), Loop::kShared}, &gemm_kernel<Loop, A, B, C>, e,
                   z, a, b, c);
        return;
    }
    const Workspace sums(size_t(batches * chunks * m * n) * sizeof(V));
    const Partial<V> partial{sums.template as<V>(), chunks, m, n};
    launch({grid(0), dim3(Loop::kThreads), Loop::kShared}, &gemm_kernel<Loop, A, B, Partial<V>>, e,
           int64_t(0), a, b, partial);
    const int64_t blocks = (m * n + kMapThreads - 1) / kMapThreads;
    launch({dim3(unsigned(blocks), 1, unsigned(batches)), dim3(kMapThreads)}, &add_chunks<V, C>,
           partial, int64_t(0), c);
}

// By tiles of a size: large ones read less, small ones leave less of a narrow product idle.
template <class Large, class Small, class V, class A, class B, class C>
void gemm_by_size(int64_t m, int64_t n, int64_t k, int64_t batches, const A& a, const B& b,
                  const C& c) {
    const bool large = m > 64 && n > 64;
    if (large && tiles_of<Large>(m, n) * batches >= kEnoughBlocks / 8)
        gemm_tiled<Large, V>(m, n, k, batches, a, b, c);
    else
        gemm_tiled<Small, V>(m, n, k, batches, a, b, c);
}

// `batches` products of one extent.
template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, int64_t batches, const A& a, const B& b, const C& c) {
    if (m <= 0 || n <= 0 || batches <= 0) return;
    if constexpr (kIsHalf<T>) {
        // Two factors that are read by element leave too few registers for large tiles.
        constexpr bool kPlaces = HasPlaces<A, typename A::Row> || HasPlaces<B, typename B::Column>;
        using Small = MmaLoop<T, 64, 64, 32, 32>;
        using Large = std::conditional_t<kPlaces, MmaLoop<T, 128, 128, 64, 32>, Small>;
        gemm_by_size<Large, Small, float>(m, n, k, batches, a, b, c);
    } else if constexpr (sizeof(T) == 4) {
        using Large = FfmaLoop<T, 128, 128, 8, 8>;
        gemm_by_size<Large, FfmaLoop<T, 32, 32, 16, 4>, T>(m, n, k, batches, a, b, c);
    } else {
        gemm_tiled<FfmaLoop<T, 32, 32, 16, 4>, T>(m, n, k, batches, a, b, c);
    }
}

}  // namespace tatami::cuda
