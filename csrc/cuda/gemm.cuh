// The product behind matmul, linear, the convolutions and the recurrent layers on the CUDA cores:
// C (m, n) = A (m, k) · B (k, n), where A and B are whatever can be read by element and C whatever
// can be written so.
//
//   A: Row row(int64_t r)      what all elements of a row have in common
//      T at(Row, int64_t k)
//      kAlongDepth             neighbours in memory are neighbours in k
//      A batch(int64_t z)      the factor of that product among many
//   B: Column column(int64_t c), T at(Column, int64_t k), kAlongDepth, batch(z)
//   C: Column column(int64_t c), void store(int64_t row, Column, Real<T> value), batch(z)
//
// A block computes a tile of C from tiles of A and B in shared memory: while one pair is used the
// next is on its way through registers. An element is one chain of multiply-adds in the order of k,
// or, where k is cut so that all processors have work, the sum of a few chains in their order: the
// cut follows from the shape alone.
#pragma once

#include <algorithm>

#include "cuda/elementwise.cuh"
#include "cuda/primitives.cuh"

namespace tatami::cuda {

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
};

// A block's tile (ROWS, COLUMNS) of C, DEPTH of k at a time; a thread has (EACH, EACH) of it.
template <int ROWS, int COLUMNS, int DEPTH, int EACH>
struct Tile {
    static constexpr int kRows = ROWS, kColumns = COLUMNS, kDepth = DEPTH, kEach = EACH;
    static constexpr int kThreads = ROWS / EACH * (COLUMNS / EACH);
    // A thread's rows and columns come in fours, spread evenly over the tile: shared memory is read
    // 16 bytes at a time by neighbours side by side.
    static constexpr int kRun = 4, kRuns = EACH / kRun;
    static constexpr int kStrideA = ROWS + 4, kStrideB = COLUMNS + 4;
    static constexpr int kStage = DEPTH * (kStrideA + kStrideB);  // elements of one pair
};

using LargeTile = Tile<128, 128, 8, 8>;
using SmallTile = Tile<32, 32, 16, 4>;

struct Extent {
    int64_t m, n, k;
    int64_t chunk;  // of k, that one block works on
};

// How a block's threads read one of its two tiles, (WIDTH lines) by (DEPTH), from a factor.
template <class T, class Shape, int WIDTH, int STRIDE, class Line, bool ALONG_DEPTH>
struct Reader {
    static constexpr int kThreads = Shape::kThreads, kDepth = Shape::kDepth;
    static constexpr int kElements = WIDTH * kDepth / kThreads;
    static_assert(kElements * kThreads == WIDTH * kDepth);
    static constexpr int kLines = ALONG_DEPTH ? kElements : 1;  // that a thread reads from

    Line line[kLines];
    bool inside[kLines];
    T value[kElements];

    TATAMI_DEVICE static int line_of(int i) {
        return ALONG_DEPTH ? int(threadIdx.x) / kDepth + i * (kThreads / kDepth)
                           : int(threadIdx.x) % WIDTH;
    }
    TATAMI_DEVICE static int depth_of(int i) {
        return ALONG_DEPTH ? int(threadIdx.x) % kDepth
                           : int(threadIdx.x) / WIDTH + i * (kThreads / WIDTH);
    }

    template <class Find>
    TATAMI_DEVICE void begin(int64_t first, int64_t count, Find find) {
        TATAMI_UNROLL
        for (int i = 0; i < kLines; i++) {
            const int64_t at = first + line_of(i);
            inside[i] = at < count;
            line[i] = find(inside[i] ? at : 0);
        }
    }
    template <class Factor>
    TATAMI_DEVICE void read(const Factor& factor, int64_t k, int64_t end) {
        TATAMI_UNROLL
        for (int i = 0; i < kElements; i++) {
            const int64_t d = k + depth_of(i);
            const int l = ALONG_DEPTH ? i : 0;
            value[i] = inside[l] && d < end ? factor.at(line[l], d) : T(0);
        }
    }
    TATAMI_DEVICE void keep(T* shared) const {
        TATAMI_UNROLL
        for (int i = 0; i < kElements; i++) shared[depth_of(i) * STRIDE + line_of(i)] = value[i];
    }
};

// acc (EACH, EACH) += the products of one pair of tiles.
template <class T, class Shape>
TATAMI_DEVICE void multiply_stage(Real<T> (&acc)[Shape::kEach][Shape::kEach], const T* a,
                                  const T* b, int row, int column) {
    using Four = Elements<T, Shape::kRun>;
    constexpr int kSpreadA = Shape::kRows / Shape::kRuns, kSpreadB = Shape::kColumns / Shape::kRuns;
    for (int d = 0; d < Shape::kDepth; d++) {
        Four left[Shape::kRuns], right[Shape::kRuns];
        TATAMI_UNROLL
        for (int r = 0; r < Shape::kRuns; r++) {
            left[r] = *reinterpret_cast<const Four*>(a + d * Shape::kStrideA + row + r * kSpreadA);
            right[r] =
                *reinterpret_cast<const Four*>(b + d * Shape::kStrideB + column + r * kSpreadB);
        }
        TATAMI_UNROLL
        for (int i = 0; i < Shape::kEach; i++) TATAMI_UNROLL
        for (int j = 0; j < Shape::kEach; j++)
            acc[i][j] =
                fma(Real<T>(left[i / 4].at[i % 4]), Real<T>(right[j / 4].at[j % 4]), acc[i][j]);
    }
}

// Tile blockIdx.x of C, chunk blockIdx.y of k, product first_batch + blockIdx.z.
template <class T, class Shape, class A, class B, class C>
__global__ void __launch_bounds__(Shape::kThreads, 256 / Shape::kThreads)
    gemm_kernel(Extent e, int64_t first_batch, A all_a, B all_b, C all_c) {
    const int64_t z = first_batch + blockIdx.z;
    const auto a = all_a.batch(z);
    const auto b = all_b.batch(z);
    const int64_t across = (e.n + Shape::kColumns - 1) / Shape::kColumns;
    const int64_t row0 = int64_t(blockIdx.x) / across * Shape::kRows;
    const int64_t column0 = int64_t(blockIdx.x) % across * Shape::kColumns;
    const int64_t k0 = int64_t(blockIdx.y) * e.chunk;
    const int64_t end = k0 + e.chunk < e.k ? k0 + e.chunk : e.k;

    T* const shared = shared_memory<T>();
    Reader<T, Shape, Shape::kRows, Shape::kStrideA, typename A::Row, A::kAlongDepth> left;
    Reader<T, Shape, Shape::kColumns, Shape::kStrideB, typename B::Column, B::kAlongDepth> right;
    left.begin(row0, e.m, [&](int64_t r) { return a.row(r); });
    right.begin(column0, e.n, [&](int64_t c) { return b.column(c); });
    constexpr int kOffsetB = Shape::kDepth * Shape::kStrideA;
    const auto read = [&](int64_t k) { left.read(a, k, end), right.read(b, k, end); };
    const auto keep = [&](T* stage) { left.keep(stage), right.keep(stage + kOffsetB); };

    constexpr int kAcross = Shape::kColumns / Shape::kEach;  // threads
    const int row = int(threadIdx.x) / kAcross * Shape::kRun;
    const int column = int(threadIdx.x) % kAcross * Shape::kRun;
    Real<T> acc[Shape::kEach][Shape::kEach] = {};
    read(k0);
    keep(shared);
    int stage = 0;
    for (int64_t k = k0; k < end; k += Shape::kDepth, stage ^= 1) {
        sync_block();  // this pair is there, and nobody reads the other one any more
        const bool more = k + Shape::kDepth < end;
        const T* const now = shared + stage * Shape::kStage;
        if (more) read(k + Shape::kDepth);
        multiply_stage<T, Shape>(acc, now, now + kOffsetB, row, column);
        if (more) keep(shared + (stage ^ 1) * Shape::kStage);
    }

    const C c = all_c.batch(z).chunk(blockIdx.y);
    TATAMI_UNROLL
    for (int j = 0; j < Shape::kEach; j++) {
        const int64_t at = column0 + column + j / 4 * (Shape::kColumns / Shape::kRuns) + j % 4;
        if (at >= e.n) continue;
        const auto target = c.column(at);
        TATAMI_UNROLL
        for (int i = 0; i < Shape::kEach; i++) {
            const int64_t r = row0 + row + i / 4 * (Shape::kRows / Shape::kRuns) + i % 4;
            if (r < e.m) c.store(r, target, acc[i][j]);
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
template <class Shape>
int64_t tiles_of(int64_t m, int64_t n) {
    return ((m + Shape::kRows - 1) / Shape::kRows) * ((n + Shape::kColumns - 1) / Shape::kColumns);
}

template <class T, class Shape, class A, class B, class C>
void gemm_tiled(int64_t m, int64_t n, int64_t k, int64_t batches, const A& a, const B& b,
                const C& c) {
    const int64_t tiles = tiles_of<Shape>(m, n);
    int64_t chunks = 1;
    while (chunks < kMostChunks && tiles * batches * chunks * 2 <= kEnoughBlocks &&
           k / (chunks * 2) >= kLeastChunk)
        chunks *= 2;
    const int64_t chunk = (k + chunks - 1) / chunks;
    const Extent e{m, n, k, chunk > 0 ? chunk : 1};
    constexpr size_t kShared = 2 * Shape::kStage * sizeof(T);
    const auto grid = [&](int64_t z) {
        return dim3(unsigned(tiles), unsigned(chunks), unsigned(std::min(kGridY, batches - z)));
    };
    if (chunks == 1) {
        for (int64_t z = 0; z < batches; z += kGridY)
            launch({grid(z), dim3(Shape::kThreads), kShared}, &gemm_kernel<T, Shape, A, B, C>, e, z,
                   a, b, c);
        return;
    }
    using V = Real<T>;
    const Workspace sums(size_t(batches * chunks * m * n) * sizeof(V));
    const Partial<V> partial{sums.template as<V>(), chunks, m, n};
    launch({grid(0), dim3(Shape::kThreads), kShared}, &gemm_kernel<T, Shape, A, B, Partial<V>>, e,
           int64_t(0), a, b, partial);
    const int64_t blocks = (m * n + kMapThreads - 1) / kMapThreads;
    launch({dim3(unsigned(blocks), 1, unsigned(batches)), dim3(kMapThreads)}, &add_chunks<V, C>,
           partial, int64_t(0), c);
}

// `batches` products of one extent.
template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, int64_t batches, const A& a, const B& b, const C& c) {
    if (m <= 0 || n <= 0 || batches <= 0) return;
    // Large tiles read less; small ones leave less of a narrow product idle.
    if constexpr (sizeof(T) <= 4) {
        const bool large = m > 64 && n > 64;
        if (large && tiles_of<LargeTile>(m, n) * batches >= kEnoughBlocks / 8)
            return gemm_tiled<T, LargeTile>(m, n, k, batches, a, b, c);
    }
    gemm_tiled<T, SmallTile>(m, n, k, batches, a, b, c);
}

}  // namespace tatami::cuda
