// Convolution forward and by its input with minimal filtering: tiles of the source transformed for
// a group of them at a time, then products and results by panels of channels.
#include "cpu/batch.h"
#include "cpu/conv2d.h"
#include "cpu/image.h"
#include "cpu/winograd_source.h"
#include "cpu/winograd_tile.h"

namespace tatami::TATAMI_ISA {

// The windows of one group: elements between channels of the result, between those of the source;
// whether they are turned by half a turn.
template <class T>
struct Windows {
    const T* data;
    int64_t result, source, dilation_h, dilation_w;
    bool turned;
};

// Channels of the source that are multiplied at once: their weights stay near, and those of a
// product's phases in L1.
template <class S>
inline constexpr int64_t kChannelsAtOnce = (S::kPhases == 1 ? 256 : 128) * 6 / S::kWeights.kRows;

// to (taps, kLanes): the windows of `count` channels, so far apart; zeros for the others. One copy
// for all schemes.
template <class T>
[[gnu::noipa]] static void read_windows(const T* from, int64_t stride, int64_t count, int64_t taps,
                                        T* to) {
    transpose_strip(to, kLanes<T>, from, stride, count, taps);
}

// to (values, depth, kPanel): the weights of `columns` channels of the result from `column` on by
// the source's from k0 on; zeros past the last of either. Both sides have far too many streams for
// the hardware to look ahead.
template <class T, class S>
static void transform_weights(const Windows<T>& w, int64_t column, int64_t columns, int64_t k0,
                              int64_t channels, int64_t depth, T* to, int64_t value) {
    constexpr int n = kLanes<T>, taps = S::kTaps, values = S::kWeights.kRows;
    constexpr int64_t kAhead = 8, kStoresAhead = 2;
    T window[taps * taps * n];
    const T* const first_tap = w.turned ? window + (taps * taps - 1) * n : window;
    const int64_t tap = w.turned ? -n : n;
    for (int64_t first = 0; first < kPanel<T>; first += n, to += n)
        for (int64_t k = 0; k < depth; k++) {
            const int64_t width = max<int64_t>(min<int64_t>(columns - first, n), 0);
            const T* const from = w.data + (column + first) * w.result + (k0 + k) * w.source;
            T* const at = to + k * kPanel<T>;
            for (int64_t i = 0; i < width; i++)
                __builtin_prefetch(from + i * w.result + kAhead * w.source, 0, 2);
            for (int v = 0; v < values * values; v++)
                __builtin_prefetch(at + v * value + kStoresAhead * kPanel<T>, 1);
            read_windows(from, w.result, k < channels ? width : 0, taps * taps, window);
            transform<T, S::kWeights>(first_tap, taps * tap, tap, at, values * value, value);
        }
}

// What the transformed tiles of a thread take of L2, and weights that are kept for all of them, of
// the last cache.
inline constexpr int64_t kRunBytes = 1 << 19, kKeptBytes = 4 << 20;

// What the values of a row of tiles take.
template <class T, class S>
TATAMI_INLINE int64_t row_bytes(const TileGrid& grid, int64_t channels) {
    constexpr int values = S::kSource.kRows;
    return values * values * grid.columns * round_up(channels, kPack<T>) * int64_t(sizeof(T));
}

// What multiplies a group of tiles: sums (products, tiles, kPanel), each product `sum` elements
// from the one before.
template <class T>
struct TileSums {
    T* data;
    int64_t tiles, sum;

    TATAMI_INLINE static int64_t stride(int64_t tiles) { return tiles * kPanel<T> + kLanes<T>; }
};

// sums = [sums +] weights · source, for `blocks` blocks of channels.
template <class T, class S>
static void multiply_tiles(const TileValues<T>& source, const T* weights, int64_t weight_value,
                           int64_t blocks, bool accumulate, const TileSums<T>& sums) {
    constexpr int products = S::kProducts, phases = S::kPhases;
    constexpr int values = S::kSource.kRows, all = S::kWeights.kRows;
    const Blocks rows = even_blocks(sums.tiles, kTileRows, 1);
    for (int product = 0; product < products * products; product++) {
        const T *a[phases * phases], *b[phases * phases];
        int used = 0;
        for (int f = 0; f < phases * phases; f++) {
            const int h = f / phases * products + product / products;
            const int w = f % phases * products + product % products;
            if (h >= all || w >= all) continue;
            a[used] = source.data + (S::value(h) * values + S::value(w)) * source.value;
            b[used++] = weights + (h * all + w) * weight_value;
        }
        T* to = sums.data + product * sums.sum;
        for (int64_t tile = 0; tile < sums.tiles; tile += rows.size) {
            const int64_t count = min(rows.size, sums.tiles - tile);
            winograd_tile_for<T>(count, accumulate, std::make_integer_sequence<int, kTileRows>{})(
                used, a, b, blocks, source.block, to);
            to += count * kPanel<T>;
            for (int f = 0; f < used; f++) a[f] += count * kLanes<T>;
        }
    }
}

// Rows of a piece's tiles, as vectors of pixels; from: of the first tile.
template <class T, class S>
static void transform_results(const TileGrid& grid, int64_t tile_rows, const T* from, int64_t sum,
                              int64_t rows, int64_t columns, T* to) {
    constexpr int n = kLanes<T>, outputs = S::kOutputs, products = S::kProducts;
    const int64_t h = grid.dilation_h, w = grid.dilation_w;
    for (int64_t r = 0; r < tile_rows; r++)
        grid.each_tile(outputs, [&](int64_t row, int64_t j) {
            const int64_t i = r * outputs * h + row;
            T* const at = to + (i * columns + j) * n;
            if (i + (outputs - 1) * h < rows && j + (outputs - 1) * w < columns) {
                transform<T, S::kResult>(from, products * sum, sum, at, h * columns * n, w * n);
            } else {
                T edge[outputs * outputs * n];
                transform<T, S::kResult>(from, products * sum, sum, edge, outputs * n, n);
                for (int k = 0; k < outputs && i + k * h < rows; k++)
                    for (int l = 0; l < outputs && j + l * w < columns; l++)
                        store(at + (k * h * columns + l * w) * n,
                              load(edge + (k * outputs + l) * n));
            }
            from += kPanel<T>;
        });
}

// The results of `count` channels from `channel` on. pixels: scratch for group.most rows of tiles.
template <class T, class S>
static void write_results(const TileGrid& grid, const TileGroup& group, const TileSums<T>& sums,
                          int64_t channel, int64_t count, const Image<T>& out, T* pixels) {
    constexpr int n = kLanes<T>, outputs = S::kOutputs;
    for (int64_t i = 0; i < group.pieces(grid); i++) {
        const TilePiece piece = group.piece(grid, i);
        const int64_t apart = outputs * grid.dilation_h, row = piece.begin * apart;
        const int64_t rows = min(piece.end * apart, out.rows) - row;
        const int64_t size = rows * out.columns;
        for (int64_t first = 0; first < count; first += n) {
            const int64_t width = min<int64_t>(n, count - first);
            transform_results<T, S>(grid, piece.end - piece.begin,
                                    sums.data + piece.row * grid.columns * kPanel<T> + first,
                                    sums.sum, rows, out.columns, pixels);
            if (out.bias) {
                const Vec<T> bias = load_first(out.bias + channel + first, width);
                for (int64_t p = 0; p < size; p++)
                    store(pixels + p * n, load(pixels + p * n) + bias);
            }
            activate_rows(out.activation, pixels, size * n, 1, size * n);
            write_along(pixels, size,
                        out.data + piece.image * out.image_stride + (channel + first) * out.plane +
                            row * out.columns,
                        out.plane, width);
        }
    }
}

// Rows of tiles whose results as vectors take a part of L2.
template <class T, class S>
TATAMI_INLINE int64_t result_rows(const TileGrid& grid) {
    constexpr int64_t kBytes = 1 << 17;
    const int64_t row = grid.columns * S::kOutputs * S::kOutputs * kLanes<T> * int64_t(sizeof(T));
    return min(max<int64_t>(kBytes / row, 1), grid.rows);
}

// Elements of so many results, of which whole vectors of pixels are read.
template <class T, class S>
TATAMI_INLINE int64_t result_pixels(const TileGrid& grid) {
    constexpr int64_t kTile = S::kOutputs * S::kOutputs;
    return (result_rows<T, S>(grid) * grid.columns * kTile + kLanes<T>)*kLanes<T>;
}

// Rows of tiles that are multiplied before their results are written: their sums stay in L2, unless
// the channels are too many to keep the weights meanwhile.
template <class T, class S>
TATAMI_INLINE Blocks sum_runs(int64_t rows, int64_t columns, bool keeps_weights) {
    constexpr int64_t kBytes = 1 << 19, kProducts = S::kProducts * S::kProducts;
    const int64_t row = kProducts * columns * kPanel<T> * int64_t(sizeof(T));
    return even_blocks(rows, keeps_weights ? max<int64_t>(kBytes / row, 1) : rows, 1);
}

// All of a group's tiles, in tasks: a panel of channels by a part of the tiles.
template <class T, class S>
static void multiply_group(const TileGrid& grid, const TileGroup& group,
                           const TileValues<T>& source, int64_t channels, const Windows<T>& windows,
                           int64_t results, const Image<T>& out) {
    constexpr int products = S::kProducts * S::kProducts;
    constexpr int all = S::kWeights.kRows * S::kWeights.kRows;
    const Blocks depths = even_blocks(channels, kChannelsAtOnce<S>, kPack<T>);
    const int64_t panels = ceil_div(results, kPanel<T>), threads = num_threads();
    const int64_t wanted = panels % threads == 0 ? 1 : ceil_div(4 * threads, panels);
    const int64_t group_rows = group.end - group.first;
    const Blocks parts = even_blocks(group_rows, ceil_div(group_rows, wanted), 1);
    const Blocks runs = sum_runs<T, S>(parts.size, grid.columns, depths.count == 1);
    const int64_t weight_value = depths.size * kPanel<T> + kLanes<T>;
    const int64_t sum = TileSums<T>::stride(runs.size * grid.columns);
    const int64_t most = result_rows<T, S>(grid), pixels = result_pixels<T, S>(grid);
    const int64_t room = all * weight_value + products * sum + pixels;
    const memory::Scratch scratch(threads * room * sizeof(T));
    const int64_t work =
        products * S::kPhases * S::kPhases * group_rows * grid.columns * channels * panels * 2;
    parallel_for(panels * parts.count, work, [&](int64_t task, int worker) {
        T* const weights = scratch.as<T>() + worker * room;
        T* const sums = weights + all * weight_value;
        const int64_t column = task / parts.count * kPanel<T>;
        const int64_t columns = min<int64_t>(kPanel<T>, results - column);
        const int64_t begin = group.first + task % parts.count * parts.size;
        const int64_t end = min(begin + parts.size, group.end);
        for (int64_t first = begin; first < end; first += runs.size) {
            const TileGroup run{first, min(first + runs.size, end), most};
            const TileSums<T> to{sums, (run.end - first) * grid.columns, sum};
            TileValues<T> from = source;
            from.data += (first - group.first) * grid.columns * kLanes<T>;
            for (int64_t k0 = 0; k0 < channels; k0 += depths.size) {
                const int64_t count = min(depths.size, channels - k0);
                const int64_t depth = round_up(count, kPack<T>);
                if (first == begin)
                    transform_weights<T, S>(windows, column, columns, k0, count, depth, weights,
                                            weight_value);
                multiply_tiles<T, S>(from, weights, weight_value, depth / kLanes<T>, k0 > 0, to);
                from.data += depth / kLanes<T> * from.block;
            }
            write_results<T, S>(grid, run, to, column, columns, out, sums + products * sum);
        }
    });
}

// Tiles in groups of as many as the last cache holds, each by all threads.
template <class T, class S>
static void winograd_groups(const TiledImages<T>& x, const TileGrid& grid,
                            const Windows<T>& windows, int64_t results, const Image<T>& out) {
    constexpr int values = S::kSource.kRows;
    const int64_t rows = grid.images * grid.rows;
    const Blocks groups =
        even_blocks(rows, max<int64_t>(kWinogradBytes / row_bytes<T, S>(grid, x.channels), 1), 1);
    TileValues<T> source = TileValues<T>::lay(nullptr, x.channels, groups.size * grid.columns);
    const memory::Scratch scratch(values * values * source.value * sizeof(T));
    source.data = scratch.as<T>();
    for (int64_t first = 0; first < rows; first += groups.size) {
        const TileGroup group{first, min(first + groups.size, rows), 1};
        transform_tiles<T, S>(x, grid, group.first, group.end, source);
        multiply_group<T, S>(grid, group, source, x.channels, windows, results, out);
    }
}

// Few channels: all weights are transformed once, and tiles in runs of as many as L2 holds. A
// thread does all that a run needs.
template <class T, class S>
static void winograd_runs(const TiledImages<T>& x, const TileGrid& grid, const Windows<T>& windows,
                          int64_t results, const Image<T>& out) {
    constexpr int n = kLanes<T>, values = S::kSource.kRows * S::kSource.kRows;
    constexpr int all = S::kWeights.kRows * S::kWeights.kRows;
    constexpr int products = S::kProducts * S::kProducts;
    const int64_t rows = grid.images * grid.rows, threads = num_threads();
    const int64_t depth = round_up(x.channels, kPack<T>), blocks = depth / n;
    const int64_t panels = ceil_div(results, kPanel<T>);
    const int64_t weight_value = depth * kPanel<T> + n;
    const memory::Scratch kept(panels * all * weight_value * sizeof(T));
    parallel_for(panels * blocks, panels * blocks * n * 400, [&](int64_t i, int) {
        const int64_t panel = i / blocks, k0 = i % blocks * n, column = panel * kPanel<T>;
        transform_weights<T, S>(windows, column, min<int64_t>(kPanel<T>, results - column), k0,
                                min<int64_t>(x.channels - k0, n), n,
                                kept.as<T>() + panel * all * weight_value + k0 * kPanel<T>,
                                weight_value);
    });

    const int64_t most = max<int64_t>(kRunBytes / row_bytes<T, S>(grid, x.channels), 1);
    const int64_t wanted = round_up(ceil_div(rows, most), threads);
    const Blocks runs = even_blocks(rows, ceil_div(rows, wanted), 1);
    const TileValues<T> layout = TileValues<T>::lay(nullptr, x.channels, runs.size * grid.columns);
    const TileStrip<T, S> strip(x, grid);
    const int64_t sum = TileSums<T>::stride(runs.size * grid.columns);
    const int64_t pixels = result_pixels<T, S>(grid);
    const int64_t room = values * layout.value + products * sum + max(strip.room(), pixels);
    const memory::Scratch scratch(threads * room * sizeof(T));
    parallel_for(runs.count, runs.count * kSerialWork, [&](int64_t task, int worker) {
        const int64_t first = task * runs.size, end = min(first + runs.size, rows);
        TileValues<T> source = layout;
        source.data = scratch.as<T>() + worker * room;
        const TileSums<T> sums{source.data + values * layout.value, (end - first) * grid.columns,
                               sum};
        T* const pixels = sums.data + products * sum;
        const TileGroup tiles{first, end, strip.most};
        for (int64_t i = 0; i < tiles.pieces(grid); i++)
            for (int64_t block = 0; block < blocks; block++)
                transform_piece(x, grid, tiles.piece(grid, i), block, strip, pixels, source);
        for (int64_t panel = 0; panel < panels; panel++) {
            const int64_t column = panel * kPanel<T>;
            multiply_tiles<T, S>(source, kept.as<T>() + panel * all * weight_value, weight_value,
                                 blocks, false, sums);
            write_results<T, S>(grid, {first, end, result_rows<T, S>(grid)}, sums, column,
                                min<int64_t>(kPanel<T>, results - column), out, pixels);
        }
    });
}

template <class T, class S>
static void winograd(const TiledImages<T>& x, int64_t images, const Windows<T>& windows,
                     int64_t results, const Image<T>& out) {
    constexpr int64_t all = S::kWeights.kRows * S::kWeights.kRows;
    const TileGrid grid = TileGrid::over(images, out.rows, out.columns, S::kOutputs,
                                         windows.dilation_h, windows.dilation_w);
    if (images * grid.rows * grid.columns * results == 0) return;
    const int64_t weights =
        all * round_up(x.channels, kPack<T>) * round_up(results, kPanel<T>) * int64_t(sizeof(T));
    if (x.channels <= kChannelsAtOnce<S> && weights <= kKeptBytes &&
        row_bytes<T, S>(grid, x.channels) <= kRunBytes)
        winograd_runs<T, S>(x, grid, windows, results, out);
    else
        winograd_groups<T, S>(x, grid, windows, results, out);
}

template <class T, class... Arguments>
static void winograd_by(WinogradScheme scheme, const Arguments&... arguments) {
    switch (scheme) {
        case WinogradScheme::halving_sevens:
            return winograd<T, Halving<F72>>(arguments...);
        case WinogradScheme::halving_fours:
            return winograd<T, Halving<F42>>(arguments...);
        case WinogradScheme::halving_twos:
            return winograd<T, Halving<F22>>(arguments...);
        case WinogradScheme::doubling_sevens:
            return winograd<T, Doubling<F72>>(arguments...);
        case WinogradScheme::doubling_fours:
            return winograd<T, Doubling<F42>>(arguments...);
        case WinogradScheme::doubling_twos:
            return winograd<T, Doubling<F22>>(arguments...);
        case WinogradScheme::halving_fours_of_three:
            return winograd<T, Halving<F42, 3>>(arguments...);
        case WinogradScheme::doubling_fours_of_three:
            return winograd<T, Doubling<F42, 3>>(arguments...);
        case WinogradScheme::twos_of_five:
            return winograd<T, Keeping<F25>>(arguments...);
        case WinogradScheme::fours:
            return winograd<T, Keeping<F43>>(arguments...);
        case WinogradScheme::twos:
            return winograd<T, Keeping<F23>>(arguments...);
        case WinogradScheme::none:
            return;
    }
}

template <class T>
void winograd_forward(WinogradScheme scheme, const Conv2d& p, const T* x, const T* weight,
                      const T* bias, T* y) {
    const int64_t window = p.kh * p.kw;
    for (int64_t g = 0; g < p.groups; g++) {
        const int64_t c = g * p.group_c, o = g * p.group_o;
        const TiledImages<T> source{x + c * p.h * p.w, p.c * p.h * p.w, p.group_c, p.h, p.w,
                                    p.pad_top,         p.pad_left};
        const Windows<T> windows{weight + o * p.group_c * window,
                                 p.group_c * window,
                                 window,
                                 p.dilation_h,
                                 p.dilation_w,
                                 false};
        const Image<T> out{
            y + o * p.oh * p.ow,       p.o * p.oh * p.ow, p.oh * p.ow, p.oh, p.ow, p.ow, 1,
            bias ? bias + o : nullptr, p.activation};
        winograd_by<T>(scheme, source, p.n, windows, p.group_o, out);
    }
}

// With stride 1 a convolution with the windows turned by half a turn, padded by what is left of
// them; with stride 2 the tables turn them.
template <class T>
void winograd_input_grad(WinogradScheme scheme, const Conv2d& p, const T* dy, const T* weight,
                         const T* bias, T* dx) {
    const int64_t window = p.kh * p.kw;
    const bool turned = p.stride_h == 1;
    const int64_t top = turned ? (p.kh - 1) * p.dilation_h - p.pad_top : 1,
                  left = turned ? (p.kw - 1) * p.dilation_w - p.pad_left : 1;
    for (int64_t g = 0; g < p.groups; g++) {
        const int64_t c = g * p.group_c, o = g * p.group_o;
        const TiledImages<T> source{
            dy + o * p.oh * p.ow, p.o * p.oh * p.ow, p.group_o, p.oh, p.ow, top, left};
        const Windows<T> windows{weight + o * p.group_c * window,
                                 window,
                                 p.group_c * window,
                                 p.dilation_h,
                                 p.dilation_w,
                                 turned};
        const Image<T> out{dx + c * p.h * p.w,        p.c * p.h * p.w, p.h * p.w, p.h, p.w, p.w, 1,
                           bias ? bias + c : nullptr, p.activation};
        winograd_by<T>(scheme, source, p.n, windows, p.group_c, out);
    }
}

template void winograd_forward(WinogradScheme, const Conv2d&, const float*, const float*,
                               const float*, float*);
template void winograd_input_grad(WinogradScheme, const Conv2d&, const float*, const float*,
                                  const float*, float*);

}  // namespace tatami::TATAMI_ISA
