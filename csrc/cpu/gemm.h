// The blocked matrix product behind matmul, linear, the convolutions and the recurrent layers:
// C (m, n) = A (m, k) · B (k, n), where A and B are whatever a packer can read and C whatever an
// output can write.
//
//   A: void pack(T* to, row, rows, k0, depth)      to (depth, rows)
//      Runs runs(row, rows, k0, depth)     the memory that pack will read, or none
//   B: void pack(T* to, column, columns, k0, depth)     to: panels (depth, kPanel) one after the
//          other, as many as hold `columns`, zeros past them
//      Runs runs(column, columns, k0, depth)
//   C: SumOf<T>* direct(row, column, columns, int64_t& stride)     where a whole tile can be
//   written in
//          place, or nullptr: then through read / write(tile (rows, kPanel), row, rows, column,
//          columns)
//      int64_t depth_limit()     the deepest block of k, kDepth where nothing speaks against it
//      void finish(T* tile, stride, row, rows, column, columns)     bias and activation
#pragma once

#include "cpu/parallel.h"
#include "cpu/plan.h"

namespace tatami::TATAMI_ISA {

// Rows [row, end_row) by columns [column, end_column) of C.
struct Rectangle {
    int64_t row, end_row, column, end_column;
};

// A block of the inner axis.
struct DepthBlock {
    int64_t k0, depth, next_depth;  // next_depth: of the block after it, or 0
    bool first, last;
};

// What a thread packs into, and what it will pack next.
template <class T>
struct Packed {
    T *tiles, *panels;
    SumOf<T>* edge;     // (kTileRows, kPanel): a tile that C cannot hold in place
    int64_t tile_size;  // elements between tiles of A
    bool keep_tiles;    // for the groups of columns to come
    Fetch next_a, next_b;
};

// One tile of rows by the columns of a group, one block deep; a: the packed tile.
template <class T, class C>
TATAMI_INLINE void multiply_tile(const DepthBlock& block, const Rectangle& at, const T* a,
                                 const C& c, Packed<T>& to) {
    const int64_t rows = at.end_row - at.row;
    const T* b = to.panels;
    for (int64_t column = at.column; column < at.end_column;
         column += kPanel<T>, b += kPanel<T> * block.depth) {
        const int64_t columns = min<int64_t>(kPanel<T>, at.end_column - column);
        int64_t stride = kPanel<T>;
        SumOf<T>* const in_place = c.direct(at.row, column, columns, stride);
        SumOf<T>* const target = in_place ? in_place : to.edge;
        if (!in_place && !block.first) c.read(to.edge, at.row, rows, column, columns);
        tile_for<T>(rows, columns, !block.first)(block.depth, a, b, kPanel<T>, target, stride,
                                                 to.next_a, to.next_b);
        if (block.last) c.finish(target, stride, at.row, rows, column, columns);
        if (!in_place) c.write(to.edge, at.row, rows, column, columns);
    }
}

// The rectangle of a task by one block: group by group of columns, tile by tile of rows. A tile is
// packed right before the first group needs it.
template <class T, class A, class B, class C>
TATAMI_INLINE void multiply_block(const DepthBlock& block, const Rectangle& all, int64_t group,
                                  int64_t tile_rows, const A& a, const B& b, const C& c,
                                  Packed<T>& to) {
    const int64_t k0 = block.k0, depth = block.depth;
    for (int64_t column = all.column; column < all.end_column; column += group) {
        const int64_t end = min(all.end_column, column + group);
        if (depth) b.pack(to.panels, column, end - column, k0, depth);
        if (depth && end < all.end_column)
            to.next_b.begin(b.runs(end, min(group, all.end_column - end), k0, depth));
        else if (block.next_depth)
            to.next_b.begin(b.runs(all.column, min(group, all.end_column - all.column), k0 + depth,
                                   block.next_depth));
        T* tile = to.tiles;
        for (int64_t row = all.row; row < all.end_row; row += tile_rows) {
            const int64_t end_row = min(all.end_row, row + tile_rows);
            if (depth && column == all.column) {
                a.pack(tile, row, end_row - row, k0, depth);
                to.next_a.begin(a.runs(end_row, min(tile_rows, all.end_row - end_row), k0, depth));
            }
            multiply_tile(block, {row, end_row, column, end}, tile, c, to);
            if (to.keep_tiles) tile += to.tile_size;
        }
    }
}

// add: the product is added to what C holds, which goes on where that product ended.
template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, const A& a, const B& b, const C& c, bool add = false) {
    if (m <= 0 || n <= 0) return;
    const Blocks depths = even_blocks(k, c.depth_limit(), 1);
    const Blocks tiles = even_blocks(m, kTileRows, 1);
    const int64_t work = m * n / kLanes<T> * max<int64_t>(k, 1);
    const int threads = work < kSerialWork ? 1 : num_threads();
    const Tasks cut = plan_tasks<T>(m, n, tiles, threads);
    const Blocks groups = group_columns<T>(cut.columns.size, depths.size);

    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t tile_size = round_up(tiles.size * depths.size, kPack<T>) + kPack<T>;
    const bool keep_tiles = groups.count > 1;
    const int64_t a_size = (keep_tiles ? cut.rows.size : 1) * tile_size;
    const int64_t b_size = groups.size * depths.size;
    const int64_t scratch_size = a_size + b_size + kPanel<T> * kTileRows;
    memory::Scratch scratch(threads * scratch_size * sizeof(T));

    const auto multiply = [&](int64_t task, int worker) {
        T* const own = scratch.as<T>() + worker * scratch_size;
        auto* const edge = reinterpret_cast<SumOf<T>*>(own + a_size + b_size);
        Packed<T> to{own, own + a_size, edge, tile_size, keep_tiles, {}, {}};
        const int64_t row = task / cut.columns.count * cut.rows.size * tiles.size;
        const int64_t column = task % cut.columns.count * cut.columns.size;
        const Rectangle all{row, min(m, row + cut.rows.size * tiles.size), column,
                            min(n, column + cut.columns.size)};
        for (int64_t i = 0; i < depths.count; i++) {
            const int64_t k0 = i * depths.size, end = min(k, k0 + depths.size);
            const DepthBlock block{k0, end - k0, min(depths.size, k - end), i == 0 && !add,
                                   i + 1 == depths.count};
            multiply_block(block, all, groups.size, tiles.size, a, b, c, to);
        }
    };
    parallel_for(cut.rows.count * cut.columns.count, work, multiply);
}

}  // namespace tatami::TATAMI_ISA
