// Convolutions of many small images: a vector is one pixel of kLanes images. No lane is lost at the
// ends of rows, whatever the stride, and taps on the padding are left out.
//
// Each element is the same chain of fused multiply-adds as through gemm.h, but for products with
// padding, which are zeros: the same bits wherever the weights are finite.
#pragma once

#include "cpu/copy.h"
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
    int64_t tap_rows, tap_columns;  // the window
    int64_t vectors;                // of all channels
};

TATAMI_INLINE BatchStrip plan_batch(const GatherShape& g) {
    int64_t low = 0, high = g.w - 1, tap_columns = 0;
    for (int64_t t = 0; t < g.taps; t++) {
        low = min(low, g.tap[t].dw);
        high = max(high, (g.columns - 1) * g.stride_w + g.tap[t].dw);
        tap_columns += g.tap[t].dh == g.tap[0].dh;
    }
    const int64_t pitch = high - low + 1;
    return {-low, pitch, g.taps / max<int64_t>(tap_columns, 1), tap_columns,
            g.channels * g.h * pitch};
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

TATAMI_INLINE BatchPiece batch_piece(const GatherShape& g, const BatchStrip& s, int64_t first) {
    const int64_t pixels = min<int64_t>(kSharedPixels, g.columns - first);
    const int64_t begin = first * g.stride_w, last = begin + (pixels - 1) * g.stride_w;
    return {first, pixels,
            taps_reaching(s.tap_columns, begin, last, g.w, [&](int64_t t) { return g.tap[t].dw; })};
}

// All columns, those with the same taps in one piece; piece has room for one a column. Returns how
// many.
TATAMI_INLINE int64_t batch_pieces(const GatherShape& g, const BatchStrip& s, BatchPiece* piece) {
    int64_t count = 0;
    for (int64_t j = 0; j < g.columns; j += kSharedPixels) {
        const BatchPiece next = batch_piece(g, s, j), last = count ? piece[count - 1] : next;
        if (count && next.taps.first == last.taps.first && next.taps.end == last.taps.end)
            piece[count - 1].pixels += next.pixels;
        else
            piece[count++] = next;
    }
    return count;
}

// What every tile of a convolution shares.
template <class T>
struct BatchWindow {
    int64_t channels, taps, tap_columns;
    int64_t channel_stride, pixel_step;  // elements of the strip
    const int64_t* offset;               // (taps) into a channel of the strip
    const BatchPiece* piece;             // (pieces)
    int64_t pieces;
};

// c (ROWS, NV pixels, kLanes; row stride c_stride) = sum over channels and the taps of `rows` and
// `columns` of a (channels, taps, ROWS) · strip, + bias (ROWS) where there is one.
template <class T, int ROWS, int NV>
void batch_tile(const BatchWindow<T>& w, TapRange rows, TapRange columns, const T* a,
                const T* strip, const T* bias, T* c, int64_t c_stride) {
    Vec<T> acc[ROWS][NV] = {};
    for (int64_t n = 0; n < w.channels; n++, a += w.taps * ROWS, strip += w.channel_stride)
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
            store(c + i * c_stride + j * kLanes<T>, bias ? acc[i][j] + bias[i] : acc[i][j]);
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
    const int64_t pixels = g.channels * g.h * g.w;
    for (int64_t p = 0; p < pixels; p += n) {
        const int64_t left = pixels - p;
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++)
            square[i] = i < images ? load_some(image + i * g.image_stride + p, left) : Vec<T>{};
        transpose<T>(square);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (i >= left) break;
            store(to + column * n, square[i]);
            if (++column == g.w) column = 0, to += s.pitch * n;
        }
    }
}

// to (images, pixels; row stride image_stride) = transpose of from (pixels, kLanes), of which whole
// vectors of pixels are read.
template <class T>
void write_batch(const T* from, int64_t pixels, T* to, int64_t image_stride, int64_t images) {
    constexpr int n = kLanes<T>;
    for (int64_t p = 0; p < pixels; p += n) {
        const int64_t left = pixels - p;
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) square[i] = load(from + (p + i) * n);
        transpose<T>(square);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (i >= images) break;
            T* const image = to + i * image_stride + p;
            if (left >= n)
                store(image, square[i]);
            else
                store_first(image, square[i], left);
        }
    }
}

// The taps that reach the source from grid row i.
TATAMI_INLINE TapRange batch_tap_rows(const GatherShape& g, const BatchStrip& s, int64_t i) {
    const int64_t top = i * g.stride_h;
    return taps_reaching(s.tap_rows, top, top, g.h,
                         [&](int64_t r) { return g.tap[r * s.tap_columns].dh; });
}

// Whether this costs less than what would be done else (`direct`: sliding over a strip, else gemm),
// by shape alone. Counted in products of a vector; measured: what it takes to read a vector of
// pixels, to write one, more where images lie whole pages apart, and to gather one for gemm.
template <class T>
TATAMI_INLINE bool batch_pays(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s,
                              bool direct, const Strip& strip) {
    constexpr int64_t kMostBytes = 3 << 18, kPage = 4096;
    constexpr double kRead = 10, kWrite = 14, kWritePages = 22, kGather = 8;
    if (g.taps == 1 || s.vectors * kPack<T> * int64_t(sizeof(T)) > kMostBytes) return false;
    const double pixels = double(g.rows * g.columns), channels = double(g.channels);
    double tap_rows = 0, tap_columns = 0;
    for (int64_t i = 0; i < g.rows; i++) {
        const TapRange taps = batch_tap_rows(g, s, i);
        tap_rows += double(taps.end - taps.first);
    }
    for (int64_t j = 0; j < g.columns; j += kSharedPixels) {
        const BatchPiece piece = batch_piece(g, s, j);
        tap_columns += double(piece.pixels * (piece.taps.end - piece.taps.first));
    }
    const double write = g.rows * g.columns * sizeof(T) % kPage ? kWrite : kWritePages;
    const double cost = channels * tap_rows * tap_columns * double(m) +
                        channels * double(g.h * g.w) * kRead + pixels * double(m) * write;
    const Walk<T> walk(strip.rows, g.columns, strip.pitch);
    const double slots = double(walk.vectors * kLanes<T>) / double(strip.rows * g.columns);
    const double depth = channels * double(g.taps);
    const double other =
        pixels * (direct ? (depth * slots + kWrite) * double(m) : depth * (double(m) + kGather));
    return double(round_up(images, kPack<T>)) * cost < double(images) * other;
}

// Rows [row, row + rows) of a grid in a tile of `count` channels: c (count, rows, columns, kLanes).
template <class T>
void batch_rows(const GatherShape& g, const BatchStrip& s, const BatchWindow<T>& w, const T* a,
                const T* strip, const T* bias, int64_t count, int64_t row, int64_t rows, T* c) {
    constexpr auto tiles = std::make_integer_sequence<int, kBatchRows * kBatchPixels>{};
    const int64_t c_stride = rows * g.columns * kLanes<T>;
    const int64_t most = count <= kFewRows ? kBatchPixels : kSharedPixels;
    for (int64_t i = 0; i < rows; i++) {
        const TapRange tap_rows = batch_tap_rows(g, s, row + i);
        const T* const from = strip + ((row + i) * g.stride_h * s.pitch + s.left) * kLanes<T>;
        T* const to = c + i * g.columns * kLanes<T>;
        for (int64_t k = 0; k < w.pieces; k++) {
            const BatchPiece& piece = w.piece[k];
            for (int64_t p = 0; p < piece.pixels; p += most) {
                const int64_t together = min(most, piece.pixels - p), j = piece.first + p;
                batch_tile_for<T>(count, together, tiles)(w, tap_rows, piece.taps, a,
                                                          from + j * w.pixel_step, bias,
                                                          to + j * kLanes<T>, c_stride);
            }
        }
    }
}

// A tile of a band of the grid: channels [first, first + count), rows [row, row + rows), of images
// [image, image + images).
struct BatchBand {
    int64_t first, count, row, rows, image, images;
};

// The product of m rows of weights over all images: fill(image, images, strip) lays images out as
// vectors, use(band, c) takes c (count, rows, columns, kLanes), behind which lie more vectors than
// lanes. Bands are whole multiples of `unit` rows, but for the last one.
template <class T, class A, class Fill, class Use>
void batch(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s, const A& weights,
           const T* bias, int64_t unit, const Fill& fill, const Use& use) {
    constexpr int64_t n = kLanes<T>, kBandBytes = 48 << 10;
    const Blocks tiles = even_blocks(m, kBatchRows, 1);
    const Blocks bands = even_blocks(
        g.rows, max<int64_t>(kBandBytes / (tiles.size * g.columns * n * int64_t(sizeof(T))), 1),
        unit);
    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t depth = g.channels * g.taps, tile_size = tiles.size * depth + kPack<T>;
    const int64_t band_size = (tiles.size * bands.size * g.columns + n) * n;
    const int64_t room = s.vectors * n + band_size;
    const memory::Scratch offsets(g.taps * sizeof(int64_t)), pieces(g.columns * sizeof(BatchPiece)),
        packed(tiles.count * tile_size * sizeof(T)), scratch(num_threads() * room * sizeof(T));
    const BatchWindow<T> w{g.channels,
                           g.taps,
                           s.tap_columns,
                           g.h * s.pitch * n,
                           g.stride_w * n,
                           offsets.as<int64_t>(),
                           pieces.as<BatchPiece>(),
                           batch_pieces(g, s, pieces.as<BatchPiece>())};
    for (int64_t t = 0; t < g.taps; t++)
        offsets.as<int64_t>()[t] = (g.tap[t].dh * s.pitch + g.tap[t].dw) * n;
    for (int64_t i = 0; i < tiles.count; i++)
        weights.pack(packed.as<T>() + i * tile_size, i * tiles.size,
                     min(tiles.size, m - i * tiles.size), 0, depth);

    // Where images are few, threads share them by rows of weights.
    const int64_t blocks = ceil_div(images, n), parts = ceil_div(2 * num_threads(), blocks);
    const Blocks shares = even_blocks(tiles.count, ceil_div(tiles.count, parts), 1);
    const int64_t work = images * g.rows * g.columns * m * (depth + 4) / n;
    parallel_for(blocks * shares.count, work, [&](int64_t task, int worker) {
        T *const strip = scratch.as<T>() + worker * room, *const c = strip + s.vectors * n;
        const int64_t image = task / shares.count * n, together = min(n, images - image);
        const int64_t first_tile = task % shares.count * shares.size;
        const int64_t end_tile = min(first_tile + shares.size, tiles.count);
        fill(image, together, strip);
        for (int64_t row = 0; row < g.rows; row += bands.size)
            for (int64_t i = first_tile; i < end_tile; i++) {
                const int64_t first = i * tiles.size, count = min(tiles.size, m - first);
                const BatchBand band{first, count,   row, min(bands.size, g.rows - row),
                                     image, together};
                batch_rows(g, s, w, packed.as<T>() + i * tile_size, strip,
                           bias ? bias + first : nullptr, count, row, band.rows, c);
                use(band, c);
            }
    });
}

// The same onto a dense grid of pixels.
template <class T, class A, class Fill>
void batch(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s, const A& weights,
           const Image<T>& out, const Fill& fill) {
    batch(m, images, g, s, weights, out.bias, 1, fill, [&](const BatchBand& band, T* c) {
        const int64_t pixels = band.rows * g.columns, channel = pixels * kLanes<T>;
        activate_rows(out.activation, c, channel, band.count, channel);
        for (int64_t r = 0; r < band.count; r++)
            write_batch(c + r * channel, pixels,
                        out.data + band.image * out.image_stride + (band.first + r) * out.plane +
                            band.row * g.columns,
                        out.image_stride, band.images);
    });
}

}  // namespace tatami::TATAMI_ISA
