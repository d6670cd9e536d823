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

// Rows [row, row + rows), one tile, by columns [column, end_column) of C, one block deep.
//   a: the packed tile; b: the panels of these columns; edge (kTileRows, kPanel) is scratch.
template <class T, class C>
TATAMI_INLINE void multiply_tile(const DepthBlock& block, int64_t row, int64_t rows, int64_t column,
                                 int64_t end_column, const T* a, const T* b, const C& c, T* edge) {
    for (; column < end_column; column += kPanel<T>, b += kPanel<T> * block.depth) {
        const int64_t columns = min<int64_t>(kPanel<T>, end_column - column);
        int64_t stride = kPanel<T>;
        T* const in_place = c.direct(row, column, columns, stride);
        T* const target = in_place ? in_place : edge;
        if (!in_place && !block.first) c.read(edge, row, rows, column, columns);
        tile_for<T>(rows, columns, !block.first)(block.depth, a, b, kPanel<T>, target, stride);
        if (block.last) c.finish(target, stride, row, rows, column, columns);
        if (!in_place) c.write(edge, row, rows, column, columns);
    }
}

template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, const A& a, const B& b, const C& c) {
    if (m <= 0 || n <= 0) return;
    const Blocks depths = even_blocks(k, c.depth_limit(), 1);
    const Blocks tiles = even_blocks(m, kTileRows, 1);
    const Tasks cut = plan_tasks<T>(m, n, tiles);
    const Blocks groups = group_columns<T>(cut.columns.size, depths.size);

    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t a_tile = round_up(tiles.size * depths.size, kPack<T>) + kPack<T>;
    const bool keep_tiles = groups.count > 1;
    const int64_t a_size = (keep_tiles ? cut.rows.size : 1) * a_tile;
    const int64_t b_size = groups.size * depths.size, edge_size = kPanel<T> * kTileRows;
    const int64_t scratch_size = a_size + b_size + edge_size;
    memory::Scratch scratch(num_threads() * scratch_size * sizeof(T));

    const auto multiply = [&](int64_t task, int worker) {
        T* const a_packed = scratch.as<T>() + worker * scratch_size;
        T *const panels = a_packed + a_size, *const edge = panels + b_size;
        const int64_t first_row = task / cut.columns.count * cut.rows.size * tiles.size;
        const int64_t end_row = min(m, first_row + cut.rows.size * tiles.size);
        const int64_t first_column = task % cut.columns.count * cut.columns.size;
        const int64_t end_column = min(n, first_column + cut.columns.size);
        for (int64_t i = 0; i < depths.count; i++) {
            const int64_t k0 = i * depths.size, depth = max<int64_t>(min(depths.size, k - k0), 0);
            const DepthBlock block{k0, depth, i == 0, i + 1 == depths.count};
            for (int64_t column = first_column; column < end_column; column += groups.size) {
                const int64_t end = min(end_column, column + groups.size);
                if (depth) b.pack(panels, column, end - column, k0, depth);
                T* tile = a_packed;
                for (int64_t row = first_row; row < end_row; row += tiles.size) {
                    const int64_t rows = min(tiles.size, end_row - row);
                    if (depth && column == first_column) a.pack(tile, row, rows, k0, depth);
                    multiply_tile(block, row, rows, column, end, tile, panels, c, edge);
                    if (keep_tiles) tile += a_tile;
                }
            }
        }
    };
    const int64_t work = m * n / kLanes<T> * max<int64_t>(k, 1);
    parallel_for(cut.rows.count * cut.columns.count, work, multiply);
}

}  // namespace tatami::TATAMI_ISA
