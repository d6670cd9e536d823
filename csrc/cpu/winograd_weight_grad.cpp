// Weight gradients by minimal filtering: dy as windows over tiles of x, products summed over all
// tiles before they are made taps.
#include "cpu/batch.h"
#include "cpu/conv2d.h"
#include "cpu/winograd_source.h"
#include "cpu/winograd_tile.h"

namespace tatami::TATAMI_ISA {

template <class S>
inline constexpr int kProductsSide = S::X::kSource.kRows;
template <class S>
inline constexpr int kAllProducts = kProductsSide<S> * kProductsSide<S>;

// The weights in tasks: rows (channels of dy) by vectors of channels of x, fewer rows where threads
// would find no work; the sums of one task (products, rows, vectors, kLanes).
template <class T>
struct WeightTasks {
    Blocks rows, vectors;

    TATAMI_INLINE WeightTasks(int64_t group_o, int64_t group_c)
        : vectors(even_blocks(ceil_div(group_c, kLanes<T>), kCorrelateVectors, 1)) {
        constexpr int64_t kMostRows = 4 * kPack<T>;
        const int64_t wanted = ceil_div(int64_t(2) * num_threads(), vectors.count);
        const int64_t each = ceil_div(round_up(group_o, kPack<T>), wanted);
        rows = even_blocks(round_up(group_o, kPack<T>), min(kMostRows, each), kPack<T>);
    }

    TATAMI_INLINE int64_t count() const { return rows.count * vectors.count; }
    TATAMI_INLINE int64_t product() const { return rows.size * vectors.size * kLanes<T>; }
};

// sums = dy · x over a group's tiles, as many at a time as stay in L1.
template <class T, class S>
static void correlate(const TileValues<T>& dy, const TileValues<T>& x, int64_t tiles, int64_t rows,
                      int64_t vectors, T* sums, int64_t product) {
    constexpr int n = kLanes<T>, together = kCorrelateRows<T>;
    constexpr int products = kProductsSide<S>, dy_values = S::kSource.kRows;
    constexpr int64_t kTiles = 128;
    constexpr auto widths = std::make_integer_sequence<int, kCorrelateVectors>{};
    for (int h = 0; h < products; h++)
        for (int w = 0; w < products; w++, sums += product) {
            const T* const b = x.data + (h * products + w) * x.value;
            const T* const a = dy.data + (S::value(h) * dy_values + S::value(w)) * dy.value;
            for (int64_t first = 0; first < tiles; first += kTiles)
                for (int64_t row = 0; row < rows; row += together)
                    correlate_tile_for<T>(vectors, first > 0, widths)(
                        min(kTiles, tiles - first), a + row / n * dy.block + row % n + first * n,
                        b + first * n, x.block, sums + row * vectors * n, vectors * n);
        }
}

// total (size) [+]= sums, with what rounding took from it so far behind (size), to be given back
// next time (Kahan): groups are too many for a chain. Returns total.
template <class T>
static T* add_group(T* total, const T* sums, int64_t size, bool accumulate) {
    T* const lost = total + size;
    for (int64_t i = 0; i < size; i += kLanes<T>) {
        const Vec<T> before = accumulate ? load(total + i) : Vec<T>{};
        const Vec<T> more = accumulate ? load(sums + i) + load(lost + i) : load(sums + i);
        const Vec<T> after = before + more;
        store(total + i, after);
        store(lost + i, more - (after - before));
    }
    return total;
}

// dweight of `rows` channels of dy by `channels` of x, from where it points; a row is o_stride.
template <class T, class S>
static void write_taps(const T* sums, int64_t product, int64_t rows, int64_t vectors,
                       int64_t channels, T* dweight, int64_t o_stride) {
    constexpr int n = kLanes<T>, side = S::kResult.kRows, taps = side * side;
    T window[round_up(taps, n) * n] = {};
    for (int64_t row = 0; row < rows; row++)
        for (int64_t v = 0; v < vectors; v++) {
            transform<T, S::kResult>(sums + (row * vectors + v) * n, kProductsSide<S> * product,
                                     product, window, side * n, n);
            write_along(window, taps, dweight + row * o_stride + v * n * taps, taps,
                        min<int64_t>(n, channels - v * n));
        }
}

template <class T, class S>
static void weight_grad_group(const Conv2d& p, const T* dy, const T* x, T* dweight) {
    constexpr int n = kLanes<T>, products = kAllProducts<S>;
    constexpr int dy_values = S::kSource.kRows * S::kSource.kRows;
    const TiledImages<T> from{x, p.c * p.h * p.w, p.group_c, p.h, p.w, p.pad_top, p.pad_left};
    const TiledImages<T> by{dy, p.o * p.oh * p.ow, p.group_o, p.oh, p.ow, 0, 0};
    const TileGrid grid = TileGrid::over(p.n, p.oh, p.ow, S::kStep, p.dilation_h, p.dilation_w);
    const int64_t row_bytes =
        (products * round_up(p.group_c, kPack<T>) + dy_values * round_up(p.group_o, kPack<T>)) *
        grid.columns * int64_t(sizeof(T));
    const int64_t tile_rows = p.n * grid.rows;
    const Blocks groups = even_blocks(tile_rows, max<int64_t>(kWinogradBytes / row_bytes, 1), 1);
    TileValues<T> xs = TileValues<T>::lay(nullptr, p.group_c, groups.size * grid.columns);
    TileValues<T> dys = TileValues<T>::lay(nullptr, p.group_o, groups.size * grid.columns);
    const memory::Scratch values((products * xs.value + dy_values * dys.value) * sizeof(T));
    xs.data = values.as<T>(), dys.data = xs.data + products * xs.value;

    // The sums of a group belong to the worker, those of several groups to the task.
    const WeightTasks<T> tasks(p.group_o, p.group_c);
    const int64_t size = products * (tasks.product() + n), threads = num_threads();
    const bool several = groups.count > 1;
    const memory::Scratch all((threads + 2 * several * tasks.count()) * size * sizeof(T));
    for (int64_t first = 0; first < tile_rows; first += groups.size) {
        const int64_t end = min(first + groups.size, tile_rows);
        const int64_t tiles = (end - first) * grid.columns;
        transform_tiles<T, typename S::X>(from, grid, first, end, xs);
        transform_tiles<T, S>(by, grid, first, end, dys);
        const int64_t work = products * tiles * tasks.count() * tasks.product() / n;
        parallel_for(tasks.count(), work, [&](int64_t task, int worker) {
            T* sums = all.as<T>() + worker * size;
            const int64_t o = task / tasks.vectors.count * tasks.rows.size;
            const int64_t v = task % tasks.vectors.count * tasks.vectors.size, c = v * n;
            const int64_t rows = min(tasks.rows.size, p.group_o - o);
            const int64_t vectors = min(tasks.vectors.size, ceil_div(p.group_c, n) - v);
            TileValues<T> a = dys, b = xs;
            a.data += o / n * a.block, b.data += v * b.block;
            const int64_t product = tasks.product() + n;
            correlate<T, S>(a, b, tiles, round_up(rows, kPack<T>), vectors, sums, product);
            if (several)
                sums = add_group(all.as<T>() + (threads + 2 * task) * size, sums, size, first > 0);
            if (end == tile_rows)
                write_taps<T, S>(sums, product, rows, vectors, p.group_c - c,
                                 dweight + (o * p.group_c + c) * p.kh * p.kw,
                                 p.group_c * p.kh * p.kw);
        });
    }
}

template <class T>
void winograd_weight_grad(WinogradScheme scheme, const Conv2d& p, const T* dy, const T* x,
                          T* dweight) {
    auto group = &weight_grad_group<T, KeepingGrad<F43>>;
    if (scheme == WinogradScheme::twos_of_five) group = &weight_grad_group<T, KeepingGrad<F25>>;
    if (scheme == WinogradScheme::halving_fours_of_three)
        group = &weight_grad_group<T, HalvingGrad<F42, 3>>;
    if (scheme == WinogradScheme::halving_sevens) group = &weight_grad_group<T, HalvingGrad<F72>>;
    if (scheme == WinogradScheme::halving_fours) group = &weight_grad_group<T, HalvingGrad<F42>>;
    if (scheme == WinogradScheme::halving_twos) group = &weight_grad_group<T, HalvingGrad<F22>>;
    for (int64_t g = 0; g < p.groups; g++)
        group(p, dy + g * p.group_o * p.oh * p.ow, x + g * p.group_c * p.h * p.w,
              dweight + g * p.group_o * p.group_c * p.kh * p.kw);
}

template void winograd_weight_grad(WinogradScheme, const Conv2d&, const float*, const float*,
                                   float*);

}  // namespace tatami::TATAMI_ISA
