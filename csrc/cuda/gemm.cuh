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
//   C: Row row(int64_t r), Column column(int64_t c), void store(Row, Column, Real<T> value),
//   batch(z)
//      Activation activation, Real<T> bias_of(Row, Column)    may be there
//
// A block computes a tile of C by a main loop:
//
//   Sum                                   the type of its sums
//   kUseful                               false: this GPU shall never run it
//   kRows, kColumns, kThreads, kBlocks    of the tile, the block, and a processor at least
//   size_t kShared                        bytes of shared memory
//   void multiply(A, B, Part)             sums over the part's k
//   kOwnRows, kOwnColumns, row(i), column(j), at(i, j)    which sums of the tile a thread has
//
// An element is one chain of sums in the order of k, or, where k is cut so that all processors have
// work, the sum of a few chains in their order: the cut follows from the shape alone.
#pragma once

#include <algorithm>

#include "cuda/activate.cuh"
#include "cuda/divide.cuh"
#include "cuda/gemm_ffma.cuh"
#include "cuda/gemm_mma.cuh"

namespace tatami::cuda {

struct Extent {
    int64_t m, n, k;
    int64_t chunk;  // of k, that one block works on
};

// C as (batches, chunks, m, n): the sums of chunks, or plain matrices where there is one.
template <class T>
struct Dense {
    T* data;
    int64_t chunks, rows, columns;

    struct Row {
        int64_t start;
    };
    struct Column {
        T* start;
    };
    TATAMI_DEVICE Dense batch(int64_t z) const { return chunk(z * chunks); }
    TATAMI_DEVICE Dense chunk(int64_t i) const {
        return {data + i * rows * columns, chunks, rows, columns};
    }
    TATAMI_DEVICE Row row(int64_t r) const { return {r * columns}; }
    TATAMI_DEVICE Column column(int64_t c) const { return {data + c}; }
    TATAMI_DEVICE void store(Row r, Column c, Real<T> value) const { c.start[r.start] = value; }
};

// A C that has an epilogue.
template <class C>
concept HasEpilogue = requires(const C& c) { c.activation; };

// Bias and activation of a thread's sums.
template <class Loop, class C>
TATAMI_DEVICE void end_tile(Loop& loop, const Part& part, const C& c) {
    TATAMI_UNROLL
    for (int j = 0; j < Loop::kOwnColumns; j++) {
        const int64_t at = part.column + loop.column(j);
        const auto column = c.column(at < part.n ? at : part.column);
        TATAMI_UNROLL
        for (int i = 0; i < Loop::kOwnRows; i++) {
            const int64_t r = part.row + loop.row(i);
            loop.at(i, j) += c.bias_of(c.row(r < part.m ? r : part.row), column);
        }
    }
    if (c.activation == Activation::none) return;
    TATAMI_UNROLL
    for (int j = 0; j < Loop::kOwnColumns; j++) {
        Values<typename Loop::Sum, Loop::kOwnRows> value;
        TATAMI_UNROLL
        for (int i = 0; i < Loop::kOwnRows; i++) value.at[i] = loop.at(i, j);
        value = activated(c.activation, value);
        TATAMI_UNROLL
        for (int i = 0; i < Loop::kOwnRows; i++) loop.at(i, j) = value.at[i];
    }
}

// A block's tile, into C.
template <class Loop, class C>
TATAMI_DEVICE void store_tile(Loop& loop, const Part& part, const C& c) {
    static_assert(Loop::kOwnRows <= 32);
    if constexpr (HasEpilogue<C>) end_tile(loop, part, c);
    typename C::Row row[Loop::kOwnRows];
    uint32_t inside = 0;
    TATAMI_UNROLL
    for (int i = 0; i < Loop::kOwnRows; i++) {
        const int64_t r = part.row + loop.row(i);
        inside |= uint32_t(r < part.m) << i;
        row[i] = c.row(r < part.m ? r : part.row);
    }
    TATAMI_UNROLL
    for (int j = 0; j < Loop::kOwnColumns; j++) {
        const int64_t at = part.column + loop.column(j);
        if (at >= part.n) continue;
        const auto column = c.column(at);
        TATAMI_UNROLL
        for (int i = 0; i < Loop::kOwnRows; i++)
            if (inside >> i & 1) c.store(row[i], column, loop.at(i, j));
    }
}

// Tile blockIdx.x, chunk blockIdx.y of k, product first_batch + blockIdx.z; into sums, where there
// are, else into C.
template <class Loop, class A, class B, class C>
__global__ void __launch_bounds__(Loop::kThreads, Loop::kBlocks)
    gemm_kernel(Extent e, int64_t first_batch, A all_a, B all_b, C all_c,
                Dense<typename Loop::Sum> sums) {
    if constexpr (Loop::kUseful) {
        const int64_t z = first_batch + blockIdx.z;
        const unsigned across = unsigned((e.n + Loop::kColumns - 1) / Loop::kColumns);
        const int64_t k0 = int64_t(blockIdx.y) * e.chunk, k1 = k0 + e.chunk;
        const Part part{e.m,
                        e.n,
                        int64_t(blockIdx.x / across) * Loop::kRows,
                        int64_t(blockIdx.x % across) * Loop::kColumns,
                        k0,
                        k1 < e.k ? k1 : e.k};
        Loop loop;
        loop.multiply(all_a.batch(z), all_b.batch(z), part);
        if (sums.data)
            store_tile(loop, part, sums.batch(z).chunk(blockIdx.y));
        else
            store_tile(loop, part, all_c.batch(z));
    }
}

// C = the chunks of an element, added in their order.
template <class V, class C>
__global__ void add_chunks(Dense<V> all, Divider by_columns, C all_c) {
    const Dense<V> part = all.batch(blockIdx.z);
    const int64_t size = part.rows * part.columns;
    const int64_t i = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    if (i >= size) return;
    Values<V, 1> sum{part.data[i]};
    for (int64_t chunk = 1; chunk < part.chunks; chunk++) sum.at[0] += part.data[chunk * size + i];
    const C c = all_c.batch(blockIdx.z);
    int64_t at;
    const auto row = c.row(by_columns.split(i, at));
    const auto column = c.column(at);
    if constexpr (HasEpilogue<C>) {
        sum.at[0] += c.bias_of(row, column);
        if (c.activation != Activation::none) sum = activated(c.activation, sum);
    }
    c.store(row, column, sum.at[0]);
}

// Blocks that fill any GPU of today about twice; chunks of k that are worth a block.
inline constexpr int64_t kEnoughBlocks = 264, kLeastChunk = 256, kMostChunks = 32;

// Blocks' tiles over C.
template <class Loop>
int64_t tiles_of(int64_t m, int64_t n) {
    return ((m + Loop::kRows - 1) / Loop::kRows) * ((n + Loop::kColumns - 1) / Loop::kColumns);
}

// `batches` products of one extent.
struct Products {
    int64_t m, n, k, batches = 1;
    bool tf32 = false;  // of float32: may its factors be rounded to 10 bits behind the point
};

template <class Loop, class A, class B, class C, class V = typename Loop::Sum>
void gemm_tiled(const Products& p, const A& a, const B& b, const C& c, V* result = nullptr) {
    const int64_t tiles = tiles_of<Loop>(p.m, p.n);
    int64_t chunks = 1;
    while (chunks < kMostChunks && tiles * p.batches * chunks * 2 <= kEnoughBlocks &&
           p.k / (chunks * 2) >= kLeastChunk)
        chunks *= 2;
    const int64_t steps = (p.k + Loop::kDepth - 1) / Loop::kDepth;  // whole ones in every chunk
    const int64_t chunk = (steps + chunks - 1) / chunks * Loop::kDepth;
    const Extent e{p.m, p.n, p.k, chunk > 0 ? chunk : 1};
    const Workspace room(chunks > 1 ? size_t(p.batches * chunks * p.m * p.n) * sizeof(V) : 0);
    const Dense<V> sums{chunks > 1 ? room.template as<V>() : result, chunks, p.m, p.n};
    for (int64_t z = 0; z < p.batches; z += kGridY) {
        const int64_t some = std::min(kGridY, p.batches - z);
        launch({dim3(unsigned(tiles), unsigned(chunks), unsigned(some)), dim3(Loop::kThreads),
                Loop::kShared},
               &gemm_kernel<Loop, A, B, C>, e, z, a, b, c, sums);
    }
    if (chunks == 1) return;
    const int64_t blocks = (p.m * p.n + kMapThreads - 1) / kMapThreads;
    const Grid grid{dim3(unsigned(blocks), 1, unsigned(p.batches)), dim3(kMapThreads)};
    if (result)
        launch(grid, &add_chunks<V, Dense<V>>, sums, Divider(p.n), Dense<V>{result, 1, p.m, p.n});
    else
        launch(grid, &add_chunks<V, C>, sums, Divider(p.n), c);
}

// By tiles of a size: large ones read less, small ones leave less of a narrow product idle.
template <class Large, class Small, class A, class B, class C, class V>
void gemm_by_size(const Products& p, const A& a, const B& b, const C& c, V* result) {
    const bool large = p.m > 64 && p.n > 64;
    if (large && tiles_of<Large>(p.m, p.n) * p.batches >= kEnoughBlocks / 8)
        gemm_tiled<Large>(p, a, b, c, result);
    else
        gemm_tiled<Small>(p, a, b, c, result);
}

// On the tensor cores.
template <class T, class A, class B, class C>
void gemm_mma(const Products& p, const A& a, const B& b, const C& c, float* result) {
    // Two factors that are read by element leave too few registers for large tiles; so does one
    // whose lines are searched for by element, where copies take registers too.
    constexpr bool kPlaces = HasPlaces<A, typename A::Row> || HasPlaces<B, typename B::Column>;
    constexpr bool kSearches = !HasPlaces<B, typename B::Column> && B::kAlongDepth;
    using Small = MmaLoop<T, 64, 64, 32, 32>;
    using Whole = MmaLoop<T, 128, 128, 64, 32>;
    using Large = std::conditional_t<kSearches, FromTf32<Whole>, Whole>;
    if (kSearches && !device().tf32)
        gemm_tiled<Small>(p, a, b, c, result);
    else
        gemm_by_size<std::conditional_t<kPlaces, Large, Small>, Small>(p, a, b, c, result);
}

// Into `result`, all matrices (m, n) one after the other and not rounded, unless that is nullptr.
template <class T, class A, class B, class C>
void gemm(const Products& p, const A& a, const B& b, const C& c, Real<T>* result = nullptr) {
    if (p.m <= 0 || p.n <= 0 || p.batches <= 0) return;
    if constexpr (kIsHalf<T>) {
        gemm_mma<T>(p, a, b, c, result);
    } else if constexpr (sizeof(T) == 4) {
        if (p.tf32 && device().tf32) return gemm_mma<T>(p, a, b, c, result);
        using Large = FfmaLoop<T, 128, 128, 8, 8>;
        gemm_by_size<Large, FfmaLoop<T, 32, 32, 16, 4>>(p, a, b, c, result);
    } else {
        gemm_tiled<FfmaLoop<T, 32, 32, 16, 4>>(p, a, b, c, result);
    }
}

}  // namespace tatami::cuda
