// How gemm.h cuts a product into tasks: what threads pack, share and fetch from each other, weighed
// by the shape and the number of threads. No cut changes a bit of the result.
#pragma once

#include "core/thread_pool.h"
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

}  // namespace tatami::TATAMI_ISA
