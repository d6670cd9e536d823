// How gemm.h cuts a product into tasks, by the shape and the number of threads. No cut changes a
// bit of the result.
#pragma once

#include "cpu/tile.h"

namespace tatami::TATAMI_ISA {

// What a group's panels of B take of L2.
inline constexpr int64_t kGroupBytes = 1 << 18;

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

// The groups of columns of a task, as wide as kGroupBytes hold packed panels.
template <class T>
TATAMI_INLINE Blocks group_columns(int64_t columns, int64_t depth) {
    const int64_t panel_bytes = max<int64_t>(depth, 64) * kPanel<T> * int64_t(sizeof(T));
    return even_blocks(columns, max<int64_t>(kGroupBytes / panel_bytes, 1) * kPanel<T>, kPanel<T>);
}

// How the product is cut into tasks: bands of rows times bands of columns. A task packs all that it
// needs of both factors: threads exchange nothing, and never wait for each other.
struct Tasks {
    Blocks rows;     // of tiles
    Blocks columns;  // of columns
};

// Packing a column of B costs about as much as kPackRows rows of its products; packing a row of A,
// and meeting another core in the middle of a row of C, as kPackColumns columns.
inline constexpr int64_t kPackRows = 6, kPackColumns = 24;

// The cut that is done first, with a few tasks a thread at most. kWait: the part of a task that the
// last thread is behind.
template <class T>
TATAMI_INLINE Tasks plan_tasks(int64_t m, int64_t n, const Blocks& tiles, int threads) {
    constexpr double kWait = 0.02;
    constexpr int64_t kRounds = 4;
    double least = 0;
    Tasks best{{1, tiles.count}, {1, n}};
    if (threads == 1) return best;
    for (int64_t bands = 1; bands <= min(tiles.count, kRounds * threads); bands++)
        for (int64_t round = 1; round <= kRounds; round++) {
            const Tasks cut{
                even_blocks(tiles.count, ceil_div(tiles.count, bands), 1),
                even_blocks(n, ceil_div(n, max(round * threads / bands, int64_t(1))), kPanel<T>)};
            const double rows = double(min(m, cut.rows.size * tiles.size));
            const double columns = double(min(n, cut.columns.size));
            const int64_t rounds = ceil_div(cut.rows.count * cut.columns.count, threads);
            const double time = (double(rounds) + kWait) *
                                (rows * columns + kPackRows * columns + kPackColumns * rows);
            if (least != 0 && time >= least) continue;
            least = time;
            best = cut;
        }
    return best;
}

}  // namespace tatami::TATAMI_ISA
