// A convolution read as a matrix product, without the matrix: column (image, i, j) and row
// (channel, tap) of B are source[image, channel, i·stride_h + dh[tap], j·stride_w + dw[tap]],
// zero outside the source. The forward pass reads x so, the input gradient dy (once a phase of the
// stride), the weight gradient x transposed. Only panels that fit the cache are ever built.
#pragma once

#include "cpu/pack.h"

namespace tatami::TATAMI_ISA {

struct Tap {
    int64_t dh, dw;
};

struct GatherShape {
    int64_t channels, h, w;      // of the source, a group's channels
    int64_t image_stride;        // elements between images of the source
    int64_t rows, columns;       // the grid of (i, j)
    int64_t stride_h, stride_w;  // source pixels a step of the grid
    int64_t taps;
    const Tap* tap;  // (taps)

    // Whether the gathered pixels are the source's own, in order: most 1x1 convolutions.
    TATAMI_INLINE bool plain() const {
        return taps == 1 && tap->dh == 0 && tap->dw == 0 && stride_h == 1 && stride_w == 1 &&
               rows == h && columns == w;
    }
};

// Pixels of a vector that lie in one row of the grid: lanes [first, last).
struct Run {
    int64_t first, last, image, i, j;  // (image, i, j) of lane `first`
};

// Cuts `count` (at most a panel's width) pixels of images of rows x columns, from pixel `first` of
// all images on, into runs; returns how many.
TATAMI_INLINE int find_runs(int64_t rows, int64_t columns, int64_t first, int64_t count,
                            Run* runs) {
    if (count <= 0) return 0;
    int64_t image = first / (rows * columns), rest = first % (rows * columns);
    int64_t i = rest / columns, j = rest % columns;
    int used = 0;
    for (int64_t lane = 0; lane < count; used++) {
        const int64_t length = min(count - lane, columns - j);
        runs[used] = {lane, lane + length, image, i, j};
        lane += length;
        j = 0;
        if (++i == rows) i = 0, image++;
    }
    return used;
}

// A run seen through one tap: source offset of lane 0 in channel 0, and the lanes inside the
// source.
struct Window {
    int64_t offset;
    uint32_t lanes;
};

template <class T>
struct Gather {
    const T* source;
    GatherShape shape;

    // Gathered pixels are read many times: they are in cache.
    TATAMI_INLINE Runs runs(int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        if (!shape.plain()) return {};
        const int64_t plane = shape.h * shape.w, image = column / plane, pixel = column % plane;
        return MatrixB<T>{source + image * shape.image_stride, plane, 1}.runs(
            pixel, min(columns, plane - pixel), k0, depth);
    }

    // to: panels (depth, kPanel) one after the other: rows k0... of columns column...
    TATAMI_INLINE void pack(T* to, int64_t column, int64_t columns, int64_t k0,
                            int64_t depth) const {
        constexpr int64_t block = kBlock * kLanes<T>;
        if (shape.plain() && shape.h * shape.w % kPanel<T> == 0)
            return pack_plain(to, column, columns, k0, depth);
        for (int64_t c = 0; c < columns; c += block)
            pack_block(to + c * depth, column + c, min(block, columns - c), k0, depth);
    }

    // One vector of pixels of one row of B, by the windows of its tap.
    TATAMI_INLINE Vec<T> read(const T* channel, const Window* windows, int count) const {
        if (shape.stride_w != 1) return merge(channel, windows, count, shape.stride_w);
        if (count && windows[0].lanes == kAllLanes) return load(channel + windows[0].offset);
        return merge(channel, windows, count, 1);
    }

    TATAMI_INLINE static Vec<T> merge(const T* channel, const Window* windows, int count,
                                      int64_t stride) {
        Vec<T> v{};
        for (int i = 0; i < count; i++)
            v = load_lanes_into(v, channel + windows[i].offset, stride, windows[i].lanes);
        return v;
    }

    // The windows of tap t that hold any source pixel.
    TATAMI_INLINE int see_through(int64_t t, const Run* runs, int count, Window* windows) const {
        const Tap tap = shape.tap[t];
        int used = 0;
        for (int r = 0; r < count; r++) {
            const Run& run = runs[r];
            const int64_t row = run.i * shape.stride_h + tap.dh;
            const int64_t column = run.j * shape.stride_w + tap.dw;  // of lane `first`
            if (row < 0 || row >= shape.h) continue;
            const int64_t before = column < 0 ? ceil_div(-column, shape.stride_w) : 0;
            const int64_t inside =
                column < shape.w ? ceil_div(shape.w - column, shape.stride_w) : 0;
            const int64_t first = run.first + before, last = min(run.last, run.first + inside);
            if (first >= last) continue;
            windows[used++] = {run.image * shape.image_stride + row * shape.w + column -
                                   run.first * shape.stride_w,
                               lane_bits(first, last)};
        }
        return used;
    }

  private:
    // Where no panel straddles two images: each image's share row by row, in long runs of memory.
    TATAMI_INLINE void pack_plain(T* to, int64_t column, int64_t columns, int64_t k0,
                                  int64_t depth) const {
        const int64_t plane = shape.h * shape.w;
        for (int64_t c = 0; c < columns;) {
            const int64_t image = (column + c) / plane, pixel = (column + c) % plane;
            const int64_t length = min(columns - c, plane - pixel);
            MatrixB<T>{source + image * shape.image_stride, plane, 1}.pack(to + c * depth, pixel,
                                                                           length, k0, depth);
            c += length;
        }
    }

    static constexpr int kBlock = 8;  // vectors that are read side by side, in long runs of memory
    static constexpr int kAhead = 8;  // channels from prefetch to use

    // to: the panels of up to kBlock vectors.
    void pack_block(T* to, int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        const int vectors = int(2 * ceil_div(columns, kPanel<T>));
        Run runs[kBlock][kLanes<T>];
        Window windows[kBlock][kLanes<T>];
        int count[kBlock], used[kBlock];
        for (int v = 0; v < vectors; v++)
            count[v] = find_runs(shape.rows, shape.columns, column + v * kLanes<T>,
                                 min<int64_t>(kLanes<T>, columns - v * kLanes<T>), runs[v]);
        const int64_t plane = shape.h * shape.w, panel = kPanel<T> * depth;
        for (int64_t t = 0; t < shape.taps; t++) {
            for (int v = 0; v < vectors; v++)
                used[v] = see_through(t, runs[v], count[v], windows[v]);
            // rows of this tap: channel·taps + t in [k0, k0 + depth)
            const int64_t c0 = ceil_div(max<int64_t>(k0 - t, 0), shape.taps);
            const int64_t c1 =
                min(ceil_div(max<int64_t>(k0 + depth - t, 0), shape.taps), shape.channels);
            const T* from = source + c0 * plane;
            T* row = to + (c0 * shape.taps + t - k0) * kPanel<T>;
            for (int64_t c = c0; c < c1; c++, from += plane, row += shape.taps * kPanel<T>)
                for (int v = 0; v < vectors; v++) {
                    // The next channel lies a plane away, where no hardware looks ahead.
                    if (shape.taps == 1 && used[v])
                        __builtin_prefetch(from + kAhead * plane + windows[v][0].offset);
                    store(row + v / 2 * panel + v % 2 * kLanes<T>, read(from, windows[v], used[v]));
                }
        }
    }

    static constexpr uint32_t kAllLanes = uint32_t((uint64_t(1) << kLanes<T>)-1);
};

}  // namespace tatami::TATAMI_ISA
