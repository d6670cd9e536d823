// The weight gradient over many small images: a vector is one pixel of kLanes images, as in
// batch.h. Each lane of a weight is a chain of fused multiply-adds over the pixels of an image;
// lanes, of kPack images on every instruction set, are added up at the end: nothing is gathered or
// transposed but the images themselves.
#pragma once

#include "cpu/batch.h"

namespace tatami::TATAMI_ISA {

// A register tile of output channels by taps of one row of the window.
inline constexpr int kLaneRows = kRegisters == 32 ? 4 : 2, kLaneTaps = 5;

// What every tile of a tap row shares: the grid's rows from which it reaches the source.
struct LaneGrid {
    int64_t rows, columns;
    int64_t dy_channel, x_row, x_pixel;  // elements from channel to channel, row to row, ...
};

// sum (ROWS, TAPS, kPack; row stride sum_row) += dy (ROWS, grid) · x (grid) at each tap's offset
template <class T, int ROWS, int TAPS>
void lane_tile(const LaneGrid& g, const T* dy, const T* x, const int64_t* offset, T* sum,
               int64_t sum_row) {
    const T* tap[TAPS];
    for (int t = 0; t < TAPS; t++) tap[t] = x + offset[t];
    Vec<T> acc[ROWS][TAPS] = {};
    for (int64_t i = 0; i < g.rows; i++)
        for (int64_t j = 0, at = i * g.x_row; j < g.columns;
             j++, at += g.x_pixel, dy += kLanes<T>) {
            Vec<T> pixel[TAPS];
#pragma GCC unroll 5
            for (int t = 0; t < TAPS; t++) hold(pixel[t] = load(tap[t] + at));
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; r++) {
                Vec<T> factor = load(dy + r * g.dy_channel);
                hold(factor);
#pragma GCC unroll 5
                for (int t = 0; t < TAPS; t++) acc[r][t] = fma(factor, pixel[t], acc[r][t]);
            }
        }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 5
        for (int t = 0; t < TAPS; t++) {
            T* const to = sum + r * sum_row + t * kPack<T>;
            store(to, load(to) + acc[r][t]);
        }
}

template <class T>
using LaneTileFn = void (*)(const LaneGrid& g, const T* dy, const T* x, const int64_t* offset,
                            T* sum, int64_t sum_row);

template <class T, int... I>
TATAMI_INLINE LaneTileFn<T> lane_tile_for(int64_t rows, int64_t taps,
                                          std::integer_sequence<int, I...>) {
    static constexpr LaneTileFn<T> table[] = {
        &lane_tile<T, I / kLaneTaps + 1, I % kLaneTaps + 1>...};
    return table[(rows - 1) * kLaneTaps + taps - 1];
}

// The rows of the grid from which a tap reaches the source.
TATAMI_INLINE TapRange rows_reaching(const GatherShape& g, int64_t dh) {
    const int64_t first = dh < 0 ? ceil_div(-dh, g.stride_h) : 0;
    const int64_t end = g.h > dh ? ceil_div(g.h - dh, g.stride_h) : 0;
    return {first, max(first, min(g.rows, end))};
}

// sums (m, channels, taps, kPack) += the products of kLanes images laid out as vectors: dy (m,
// grid), x as plan_batch(g) says.
template <class T>
void add_lanes(int64_t m, const GatherShape& g, const BatchStrip& s, const T* dy, const T* x,
               T* sums) {
    constexpr int64_t n = kLanes<T>;
    constexpr auto table = std::make_integer_sequence<int, kLaneRows * kLaneTaps>{};
    const Blocks tiles = even_blocks(m, kLaneRows, 1);
    const int64_t tap_columns = count_tap_columns(g);
    const Blocks pieces = even_blocks(tap_columns, kLaneTaps, 1);
    const int64_t plane = g.rows * g.columns * n, sum_row = g.channels * g.taps * kPack<T>;
    for (int64_t o = 0; o < m; o += tiles.size)
        for (int64_t c = 0; c < g.channels; c++)
            for (int64_t t = 0; t < g.taps;) {
                const int64_t column = t % tap_columns;
                const int64_t taps = min(pieces.size, tap_columns - column);
                const TapRange rows = rows_reaching(g, g.tap[t].dh);
                const LaneGrid grid{rows.end - rows.first, g.columns, plane,
                                    g.stride_h * s.pitch * n, g.stride_w * n};
                const int64_t top = rows.first * g.stride_h + g.tap[t].dh;
                int64_t offset[kLaneTaps];
                for (int64_t k = 0; k < taps; k++) offset[k] = (s.left + g.tap[t + k].dw) * n;
                lane_tile_for<T>(min(tiles.size, m - o), taps, table)(
                    grid, dy + o * plane + rows.first * g.columns * n,
                    x + (c * g.h + top) * s.pitch * n, offset,
                    sums + o * sum_row + (c * g.taps + t) * kPack<T>, sum_row);
                t += taps;
            }
}

// dweight (m, channels, taps) = sum over images and the grid of dy (m, grid) · x at each tap.
// fill(image, images, to) lays images of dy out as vectors (m, grid, kLanes).
template <class T, class Fill>
void batch_weight_grad(int64_t m, int64_t images, const Fill& fill, const T* x,
                       const GatherShape& g, const BatchStrip& s, T* dweight) {
    constexpr int64_t n = kLanes<T>, kMostParts = 16;
    // Parts by shape alone: each adds up its images in their order.
    const int64_t blocks = ceil_div(images, kPack<T>), weights = m * g.channels * g.taps;
    const Blocks parts = even_blocks(blocks, ceil_div(blocks, kMostParts), 1);
    const int64_t part_images = parts.size * kPack<T>, part_size = round_up(weights, n);
    const int64_t x_size = s.vectors * n, dy_size = m * g.rows * g.columns * n;
    const int64_t room = x_size + dy_size + part_size * kPack<T>;
    const memory::Scratch scratch(num_threads() * room * sizeof(T)),
        part_sums(parts.count * part_size * sizeof(T));
    parallel_for(parts.count, images * weights * g.rows * g.columns / n,
                 [&](int64_t part, int worker) {
                     T *const x_strip = scratch.as<T>() + worker * room, *const dy_vectors =
                                                                             x_strip + x_size;
                     T* const sums = dy_vectors + dy_size;
                     std::memset(sums, 0, size_t(part_size * kPack<T>) * sizeof(T));
                     const int64_t end = min(images, (part + 1) * part_images);
                     for (int64_t image = part * part_images; image < end; image += n) {
                         const int64_t together = min(n, end - image);
                         fill_batch(g, s, x + image * g.image_stride, together, x_strip);
                         fill(image, together, dy_vectors);
                         add_lanes(m, g, s, dy_vectors, x_strip, sums + image % kPack<T>);
                     }
                     for (int64_t w = 0; w < part_size; w += n) {
                         Pack<T> lanes[n];
                         for (int k = 0; k < n; k++)
                             lanes[k] = load_pack(sums + (w + k) * kPack<T>);
                         sum_packs(lanes, part_sums.as<T>() + part * part_size + w);
                     }
                 });
    for (int64_t w = 0; w < weights; w += n) {
        Vec<T> sum = load(part_sums.as<T>() + w);
        for (int64_t part = 1; part < parts.count; part++)
            sum += load(part_sums.as<T>() + part * part_size + w);
        store_first(dweight + w, sum, min(n, weights - w));
    }
}

}  // namespace tatami::TATAMI_ISA
