// Images as transformed tiles: (values, blocks of kLanes channels, tiles, kLanes), of a group of
// rows of tiles at a time, as many as stay in the last cache.
#pragma once

#include "cpu/parallel.h"
#include "cpu/plan.h"
#include "cpu/winograd.h"
#include "cpu/winograd_way.h"

namespace tatami::TATAMI_ISA {

// Tiles over all images: each has rows · columns. Dilated windows have tiles of every dilation-th
// pixel, in each other: a row of tiles are those of dilation_h rows of pixels.
struct TileGrid {
    int64_t images, rows, columns, dilation_h, dilation_w;

    // Over rows x columns pixels, side · side to a tile.
    TATAMI_INLINE static TileGrid over(int64_t images, int64_t rows, int64_t columns, int64_t side,
                                       int64_t dilation_h, int64_t dilation_w) {
        return {images, ceil_div(rows, side * dilation_h),
                dilation_h * dilation_w * ceil_div(columns, side * dilation_w), dilation_h,
                dilation_w};
    }

    // Calls use(row, column) with the first pixel of each tile of a row of tiles, `side` to a tile.
    template <class Use>
    TATAMI_INLINE void each_tile(int64_t side, const Use& use) const {
        const int64_t across = columns / dilation_h;
        for (int64_t row = 0; row < dilation_h; row++)
            for (int64_t first = 0; first < across; first += dilation_w)
                for (int64_t j = 0; j < dilation_w; j++) use(row, first * side + j);
    }
};

// Rows of tiles [begin, end) of one image, the first of them the group's row `row`.
struct TilePiece {
    int64_t image, begin, end, row;
};

// Rows of tiles first to end of all images, in pieces of at most `most` rows of one image.
struct TileGroup {
    int64_t first, end, most;

    TATAMI_INLINE int64_t pieces(const TileGrid& grid) const {
        return first == end ? 0 : piece_of(grid, end - 1) - piece_of(grid, first) + 1;
    }

    TATAMI_INLINE TilePiece piece(const TileGrid& grid, int64_t i) const {
        const int64_t per_image = ceil_div(grid.rows, most), at = piece_of(grid, first) + i;
        const int64_t image = at / per_image, top = image * grid.rows;
        const int64_t begin = max(first, top + at % per_image * most);
        const int64_t last = min(end, top + min(grid.rows, (at % per_image + 1) * most));
        return {image, begin - top, last - top, begin - first};
    }

  private:
    TATAMI_INLINE int64_t piece_of(const TileGrid& grid, int64_t row) const {
        return row / grid.rows * ceil_div(grid.rows, most) + row % grid.rows / most;
    }
};

// One group's channels of a batch of images, padded above and left.
template <class T>
struct TiledImages {
    const T* data;
    int64_t image_stride, channels, h, w, top, left;
};

// Where transformed tiles lie.
template <class T>
struct TileValues {
    T* data;
    int64_t value, block;  // elements between values, between blocks of channels

    // Odd distances of lines: not all of a tile's values in one set of a cache.
    TATAMI_INLINE static TileValues lay(T* data, int64_t channels, int64_t tiles) {
        const int64_t block = (tiles | 1) * kLanes<T>;
        return {data, round_up(channels, kPack<T>) / kLanes<T> * block + kLanes<T>, block};
    }
};

// Lays `rows` rows from `top` on of kLanes channels (those past `channels` zero) out as vectors,
// pitch to a row, with zeros around the image.
template <class T>
void lay_channels(const TiledImages<T>& x, const T* from, int64_t channels, int64_t top,
                  int64_t rows, int64_t pitch, T* strip) {
    constexpr int n = kLanes<T>;
    constexpr int64_t kAhead = 4 * n, kNearBytes = 1 << 15;
    const int64_t plane = x.h * x.w, first = max<int64_t>(top, 0), end = min(top + rows, x.h);
    // Channels lie a plane apart, where no hardware looks ahead. Behind those of a small image, of
    // which not even the beginning would be fetched in time, follow the next ones.
    const int64_t block = n * plane,
                  ahead = block * int64_t(sizeof(T)) <= kNearBytes ? block : kAhead;
    for (int64_t r = 0; r < rows; r++) {
        T* const zeros = strip + r * pitch * n;
        const bool inside = top + r >= 0 && top + r < x.h;
        const int64_t left = inside ? x.left : pitch;
        for (int64_t j = 0; j < left; j++) store(zeros + j * n, Vec<T>{});
        for (int64_t j = left + x.w; j < pitch; j++) store(zeros + j * n, Vec<T>{});
    }
    T* to = strip + ((first - top) * pitch + x.left) * n;
    int64_t column = 0;
    for (int64_t p = first * x.w; p < end * x.w; p += n) {
        const int64_t left = min<int64_t>(n, end * x.w - p);
        for (int i = 0; i < n; i++) __builtin_prefetch(from + i * plane + p + ahead);
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++)
            square[i] = i < channels ? load_first(from + i * plane + p, left) : Vec<T>{};
        transpose<T>(square);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (i >= left) break;
            store(to + column * n, square[i]);
            if (++column == x.w) column = 0, to += pitch * n;
        }
    }
}

// Rows of tiles that are transformed together, and their source as vectors.
template <class T, class Scheme>
struct TileStrip {
    static constexpr int kLap = Scheme::kPatch - Scheme::kStep;
    int64_t dilation, pitch, most;

    TATAMI_INLINE TileStrip(const TiledImages<T>& x, const TileGrid& grid)
        : dilation(grid.dilation_h) {
        constexpr int64_t kBytes = 1 << 16;
        pitch = max(grid.columns / dilation * Scheme::kStep + kLap * grid.dilation_w, x.left + x.w);
        const int64_t row = Scheme::kStep * dilation * pitch * kLanes<T> * int64_t(sizeof(T));
        most = min(max<int64_t>(kBytes / row, 1), grid.rows);
    }

    TATAMI_INLINE int64_t rows(int64_t tiles) const {
        return (tiles * Scheme::kStep + kLap) * dilation;
    }
    TATAMI_INLINE int64_t room() const { return rows(most) * pitch * kLanes<T>; }
};

// The values of a piece's tiles, of one block of channels: those past the last are zero. kStep,
// kPatch, kSource: of a scheme. data: scratch for the strip.
template <class T, class Scheme>
void transform_piece(const TiledImages<T>& x, const TileGrid& grid, const TilePiece& piece,
                     int64_t block, const TileStrip<T, Scheme>& strip, T* data,
                     const TileValues<T>& to) {
    constexpr int n = kLanes<T>, step = Scheme::kStep, values = Scheme::kSource.kRows;
    constexpr int64_t kStoresAhead = 4;
    const int64_t channel = block * n, rows = piece.end - piece.begin;
    const int64_t apart = step * grid.dilation_h;  // rows of pixels
    lay_channels(x, x.data + piece.image * x.image_stride + channel * x.h * x.w,
                 x.channels - channel, piece.begin * apart - x.top, strip.rows(rows), strip.pitch,
                 data);
    T* at = to.data + block * to.block + piece.row * grid.columns * n;
    for (int64_t r = 0; r < rows; r++)
        grid.each_tile(step, [&](int64_t i, int64_t j) {
            for (int v = 0; v < values * values; v++)
                __builtin_prefetch(at + v * to.value + kStoresAhead * n, 1);
            transform<T, Scheme::kSource>(data + ((r * apart + i) * strip.pitch + j) * n,
                                          grid.dilation_h * strip.pitch * n, grid.dilation_w * n,
                                          at, values * to.value, to.value);
            at += n;
        });
}

// The values of tiles [first, end), rows of them, of every channel that kPack rounds up to.
template <class T, class Scheme>
void transform_tiles(const TiledImages<T>& x, const TileGrid& grid, int64_t first, int64_t end,
                     const TileValues<T>& to) {
    constexpr int values = Scheme::kSource.kRows;
    const TileStrip<T, Scheme> strip(x, grid);
    const TileGroup group{first, end, strip.most};
    const int64_t blocks = round_up(x.channels, kPack<T>) / kLanes<T>;
    const memory::Scratch scratch(num_threads() * strip.room() * sizeof(T));
    const int64_t work = (end - first) * grid.columns * blocks * values * values * 4;
    parallel_for(group.pieces(grid) * blocks, work, [&](int64_t i, int worker) {
        transform_piece(x, grid, group.piece(grid, i / blocks), i % blocks, strip,
                        scratch.as<T>() + worker * strip.room(), to);
    });
}

}  // namespace tatami::TATAMI_ISA
