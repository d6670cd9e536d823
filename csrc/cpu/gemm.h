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

// When the last thread is done, in rows of one panel: each works through its share of the tasks,
// then takes what others have not begun. Packing a panel costs about as much as kPackRows rows of
// its products, fetching a row of A that another core packed kForeignRows. Many tasks even out by
// themselves.
TATAMI_INLINE double time_of(const Tasks& t, int64_t panels, int64_t width, int64_t tiles,
                             double tile_rows, int threads) {
    constexpr double kPackRows = 6, kForeignRows = 1.2;
    constexpr int kMostThreads = 16, kMostTasks = 64;
    const int64_t count = t.groups.count * t.bands.count;
    const auto product_time = [&](int64_t task) {
        const int64_t group = task % t.groups.count, band = task / t.groups.count;
        return double(min(width, panels - group * width)) *
               (double(min(t.bands.size, tiles - band * t.bands.size)) * tile_rows + kPackRows);
    };
    const auto fetch_time = [&](int64_t band, int thread) {
        const int64_t begin = band * t.bands.size, end = min(tiles, begin + t.bands.size);
        const int64_t own =
            min(end, tiles * (thread + 1) / threads) - max(begin, tiles * thread / threads);
        return double(end - begin - max<int64_t>(own, 0)) * tile_rows * kForeignRows;
    };
    if (threads > kMostThreads || count > kMostTasks) {
        const double all = double(panels) * (double(tiles) * tile_rows + kPackRows * t.bands.count);
        return all / threads + product_time(0) / 2;
    }
    double busy_until[kMostThreads] = {}, last = 0;
    int64_t begun[kMostThreads] = {}, fetched[kMostThreads] = {};  // fetched: bands, from 1 on
    for (int64_t left = count; left > 0; left--) {
        int first = 0;
        for (int i = 1; i < threads; i++)
            if (busy_until[i] < busy_until[first]) first = i;
        int from = first;
        while (count * from / threads + begun[from] >= count * (from + 1) / threads)
            from = (from + 1) % threads;
        const int64_t task = count * from / threads + begun[from]++, band = task / t.groups.count;
        if (fetched[first] != band + 1) busy_until[first] += fetch_time(band, first);
        fetched[first] = band + 1;
        last = max(last, busy_until[first] += product_time(task));
    }
    return last;
}

// The cut that is done first.
template <class T>
TATAMI_INLINE Tasks plan_tasks(int64_t m, int64_t n, int64_t depth, int64_t tiles) {
    const int threads = num_threads();
    const int64_t panels = ceil_div(n, kPanel<T>);
    const int64_t panel_bytes = max<int64_t>(depth, 64) * kPanel<T> * int64_t(sizeof(T));
    const int64_t most = min(panels, max<int64_t>(kGroupBytes / panel_bytes, 1));
    double least = 0;
    Tasks best{};
    for (int64_t width = most; width >= max<int64_t>(most / 2, 1); width--)
        for (int64_t count = 1; count <= min<int64_t>(tiles, 2 * threads); count++) {
            const Tasks cut{{ceil_div(panels, width), width * kPanel<T>},
                            even_blocks(tiles, ceil_div(tiles, count), 1)};
            const double time =
                time_of(cut, panels, width, tiles, double(m) / double(tiles), threads);
            if (least != 0 && time >= least * 0.99) continue;
            least = time;
            best = cut;
        }
    return best;
}

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
