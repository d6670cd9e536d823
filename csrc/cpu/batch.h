// Convolutions of many small images: a vector is one pixel of kLanes images. No lane is lost at the
// ends of rows, whatever the stride, and taps on the padding are left out. The phases of a strided
// input gradient are laid between one another before they are written.
//
// Each element is the same chain of fused multiply-adds as through gemm.h, but for products with
// padding, which are zeros: the same bits wherever the weights are finite.
#pragma once

#include "cpu/across.h"
#include "cpu/direct.h"
#include "cpu/image.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

// A register tile, where few rows are made up for by pixels; and the pixels that share a range of
// taps, the same on every instruction set.
inline constexpr int kBatchRows = 6, kBatchPixels = 4, kFewRows = 3, kSharedPixels = 2;

// Images as vectors: (channels, h, pitch), with zeros left and right of the source's columns.
struct BatchStrip {
    int64_t left, pitch;
    int64_t vectors;  // of all channels
};

TATAMI_INLINE BatchStrip plan_batch(const GatherShape& g) {
    int64_t low = 0, high = g.w - 1;
    for (int64_t t = 0; t < g.taps; t++) {
        low = min(low, g.tap[t].dw);
        high = max(high, (g.columns - 1) * g.stride_w + g.tap[t].dw);
    }
    const int64_t pitch = high - low + 1;
    return {-low, pitch, g.channels * g.h * pitch};
}

// The taps of one window: each row of it has the same columns.
TATAMI_INLINE int64_t count_tap_columns(const GatherShape& g) {
    int64_t columns = 0;
    while (columns < g.taps && g.tap[columns].dh == g.tap[0].dh) columns++;
    return columns;
}

struct TapRange {
    int64_t first, end;
};

// The taps of one axis (distance(tap), in one direction) that reach any of [0, size) from the
// pixels begin to last.
template <class Distance>
TATAMI_INLINE TapRange taps_reaching(int64_t taps, int64_t begin, int64_t last, int64_t size,
                                     const Distance& distance) {
    const auto outside = [&](int64_t t) {
        return last + distance(t) < 0 || begin + distance(t) >= size;
    };
    TapRange range{0, taps};
    while (range.first < taps && outside(range.first)) range.first++;
    while (range.end > range.first && outside(range.end - 1)) range.end--;
    return range;
}

// Neighbouring columns of the grid, and the taps that reach the source from them.
struct BatchPiece {
    int64_t first, pixels;
    TapRange taps;
};

TATAMI_INLINE BatchPiece batch_piece(const GatherShape& g, int64_t tap_columns, int64_t first) {
    const int64_t pixels = min<int64_t>(kSharedPixels, g.columns - first);
    const int64_t begin = first * g.stride_w, last = begin + (pixels - 1) * g.stride_w;
    return {first, pixels,
            taps_reaching(tap_columns, begin, last, g.w, [&](int64_t t) { return g.tap[t].dw; })};
}

// All columns, those with the same taps in one piece; piece has room for one a column. Returns how
// many.
TATAMI_INLINE int64_t batch_pieces(const GatherShape& g, int64_t tap_columns, BatchPiece* piece) {
    int64_t count = 0;
    for (int64_t j = 0; j < g.columns; j += kSharedPixels) {
        const BatchPiece next = batch_piece(g, tap_columns, j),
                         last = count ? piece[count - 1] : next;
        if (count && next.taps.first == last.taps.first && next.taps.end == last.taps.end)
            piece[count - 1].pixels += next.pixels;
        else
            piece[count++] = next;
    }
    return count;
}

// What every tile of a phase shares.
template <class T>
struct BatchWindow {
    GatherShape g;
    int64_t tap_columns;
    int64_t channel_stride, pixel_step;  // elements of the strip
    const int64_t* offset;               // (taps) into a channel of the strip
    const BatchPiece* piece;             // (pieces)
    int64_t pieces;
    int64_t first, row_to, pixel_to;  // elements of the image: pixel (0, 0), from row to row, ...
};

// c (ROWS, NV pixels, kLanes; row stride c_stride, pixels w.pixel_to apart) = sum over channels and
// the taps of `rows` and `columns` of a (channels, taps, ROWS) · strip, + bias (ROWS) where there
// is one.
template <class T, int ROWS, int NV>
void batch_tile(const BatchWindow<T>& w, TapRange rows, TapRange columns, const T* a,
                const T* strip, const T* bias, T* c, int64_t c_stride) {
    Vec<T> acc[ROWS][NV] = {};
    for (int64_t n = 0; n < w.g.channels; n++, a += w.g.taps * ROWS, strip += w.channel_stride)
        for (int64_t r = rows.first; r < rows.end; r++)
            for (int64_t t = r * w.tap_columns + columns.first; t < r * w.tap_columns + columns.end;
                 t++) {
                const T* const from = strip + w.offset[t];
                Vec<T> row[NV];
#pragma GCC unroll 4
                for (int j = 0; j < NV; j++) row[j] = load(from + j * w.pixel_step);
                multiply_add<T, ROWS, NV>(acc, a + t * ROWS, 1, row);
            }
#pragma GCC unroll 8
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++)
            store(c + i * c_stride + j * w.pixel_to, bias ? acc[i][j] + bias[i] : acc[i][j]);
}

template <class T>
using BatchTileFn = void (*)(const BatchWindow<T>& w, TapRange rows, TapRange columns, const T* a,
                             const T* strip, const T* bias, T* c, int64_t c_stride);

template <class T, int... I>
TATAMI_INLINE BatchTileFn<T> batch_tile_for(int64_t rows, int64_t pixels,
                                            std::integer_sequence<int, I...>) {
    static constexpr BatchTileFn<T> table[] = {
        &batch_tile<T, I / kBatchPixels + 1, I % kBatchPixels + 1>...};
    return table[(rows - 1) * kBatchPixels + pixels - 1];
}

// Lays up to kLanes images out as vectors.
template <class T>
void fill_batch(const GatherShape& g, const BatchStrip& s, const T* image, int64_t images, T* to) {
    constexpr int n = kLanes<T>;
    for (int64_t row = 0; row < g.channels * g.h; row++) {
        T* const zeros = to + row * s.pitch * n;
        for (int64_t j = 0; j < s.left; j++) store(zeros + j * n, Vec<T>{});
        for (int64_t j = s.left + g.w; j < s.pitch; j++) store(zeros + j * n, Vec<T>{});
    }
    to += s.left * n;
    int64_t column = 0;
    each_across<T>(
        g.channels * g.h * g.w, images,
        [=](int64_t i, int64_t p, int64_t left) {
            return load_some(image + i * g.image_stride + p, left);
        },
        [&](int64_t, Vec<T> v) {
            store(to + column * n, v);
            if (++column == g.w) column = 0, to += s.pitch * n;
        });
}

// The taps that reach the source from grid row i.
TATAMI_INLINE TapRange batch_tap_rows(const GatherShape& g, int64_t tap_columns, int64_t i) {
    const int64_t top = i * g.stride_h;
    return taps_reaching(g.taps / max<int64_t>(tap_columns, 1), top, top, g.h,
                         [&](int64_t r) { return g.tap[r * tap_columns].dh; });
}

// The taps of all pixels of a grid that reach the source.
TATAMI_INLINE double batch_taps(const GatherShape& g) {
    const int64_t tap_columns = count_tap_columns(g);
    double rows = 0, columns = 0;
    for (int64_t i = 0; i < g.rows; i++) {
        const TapRange taps = batch_tap_rows(g, tap_columns, i);
        rows += double(taps.end - taps.first);
    }
    for (int64_t j = 0; j < g.columns; j += kSharedPixels) {
        const BatchPiece piece = batch_piece(g, tap_columns, j);
        columns += double(piece.pixels * (piece.taps.end - piece.taps.first));
    }
    return rows * columns;
}

// Rows [row, row + rows) of a phase's grid in a tile of `count` channels: c (count, image rows from
// row · w.row_to on, kLanes; row stride c_stride).
template <class T>
void batch_rows(const BatchWindow<T>& w, const BatchStrip& s, const T* a, const T* strip,
                const T* bias, int64_t count, int64_t row, int64_t rows, T* c, int64_t c_stride) {
    constexpr auto tiles = std::make_integer_sequence<int, kBatchRows * kBatchPixels>{};
    const GatherShape& g = w.g;
    const int64_t most = count <= kFewRows ? kBatchPixels : kSharedPixels;
    for (int64_t i = 0; i < rows; i++) {
        const TapRange tap_rows = batch_tap_rows(g, w.tap_columns, row + i);
        const T* const from = strip + ((row + i) * g.stride_h * s.pitch + s.left) * kLanes<T>;
        T* const to = c + w.first + i * w.row_to;
        for (int64_t k = 0; k < w.pieces; k++) {
            const BatchPiece& piece = w.piece[k];
            for (int64_t p = 0; p < piece.pixels; p += most) {
                const int64_t together = min(most, piece.pixels - p), j = piece.first + p;
                batch_tile_for<T>(count, together, tiles)(w, tap_rows, piece.taps, a,
                                                          from + j * w.pixel_step, bias,
                                                          to + j * w.pixel_to, c_stride);
            }
        }
    }
}

// A tile of a band of the images: channels [first, first + count), rows [row, row + rows), of
// images [image, image + images).
struct BatchBand {
    int64_t first, count, row, rows, image, images;
};

// Products of m rows of weights over all images, whose phases cover `whole`: fill(image, images,
// strip) lays images out as vectors, use(band, c) takes c (count, rows, columns, kLanes), behind
// which lie more vectors than lanes. Bands are whole multiples of `unit` rows of the grid g, but
// for the last one.
template <class T, class A, class Fill, class Use>
void batch(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s,
           const Image<T>& whole, const Phase<T, A>* phase, int64_t count, int64_t unit,
           const Fill& fill, const Use& use) {
    constexpr int64_t n = kLanes<T>, kBandBytes = 48 << 10;
    const int64_t step = phase->out.row_stride / whole.columns;  // rows of the image, of the grid
    const int64_t grid_row = step * whole.columns * n;           // elements of a channel
    const Blocks tiles = even_blocks(m, kBatchRows, 1);
    const Blocks bands = even_blocks(
        g.rows, max<int64_t>(kBandBytes / (tiles.size * grid_row * int64_t(sizeof(T))), 1), unit);
    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t tile_size = tiles.size * g.channels * g.taps + kPack<T>;
    const int64_t room = s.vectors * n + tiles.size * bands.size * grid_row + n * n;
    const memory::Scratch offsets(g.taps * sizeof(int64_t)),
        pieces(count * g.columns * sizeof(BatchPiece)), windows(count * sizeof(BatchWindow<T>)),
        packed(tiles.count * tile_size * sizeof(T)), scratch(num_threads() * room * sizeof(T));
    for (int64_t t = 0; t < g.taps; t++)
        offsets.as<int64_t>()[t] = (g.tap[t].dh * s.pitch + g.tap[t].dw) * n;
    for (int64_t p = 0; p < count; p++) {
        const GatherShape shape = phase[p].shape(g);
        const Image<T>& out = phase[p].out;
        const int64_t tap_columns = count_tap_columns(shape);
        BatchPiece* const piece = pieces.as<BatchPiece>() + p * g.columns;
        windows.as<BatchWindow<T>>()[p] = {shape,
                                           tap_columns,
                                           g.h * s.pitch * n,
                                           g.stride_w * n,
                                           offsets.as<int64_t>() + phase[p].first_tap,
                                           piece,
                                           batch_pieces(shape, tap_columns, piece),
                                           (out.data - whole.data) * n,
                                           out.row_stride * n,
                                           out.pixel_stride * n};
    }
    const auto packed_at = [&](int64_t tile, int64_t p) {
        return packed.as<T>() + tile * tile_size + phase[p].first_tap * g.channels * tiles.size;
    };
    for (int64_t i = 0; i < tiles.count; i++)
        for (int64_t p = 0; p < count; p++)
            if (const int64_t depth = g.channels * phase[p].taps; depth)
                phase[p].weights.pack(packed_at(i, p), i * tiles.size,
                                      min(tiles.size, m - i * tiles.size), 0, depth);

    // Where images are few, threads share them by rows of weights.
    const int64_t blocks = ceil_div(images, n), parts = ceil_div(2 * num_threads(), blocks);
    const Blocks shares = even_blocks(tiles.count, ceil_div(tiles.count, parts), 1);
    const int64_t work = images * g.rows * g.columns * m * (g.channels * g.taps + 4 * count) / n;
    parallel_for(blocks * shares.count, work, [&](int64_t task, int worker) {
        T *const strip = scratch.as<T>() + worker * room, *const c = strip + s.vectors * n;
        const int64_t image = task / shares.count * n, together = min(n, images - image);
        const int64_t first_tile = task % shares.count * shares.size;
        const int64_t end_tile = min(first_tile + shares.size, tiles.count);
        fill(image, together, strip);
        for (int64_t row = 0; row < g.rows; row += bands.size)
            for (int64_t i = first_tile; i < end_tile; i++) {
                const int64_t first = i * tiles.size, top = row * step;
                const BatchBand band{first, min(tiles.size, m - first),
                                     top,   min(bands.size * step, whole.rows - top),
                                     image, together};
                for (int64_t p = 0; p < count; p++) {
                    const BatchWindow<T>& w = windows.as<BatchWindow<T>>()[p];
                    batch_rows(w, s, packed_at(i, p), strip,
                               whole.bias ? whole.bias + first : nullptr, band.count, row,
                               min(bands.size, w.g.rows - row), c, band.rows * whole.columns * n);
                }
                use(band, c);
            }
    });
}

// The same onto the pixels themselves.
template <class T, class A, class Fill>
void batch(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s,
           const Image<T>& whole, const Phase<T, A>* phase, int64_t count, const Fill& fill) {
    batch(m, images, g, s, whole, phase, count, 1, fill, [&](const BatchBand& band, T* c) {
        const int64_t pixels = band.rows * whole.columns, channel = pixels * kLanes<T>;
        activate_rows(whole.activation, c, channel, band.count, channel);
        for (int64_t r = 0; r < band.count; r++)
            write_along(c + r * channel, pixels,
                        whole.data + band.image * whole.image_stride +
                            (band.first + r) * whole.plane + band.row * whole.columns,
                        whole.image_stride, band.images);
    });
}

}  // namespace tatami::TATAMI_ISA
