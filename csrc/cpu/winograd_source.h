// Images as transformed tiles: (values, blocks of kLanes channels, tiles, kLanes), of a group of
// rows of tiles at a time, as many as stay in the last cache.
#pragma once

#include "cpu/parallel.h"
#include "cpu/plan.h"
#include "cpu/winograd.h"
#include "cpu/winograd_way.h"

namespace tatami::TATAMI_ISA {

// Tiles over all images: each has rows · columns.
struct TileGrid {
    int64_t images, rows, columns;
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
    constexpr int64_t kAhead = 4 * n;  // channels lie a plane apart, where no hardware looks ahead
    const int64_t plane = x.h * x.w, first = max<int64_t>(top, 0), end = min(top + rows, x.h);
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
        for (int i = 0; i < n; i++) __builtin_prefetch(from + i * plane + p + kAhead);
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

// The values of a group's tiles, every channel that kPack rounds up to: those past the last are
// zero. kStep, kPatch, Source: of a scheme.
template <class T, class Scheme>
void transform_tiles(const TiledImages<T>& x, const TileGrid& grid, TileGroup group,
                     const TileValues<T>& to) {
    constexpr int n = kLanes<T>, step = Scheme::kStep, patch = Scheme::kPatch;
    constexpr int values = Scheme::kSource.kRows;
    constexpr int64_t kStripBytes = 1 << 16, kStoresAhead = 4;
    const int64_t pitch = max(grid.columns * step + patch - step, x.left + x.w);
    group.most = max<int64_t>(kStripBytes / (step * pitch * n * int64_t(sizeof(T))), 1);
    group.most = min(group.most, grid.rows);
    const int64_t blocks = round_up(x.channels, kPack<T>) / n, pieces = group.pieces(grid);
    const int64_t room = (group.most * step + patch - step) * pitch * n;
    const memory::Scratch scratch(num_threads() * room * sizeof(T));
    const int64_t tiles = (group.end - group.first) * grid.columns;
    parallel_for(pieces * blocks, tiles * blocks * values * values * 4, [&](int64_t i, int worker) {
        T* const strip = scratch.as<T>() + worker * room;
        const TilePiece piece = group.piece(grid, i / blocks);
        const int64_t block = i % blocks, channel = block * n, rows = piece.end - piece.begin;
        lay_channels(x, x.data + piece.image * x.image_stride + channel * x.h * x.w,
                     x.channels - channel, piece.begin * step - x.top, rows * step + patch - step,
                     pitch, strip);
        T* at = to.data + block * to.block + piece.row * grid.columns * n;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < grid.columns; j++, at += n) {
                for (int v = 0; v < values * values; v++)
                    __builtin_prefetch(at + v * to.value + kStoresAhead * n, 1);
                transform<T, Scheme::kSource>(strip + (r * pitch + j) * step * n, pitch * n, n, at,
                                              values * to.value, to.value);
            }
    });
}

}  // namespace tatami::TATAMI_ISA
