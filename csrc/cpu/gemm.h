// The blocked matrix product behind matmul, linear, the convolutions and the recurrent layers:
// C (m, n) = A (m, k) · B (k, n), where A and B are whatever a packer can read and C whatever an
// output can write.
//
//   A: void pack(T* to, row, rows, k0, depth)      to (depth, rows)
//   B: void pack(T* to, column, columns, k0, depth)     to: panels (depth, kPanel) one after the
//          other, as many as hold `columns`, zeros past them
//   C: T* direct(row, column, columns, int64_t& stride)     where a whole tile can be written in
//          place, or nullptr: then through read / write(tile (rows, kPanel), row, rows, column,
//          columns)
//      int64_t depth_limit()     the deepest block of k, kDepth where nothing speaks against it
//      void finish(T* tile, stride, row, rows, column, columns)     bias and activation
#pragma once

#include "cpu/parallel.h"
#include "cpu/plan.h"

namespace tatami::TATAMI_ISA {

// A block of the inner axis.
struct DepthBlock {
    int64_t k0, depth;
    bool first, last;
};

// Rows [row, end_row) by columns [column, end_column) of C, one block deep.
//   a: tiles of `tile_rows` rows, a_tile apart, from the first of these rows on; b: panels of these
//   columns; edge (kTileRows, kPanel) is scratch.
template <class T, class C>
TATAMI_INLINE void multiply_tiles(const DepthBlock& block, int64_t row, int64_t end_row,
                                  int64_t tile_rows, int64_t column, int64_t end_column, const T* a,
                                  int64_t a_tile, const T* b, const C& c, T* edge) {
    for (; row < end_row; row += tile_rows, a += a_tile) {
        const int64_t rows = min(tile_rows, end_row - row);
        const T* panel = b;
        for (int64_t col = column; col < end_column;
             col += kPanel<T>, panel += kPanel<T> * block.depth) {
            const int64_t cols = min<int64_t>(kPanel<T>, end_column - col);
            int64_t stride = kPanel<T>;
            T* const in_place = c.direct(row, col, cols, stride);
            T* const target = in_place ? in_place : edge;
            if (!in_place && !block.first) c.read(edge, row, rows, col, cols);
            tile_for<T>(rows, cols, !block.first)(block.depth, a, panel, kPanel<T>, target, stride);
            if (block.last) c.finish(target, stride, row, rows, col, cols);
            if (!in_place) c.write(edge, row, rows, col, cols);
        }
    }
}

template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, const A& a, const B& b, const C& c) {
    if (m <= 0 || n <= 0) return;
    const Blocks depths = even_blocks(k, c.depth_limit(), 1);
    const Blocks tiles = even_blocks(m, kTileRows, 1);
    const Tasks cut = plan_tasks<T>(m, n, depths.size, tiles.count);
    const Blocks groups = cut.groups, bands = cut.bands;

    const int64_t panels_size = groups.size * depths.size;
    const int64_t band_scratch = panels_size + kPanel<T> * kTileRows;
    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t a_tile = round_up(tiles.size * depths.size, kPack<T>) + kPack<T>;
    memory::Scratch scratch((tiles.count * a_tile + num_threads() * band_scratch) * sizeof(T));
    T* const a_packed = scratch.as<T>();
    T* const b_scratch = a_packed + tiles.count * a_tile;

    for (int64_t i = 0; i < depths.count; i++) {
        const int64_t k0 = i * depths.size, depth = max<int64_t>(min(depths.size, k - k0), 0);
        const DepthBlock block{k0, depth, i == 0, i + 1 == depths.count};
        parallel_for(depth ? tiles.count : 0, m * depth / kLanes<T> * 2, [&](int64_t t, int) {
            const int64_t row = t * tiles.size;
            a.pack(a_packed + t * a_tile, row, min(tiles.size, m - row), k0, depth);
        });
        const int64_t work = m * n / kLanes<T> * max<int64_t>(depth, 1);
        parallel_for(groups.count * bands.count, work, [&](int64_t task, int worker) {
            T* const panels = b_scratch + worker * band_scratch;
            const int64_t column = task % groups.count * groups.size;
            const int64_t end_column = min(n, column + groups.size);
            const int64_t tile = task / groups.count * bands.size;
            const int64_t end_tile = min(tiles.count, tile + bands.size);
            if (depth) b.pack(panels, column, end_column - column, k0, depth);
            multiply_tiles(block, tile * tiles.size, min(m, end_tile * tiles.size), tiles.size,
                           column, end_column, a_packed + tile * a_tile, a_tile, panels, c,
                           panels + panels_size);
        });
    }
}

}  // namespace tatami::TATAMI_ISA
