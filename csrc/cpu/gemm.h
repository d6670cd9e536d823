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
#include "cpu/tile.h"

namespace tatami::TATAMI_ISA {

// What a group's panels of B take of L2.
inline constexpr int64_t kGroupBytes = 1 << 19;

struct Blocks {
    int64_t count, size;
};

// n cut into blocks of at most `most`, as even as multiples of `unit` allow.
TATAMI_INLINE Blocks even_blocks(int64_t n, int64_t most, int64_t unit) {
    if (n <= 0) return {1, 0};
    const int64_t count = ceil_div(n, most);
    const int64_t size = round_up(ceil_div(n, count), unit);
    return {ceil_div(n, size), size};
}

// How the product is cut into tasks: groups of columns, whose panels of B a task packs, times bands
// of row tiles.
struct Tasks {
    Blocks groups;  // of columns
    Blocks bands;   // of tiles
};

// The cut with the least time on its slowest thread: whole rounds of tasks, and a panel's packing,
// which costs about as much as kPackRows rows of products, once a band.
template <class T>
TATAMI_INLINE Tasks plan_tasks(int64_t m, int64_t n, int64_t depth, int64_t tiles) {
    constexpr double kPackRows = 6;
    const int threads = num_threads();
    const int64_t panels = ceil_div(n, kPanel<T>);
    const int64_t panel_bytes = max<int64_t>(depth, 64) * kPanel<T> * int64_t(sizeof(T));
    const int64_t most = min(panels, max<int64_t>(kGroupBytes / panel_bytes, 1));
    double least = 0;
    Tasks best{};
    for (int64_t width = most; width >= max<int64_t>(most / 2, 1); width--)
        for (int64_t count = 1; count <= min<int64_t>(tiles, 2 * threads); count++) {
            const Blocks bands = even_blocks(tiles, ceil_div(tiles, count), 1);
            const int64_t groups = ceil_div(panels, width);
            const double rows = double(m) * bands.size / tiles + kPackRows;
            const double time = ceil_div(groups * bands.count, threads) * width * rows;
            if (least != 0 && time >= least * 0.99) continue;
            least = time;
            best = {{groups, width * kPanel<T>}, bands};
        }
    return best;
}

template <class T, class A, class B, class C>
void gemm(int64_t m, int64_t n, int64_t k, const A& a, const B& b, const C& c) {
    if (m <= 0 || n <= 0) return;
    const Blocks depths = even_blocks(k, c.depth_limit(), 1);
    const Blocks tiles = even_blocks(m, kTileRows, 1);

    const auto [groups, bands] = plan_tasks<T>(m, n, depths.size, tiles.count);
    const int threads = num_threads();

    const int64_t band_scratch = groups.size * depths.size + kPanel<T> * kTileRows;
    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t a_tile = round_up(tiles.size * depths.size, kPack<T>) + kPack<T>;
    memory::Scratch scratch((tiles.count * a_tile + threads * band_scratch) * sizeof(T));
    T* const a_packed = scratch.as<T>();
    T* const b_scratch = a_packed + tiles.count * a_tile;

    for (int64_t block = 0; block < depths.count; block++) {
        const int64_t k0 = block * depths.size, depth = max<int64_t>(min(depths.size, k - k0), 0);
        const bool accumulate = block > 0, last = block + 1 == depths.count;
        parallel_for(depth ? tiles.count : 0, m * depth / kLanes<T> * 2, [&](int64_t t, int) {
            const int64_t row = t * tiles.size, rows = min(tiles.size, m - row);
            a.pack(a_packed + t * a_tile, row, rows, k0, depth);
        });
        const int64_t work = m * n / kLanes<T> * max<int64_t>(depth, 1);
        parallel_for(groups.count * bands.count, work, [&](int64_t task, int worker) {
            T* const panels = b_scratch + worker * band_scratch;
            T* const edge = panels + groups.size * depths.size;
            const int64_t first = task % groups.count * groups.size;
            const int64_t end = min(n, first + groups.size);
            const int64_t tile0 = task / groups.count * bands.size;
            const int64_t tile1 = min(tiles.count, tile0 + bands.size);
            if (depth) b.pack(panels, first, end - first, k0, depth);
            for (int64_t t = tile0; t < tile1; t++) {
                const int64_t row = t * tiles.size, rows = min(tiles.size, m - row);
                for (int64_t col = first; col < end; col += kPanel<T>) {
                    const int64_t cols = min<int64_t>(kPanel<T>, end - col);
                    int64_t stride = kPanel<T>;
                    T* const in_place = c.direct(row, col, cols, stride);
                    T* const target = in_place ? in_place : edge;
                    if (!in_place && accumulate) c.read(edge, row, rows, col, cols);
                    tile_for<T>(rows, cols, accumulate)(depth, a_packed + t * a_tile,
                                                        panels + (col - first) * depth, kPanel<T>,
                                                        target, stride);
                    if (last) c.finish(target, stride, row, rows, col, cols);
                    if (!in_place) c.write(edge, row, rows, col, cols);
                }
            }
        });
    }
}

}  // namespace tatami::TATAMI_ISA
