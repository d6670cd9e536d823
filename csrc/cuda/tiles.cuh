// Sums over lines of memory: each line is some rows of equal length, cut into tiles that a warp
// sums and a second kernel adds up, all by the shape alone.
#pragma once

#include "cuda/elementwise.cuh"
#include "cuda/rows.cuh"

namespace tatami::cuda {

template <class V>
struct Pair {
    V first, second;
};
template <class V>
TATAMI_DEVICE Pair<V> operator+(Pair<V> a, Pair<V> b) {
    return {a.first + b.first, a.second + b.second};
}
template <class V>
TATAMI_DEVICE Pair<double> wider(Pair<V> a) {
    return {double(a.first), double(a.second)};
}

// work(team, i) for i in [0, count).
template <class Team, class Work>
__global__ void for_teams(int64_t count, Work work) {
    constexpr int kThreads = kRowThreads / Team::kTeams;
    const int64_t i = int64_t(blockIdx.x) * Team::kTeams + threadIdx.x / kThreads;
    if (i < count) work(Team{}, i);
}

// By warps, or by blocks where each has much to do.
template <class Work>
void each_team(int64_t count, bool large, const Work& work) {
    if (count <= 0) return;
    const auto start = [&]<class Team>(Team) {
        const int64_t blocks = (count + Team::kTeams - 1) / Team::kTeams;
        launch({dim3(unsigned(blocks)), dim3(kRowThreads), kReduceRoom * sizeof(Pair<double>)},
               &for_teams<Team, Work>, count, work);
    };
    if (large)
        start(BlockTeam{});
    else
        start(WarpTeam{});
}

// By single threads: work(i).
template <class Work>
void each_thread(int64_t count, const Work& work) {
    if (count <= 0) return;
    launch({dim3(unsigned((count + kRowThreads - 1) / kRowThreads)), dim3(kRowThreads)},
           &for_teams<Single, Work>, count, work);
}

// One warp's part of a line.
struct Tile {
    int64_t start, rows, row_step, length;
    TATAMI_DEVICE int64_t elements() const { return rows * length; }
};

// Line i starts at i · line_step.
struct Tiles {
    int64_t lines, line_step, rows, row_step, length;
    int64_t tile_rows, tile_length, pieces, of_line;

    // Tiles of at least 1024 elements where lines have them, of more where there are enough.
    Tiles(int64_t lines, int64_t line_step, int64_t rows, int64_t row_step, int64_t length)
        : lines(lines), line_step(line_step), rows(rows), row_step(row_step), length(length) {
        tile_length = 1024;
        while (tile_length < 8192 && lines * rows * length / tile_length > 8192) tile_length *= 2;
        tile_rows = length ? tile_length / length : 1;
        if (tile_rows < 1) tile_rows = 1;
        pieces = (length + tile_length - 1) / tile_length;
        of_line = pieces * ((rows + tile_rows - 1) / tile_rows);
    }

    int64_t count() const { return lines * of_line; }

    // Tile i of all; its line is i / of_line.
    TATAMI_DEVICE Tile at(int64_t i) const {
        const int64_t line = i / of_line, t = i % of_line;
        const int64_t row = t / pieces * tile_rows, column = t % pieces * tile_length;
        const int64_t rest = length - column, below = rows - row;
        return {line * line_step + row * row_step + column, below < tile_rows ? below : tile_rows,
                row_step, rest < tile_length ? rest : tile_length};
    }
};

// take(i, n) for each N elements of a tile that are this lane's: those from i on, before n. N
// divides the tile's length and where rows start, or is 1.
template <int N, class Take>
TATAMI_DEVICE void each_of_lane(const Tile& q, const Take& take) {
    const int64_t n = q.elements();
    int64_t column = int64_t(threadIdx.x) % kWarp * N, start = q.start;
    for (int64_t e = column; e < n; e += kWarp * N, column += kWarp * N) {
        for (; column >= q.length; column -= q.length) start += q.row_step;
        take(start + column);
    }
}

// As many elements of T as 16 bytes hold, where every row of x is whole numbers of them; else 1.
template <class T>
inline constexpr int kWidth = 16 / int(sizeof(T));

// use(std::integral_constant<int, N>) for the N that a length allows.
template <class T, class Use>
void with_width(int64_t length, const Use& use) {
    if (length % kWidth<T> == 0)
        use(std::integral_constant<int, kWidth<T>>{});
    else
        use(std::integral_constant<int, 1>{});
}

// ---- y = f of a channel: x is runs of `length` elements, f.of(run) gives the function of a run.

template <int N, class T, class F, class... In>
__global__ void map_runs_kernel(int64_t n, int64_t length, bool wide, F f, T* y, const In*... x) {
    for (int p = 0; p < kMapPacks; p++) {
        const int64_t i = ((int64_t(blockIdx.x) * kMapPacks + p) * kMapThreads + threadIdx.x) * N;
        if (i >= n) return;
        int64_t run = i / length, left = (run + 1) * length - i;
        auto own = f.of(run);
        Elements<T, N> out;
        const auto all = [&](const Elements<In, N>... in) {
            for (int k = 0; k < N; k++) {
                if (left == 0 && i + k < n) {
                    own = f.of(++run);
                    left = length;
                }
                out.at[k] = own(Real<In>(in.at[k])...);
                left--;
            }
        };
        all(load_elements<N>(x, i, n, wide)...);
        store_elements<N>(y, i, n, wide, out);
    }
}

template <class T, class F, class... In>
void map_runs(int64_t n, int64_t length, const F& f, T* y, const In*... x) {
    if (n <= 0) return;
    const bool wide = aligned_to(y, 16) && (aligned_to(x, 16) && ...);
    constexpr int64_t kEach = kMapThreads * kMapPacks * kWidth<T>;
    launch({dim3(unsigned((n + kEach - 1) / kEach)), dim3(kMapThreads)},
           &map_runs_kernel<kWidth<T>, T, F, In...>, n, length, wide, f, y, x...);
}

// ---- Columns of a matrix: 32 of them a block, each summed by 8 threads of it.

inline constexpr int kColumnThreads = 8;
inline constexpr int64_t kSlotRows = 128;  // rows of a block

// Runs shorter than this go by columns.
inline constexpr int64_t kShortRun = 32;

// part (slots, columns) = work(column, first row, step, end) + ... of the rows of a slot.
template <class V, class Work>
__global__ void sum_columns(int64_t rows, int64_t columns, int64_t across, Work work, V* part) {
    const int64_t slot = blockIdx.x / across;
    const int64_t column = blockIdx.x % across * kWarp + threadIdx.x;
    const int64_t first = slot * kSlotRows;
    const int64_t end = rows < first + kSlotRows ? rows : first + kSlotRows;
    V* const room = shared_memory<V>();
    if (column < columns)
        room[threadIdx.y * kWarp + threadIdx.x] =
            work(column, first + threadIdx.y, int64_t(kColumnThreads), end);
    sync_block();
    if (threadIdx.y || column >= columns) return;
    V sum = room[threadIdx.x];
    for (int k = 1; k < kColumnThreads; k++) sum = sum + room[k * kWarp + threadIdx.x];
    part[slot * columns + column] = sum;
}

inline int64_t column_slots(int64_t rows) {
    return (rows + kSlotRows - 1) / kSlotRows;
}

template <class V, class Work>
void each_column(int64_t rows, int64_t columns, const Work& work, V* part) {
    if (rows <= 0 || columns <= 0) return;
    const int64_t across = (columns + kWarp - 1) / kWarp;
    launch({dim3(unsigned(across * column_slots(rows))), dim3(kWarp, kColumnThreads),
            kWarp * kColumnThreads * sizeof(V)},
           &sum_columns<V, Work>, rows, columns, across, work, part);
}

// Where the parts of a sum lie: part k of sum i.
struct Parts {
    int64_t count;              // of each sum
    int64_t step;               // between sums
    int64_t inner, outer_step;  // runs of `inner` neighbours, so far apart
    TATAMI_DEVICE int64_t at(int64_t i, int64_t k) const {
        return i * step + k / inner * outer_step + k % inner;
    }
    bool large() const { return count > 256; }
};

// Of Tiles whose line i % channels belongs to channel i.
inline Parts channel_parts(const Tiles& t, int64_t channels) {
    const int64_t per = channels ? t.lines / channels : 0;
    return {per * t.of_line, t.of_line, t.of_line > 0 ? t.of_line : 1, channels * t.of_line};
}

// Of columns, `repeat` of which are a channel's.
inline Parts column_parts(int64_t rows, int64_t columns, int64_t repeat) {
    return {column_slots(rows) * repeat, repeat, repeat > 0 ? repeat : 1, columns};
}

}  // namespace tatami::cuda
