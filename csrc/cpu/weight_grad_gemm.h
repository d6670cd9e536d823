// The weight gradient of a convolution through gemm.h: dY (o, pixels) times gathered X^T (pixels,
// (c, tap)).
#pragma once

#include "cpu/conv2d.h"
#include "cpu/gemm.h"

namespace tatami::TATAMI_ISA {

// dy as the left factor: row o, column the pixels of all images, from pixel `first` on.
template <class T>
struct PixelsA {
    const T* dy;
    int64_t image_stride, pixels, first;

    TATAMI_INLINE Runs runs(int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        const int64_t image = (first + k0) / pixels, pixel = (first + k0) % pixels;
        return MatrixA<T>{dy + image * image_stride, pixels, 1}.runs(row, rows, pixel,
                                                                     min(depth, pixels - pixel));
    }

    TATAMI_INLINE void pack(T* to, int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        for (int64_t d = 0; d < depth;) {
            const int64_t image = (first + k0 + d) / pixels, pixel = (first + k0 + d) % pixels;
            const int64_t length = min(depth - d, pixels - pixel);
            MatrixA<T>{dy + image * image_stride, pixels, 1}.pack(to + d * rows, row, rows, pixel,
                                                                  length);
            d += length;
        }
    }
};

// x as the right factor: row a pixel of dy, column (c, tap): gathered vectors of pixels,
// transposed.
template <class T>
struct PixelsB {
    Gather<T> x;
    int64_t first;

    TATAMI_INLINE Runs runs(int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        if (!x.shape.plain()) return {};
        const int64_t plane = x.shape.h * x.shape.w;
        const int64_t image = (first + k0) / plane, pixel = (first + k0) % plane;
        return runs_of(x.source + image * x.shape.image_stride + column * plane + pixel, columns,
                       min(depth, plane - pixel), plane);
    }

    void pack(T* to, int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        if (x.shape.plain())
            pack_plain(to, column, columns, first + k0, depth);
        else
            pack_gathered(to, column, columns, first + k0, depth);
    }

  private:
    TATAMI_INLINE void pack_plain(T* to, int64_t column, int64_t columns, int64_t pixel,
                                  int64_t depth) const {
        const int64_t plane = x.shape.h * x.shape.w;
        for (int64_t d = 0; d < depth;) {
            const int64_t image = (pixel + d) / plane, at = (pixel + d) % plane;
            const int64_t length = min(depth - d, plane - at);
            const T* from = x.source + image * x.shape.image_stride + column * plane + at;
            for (int64_t c = 0; c < round_up(columns, kPanel<T>); c += kLanes<T>)
                transpose_strip(to + panel_address<T>(c, d, depth), kPanel<T>, from + c * plane,
                                plane, max<int64_t>(min<int64_t>(kLanes<T>, columns - c), 0),
                                length);
            d += length;
        }
    }

    TATAMI_INLINE void pack_gathered(T* to, int64_t column, int64_t columns, int64_t pixel,
                                     int64_t depth) const {
        memory::Scratch scratch(x.shape.taps * (kLanes<T> * sizeof(Window) + sizeof(int)));
        Window* const windows = scratch.as<Window>();  // (taps, kLanes)
        int* const used = reinterpret_cast<int*>(windows + x.shape.taps * kLanes<T>);  // (taps)
        for (int64_t d = 0; d < depth; d += kLanes<T>) {
            const int64_t left = min<int64_t>(kLanes<T>, depth - d);
            Run runs[kLanes<T>];
            const int count = find_runs(x.shape.rows, x.shape.columns, pixel + d, left, runs);
            for (int64_t t = 0; t < x.shape.taps; t++)
                used[t] = x.see_through(t, runs, count, windows + t * kLanes<T>);
            for (int64_t c = 0; c < round_up(columns, kPanel<T>); c += kLanes<T>) {
                pack_square(to + panel_address<T>(c, d, depth), column + c, columns - c, left,
                            windows, used);
            }
        }
    }

    // to (pixels, kLanes; row stride kPanel): the square of `columns` columns by `pixels` pixels.
    TATAMI_INLINE void pack_square(T* to, int64_t column, int64_t columns, int64_t pixels,
                                   const Window* windows, const int* used) const {
        constexpr int n = kLanes<T>;
        const int64_t plane = x.shape.h * x.shape.w;
        int64_t t = column % x.shape.taps;
        const T* channel = x.source + column / x.shape.taps * plane;
        Vec<T> square[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            square[i] = i < columns ? x.read(channel, windows + t * n, used[t]) : Vec<T>{};
            if (++t == x.shape.taps) t = 0, channel += plane;
        }
        transpose<T>(square);
        if (pixels == n) {
#pragma GCC unroll 16
            for (int i = 0; i < n; i++) store(to + i * kPanel<T>, square[i]);
        } else {
            T rest[n * n];
            for (int i = 0; i < n; i++) store(rest + i * n, square[i]);
            for (int64_t i = 0; i < pixels; i++) store(to + i * kPanel<T>, load(rest + i * n));
        }
    }
};

template <class T>
TATAMI_INLINE void weight_grad_part(const Conv2d& p, const GatherShape& shape, int64_t g,
                                    int64_t first, int64_t pixels, const T* dy, const T* x,
                                    SumOf<T>* dweight) {
    const int64_t plane = p.oh * p.ow, width = p.group_c * p.kh * p.kw;
    const PixelsA<T> a{dy + g * p.group_o * plane, p.o * plane, plane, first};
    const PixelsB<T> b{{x + g * p.group_c * p.h * p.w, shape}, first};
    const MatrixC<SumOf<T>> c{dweight + g * p.group_o * width, width, nullptr, Activation::none};
    gemm<T>(p.group_o, width, pixels, a, b, c);
}

// sums (parts, o, group_c, taps): of `parts` parts of the pixels of all images.
template <class T>
void weight_grad_gemm(const Conv2d& p, int64_t images, const GatherShape& shape, int64_t parts,
                      const T* dy, const T* x, SumOf<T>* sums) {
    const int64_t pixels = images * p.oh * p.ow, step = ceil_div(pixels, parts);
    const int64_t size = p.o * p.group_c * shape.taps;
    parallel_problems(parts * p.groups, pixels * size / kLanes<T>, [&](int64_t i) {
        const int64_t part = i / p.groups, first = min(pixels, part * step);
        weight_grad_part(p, shape, i % p.groups, first, min(step, pixels - first), dy, x,
                         sums + part * size);
    });
}

// to (size) = the sum of parts (parts, size), in their order.
template <class T>
void add_parts(int64_t parts, int64_t size, const T* part_sum, T* to) {
    parallel_ranges(size, 1024, size * parts / kLanes<T>, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i += kLanes<T>) {
            const int64_t left = min<int64_t>(kLanes<T>, end - i);
            Vec<T> sum = load_first(part_sum + i, left);
            for (int64_t part = 1; part < parts; part++)
                sum += load_first(part_sum + part * size + i, left);
            store_first(to + i, sum, left);
        }
    });
}

}  // namespace tatami::TATAMI_ISA
