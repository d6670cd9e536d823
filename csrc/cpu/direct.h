// Convolutions with few rows of weights a group (depthwise, RGB, first layers, first gradients) or
// wide images. A packed panel would be read a few times only, so none is built: the source is
// copied once into strips with room for the padding, its phases of the stride apart, where pixel q
// of the grid (rows of `pitch` pixels) and any tap lie at q + offset[tap]. Vectors of q slide over
// the strip; those of the last columns of a row compute a few pixels that are thrown away.
//
// Each element is the same chain of fused multiply-adds as through gemm.h: the same bits.
#pragma once

#include "cpu/image.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

inline constexpr int kDirectTileRows = kRegisters == 32 ? 12 : 6;
inline constexpr int64_t kStripBytes = 1 << 18;  // a quarter of L2

// As many vectors of pixels as the registers hold beside them and a broadcast.
template <int ROWS>
inline constexpr int kDirectVectors = min(8, (kRegisters - 2) / (ROWS + 1));

// c (ROWS, width) = sum over channels and taps of a (channels, taps, ROWS) · b[offset[tap]...]
template <class T, int ROWS>
void direct_tile(int64_t channels, int64_t taps, const int64_t* offset, int64_t channel_stride,
                 const T* a, const T* b, T* c) {
    constexpr int NV = kDirectVectors<ROWS>;
    Vec<T> acc[ROWS][NV] = {};
    for (int64_t channel = 0; channel < channels; channel++, b += channel_stride)
        for (int64_t t = 0; t < taps; t++, a += ROWS) {
            Vec<T> row[NV];
#pragma GCC unroll 8
            for (int j = 0; j < NV; j++) row[j] = load(b + offset[t] + j * kLanes<T>);
#pragma GCC unroll 12
            for (int i = 0; i < ROWS; i++) {
                const Vec<T> factor = broadcast(a[i]);
#pragma GCC unroll 8
                for (int j = 0; j < NV; j++) acc[i][j] = fma(factor, row[j], acc[i][j]);
            }
        }
#pragma GCC unroll 12
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 8
        for (int j = 0; j < NV; j++) store(c + (i * NV + j) * kLanes<T>, acc[i][j]);
}

template <class T>
struct DirectTile {
    void (*run)(int64_t channels, int64_t taps, const int64_t* offset, int64_t channel_stride,
                const T* a, const T* b, T* c);
    int64_t width;  // pixels
};

template <class T, int... I>
TATAMI_INLINE DirectTile<T> direct_tile_for(int64_t rows, std::integer_sequence<int, I...>) {
    static constexpr DirectTile<T> table[] = {
        {&direct_tile<T, I + 1>, kDirectVectors<I + 1> * kLanes<T>}...};
    return table[rows - 1];
}

TATAMI_INLINE int64_t floor_div(int64_t a, int64_t b) {
    return (a >= 0 ? a : a - b + 1) / b;
}

// How a strip of the grid's rows, with what its taps reach, lies in scratch:
// (channels, phases of the stride, rows, pitch).
struct Strip {
    int64_t rows;                     // of the grid
    int64_t first_row, first_column;  // of the source, in steps of the stride: the least tap
    int64_t source_rows, pitch;
    int64_t phase_stride, channel_stride;
};

template <class T>
TATAMI_INLINE Strip plan_strip(const GatherShape& g) {
    int64_t low_h = 0, high_h = 0, low_w = 0, high_w = 0;
    for (int64_t t = 0; t < g.taps; t++) {
        const int64_t h = floor_div(g.tap[t].dh, g.stride_h),
                      w = floor_div(g.tap[t].dw, g.stride_w);
        low_h = t ? min(low_h, h) : h, high_h = t ? max(high_h, h) : h;
        low_w = t ? min(low_w, w) : w, high_w = t ? max(high_w, w) : w;
    }
    const int64_t pitch = g.columns + high_w - low_w, reach = high_h - low_h;
    const int64_t row_bytes =
        max<int64_t>(g.channels, 1) * g.stride_h * g.stride_w * pitch * sizeof(T);
    const int64_t rows = max<int64_t>(min(g.rows, kStripBytes / row_bytes - reach), 1);
    const int64_t even = ceil_div(g.rows, ceil_div(g.rows, rows));
    const int64_t plane = (even + reach) * pitch;
    return {even, low_h, low_w, even + reach, pitch, plane, g.stride_h * g.stride_w * plane};
}

// offset (taps): where a tap of grid pixel 0 lies in a channel of the strip.
TATAMI_INLINE void strip_offsets(const GatherShape& g, const Strip& s, int64_t* offset) {
    for (int64_t t = 0; t < g.taps; t++) {
        const int64_t h = floor_div(g.tap[t].dh, g.stride_h),
                      w = floor_div(g.tap[t].dw, g.stride_w);
        const int64_t phase =
            (g.tap[t].dh - h * g.stride_h) * g.stride_w + g.tap[t].dw - w * g.stride_w;
        offset[t] = phase * s.phase_stride + (h - s.first_row) * s.pitch + w - s.first_column;
    }
}

// to (pitch) = every stride-th of `from` (w) from column `first` on, zeros outside. Whole vectors
// are stored: what lies past the pitch belongs to the next row.
template <class T>
TATAMI_INLINE void copy_row(T* to, int64_t pitch, const T* from, int64_t w, int64_t first,
                            int64_t stride) {
    const int64_t begin = first < 0 ? ceil_div(-first, stride) : 0;  // pixels inside the source
    const int64_t end = first < w ? ceil_div(w - first, stride) : 0;
    const auto bits = [](int64_t n) {
        return (uint64_t(1) << max<int64_t>(min<int64_t>(n, kLanes<T>), 0)) - 1;
    };
    for (int64_t j = 0; j < pitch; j += kLanes<T>) {
        const T* at = from + first + j * stride;
        if (stride == 1 && begin <= j && j + kLanes<T> <= end)
            store(to + j, load(at));
        else
            store(to + j, load_lanes_into(Vec<T>{}, at, stride,
                                          uint32_t(bits(end - j) & ~bits(begin - j))));
    }
}

// Fills a strip from grid row `row` of one image on.
template <class T>
void fill_strip(const GatherShape& g, const Strip& s, const T* image, int64_t row, T* to) {
    for (int64_t c = 0; c < g.channels; c++, image += g.h * g.w)
        for (int64_t ph = 0; ph < g.stride_h; ph++)
            for (int64_t pw = 0; pw < g.stride_w; pw++)
                for (int64_t r = 0; r < s.source_rows; r++, to += s.pitch) {
                    const int64_t source = (row + s.first_row + r) * g.stride_h + ph;
                    const bool inside = source >= 0 && source < g.h;
                    copy_row(to, s.pitch, inside ? image + source * g.w : image, inside ? g.w : 0,
                             s.first_column * g.stride_w + pw, g.stride_w);
                }
}

// Whether sliding over a strip costs less than packing panels, by shape alone: packing a vector of
// pixels costs about kPackRows rows of products, the strip the products of its margins.
template <class T>
TATAMI_INLINE bool direct_pays(int64_t m, const GatherShape& g) {
    constexpr int64_t kFewRows = 16, kPackRows = 8, kDeepest = 1024;
    if (m <= kFewRows) return true;
    const int64_t margin = plan_strip<T>(g).pitch - g.columns;
    return g.taps > 1 && g.channels * g.taps <= kDeepest && m * margin < kPackRows * g.columns;
}

// The same arguments as gemm(m, images · grid, channels · taps, a, b, out).
template <class T, class A>
void direct(int64_t m, int64_t images, const A& a, const Gather<T>& b, const Image<T>& out) {
    const GatherShape& g = b.shape;
    const int64_t depth = g.channels * g.taps;
    const Strip s = plan_strip<T>(g);
    const int64_t tiles = ceil_div(m, kDirectTileRows), tile_rows = ceil_div(m, tiles);
    const int64_t a_tile = tile_rows * depth + kPack<T>, slack = 8 * kLanes<T>;
    const int64_t strip_size = round_up(g.channels * s.channel_stride + slack, kPack<T>);
    const int64_t strips = ceil_div(g.rows, s.rows), threads = num_threads();
    memory::Scratch weights(tiles * a_tile * sizeof(T)), offsets(g.taps * sizeof(int64_t));
    memory::Scratch scratch(threads * (strip_size + kDirectTileRows * slack) * sizeof(T));
    strip_offsets(g, s, offsets.as<int64_t>());
    for (int64_t t = 0; depth && t < tiles; t++) {  // a phase of the stride may have no taps
        const int64_t row = t * tile_rows;
        a.pack(weights.as<T>() + t * a_tile, row, min(tile_rows, m - row), 0, depth);
    }
    const int64_t work = images * g.rows * s.pitch * m * (depth + 4) / kLanes<T>;
    parallel_for(images * strips, work, [&](int64_t task, int worker) {
        T* const strip = scratch.as<T>() + worker * (strip_size + kDirectTileRows * slack);
        T* const tile = strip + strip_size;
        const int64_t image = task / strips, row = task % strips * s.rows;
        fill_strip(g, s, b.source + image * g.image_stride, row, strip);
        for (int64_t i = 0; i < slack; i++) strip[g.channels * s.channel_stride + i] = T(0);
        const int64_t pixels = min(s.rows, g.rows - row) * s.pitch;
        for (int64_t t = 0; t < tiles; t++) {
            const int64_t channel = t * tile_rows, rows = min(tile_rows, m - channel);
            const DirectTile<T> kernel =
                direct_tile_for<T>(rows, std::make_integer_sequence<int, kDirectTileRows>{});
            for (int64_t q = 0; q < pixels; q += kernel.width) {
                kernel.run(g.channels, g.taps, offsets.as<int64_t>(), s.channel_stride,
                           weights.as<T>() + t * a_tile, strip + q, tile);
                out.finish(tile, kernel.width, channel, rows, 0, kernel.width);
                const int64_t end = min(pixels, q + kernel.width);
                for (int64_t at = q; at < end;) {
                    const int64_t i = at / s.pitch, j = at % s.pitch;
                    const int64_t length = min(min(end - at, s.pitch - j), g.columns - j);
                    if (length > 0)
                        out.write_row(tile + at - q, kernel.width, channel, rows, image, row + i, j,
                                      length);
                    at += min(end - at, s.pitch - j);
                }
            }
        }
    });
}

}  // namespace tatami::TATAMI_ISA
