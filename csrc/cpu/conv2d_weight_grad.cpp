// Convolution by its weight: dW (o, (c, tap)) = dY (o, pixels) · gathered X^T (pixels, (c, tap)).
#include "cpu/conv2d.h"
#include "cpu/gemm.h"
#include "cpu/weight_grad_way.h"

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
static void weight_grad_part(const Conv2d& p, const GatherShape& shape, int64_t g, int64_t first,
                             int64_t pixels, const T* dy, const T* x, T* dweight) {
    const int64_t plane = p.oh * p.ow, width = p.group_c * p.kh * p.kw;
    const PixelsA<T> a{dy + g * p.group_o * plane, p.o * plane, plane, first};
    const PixelsB<T> b{{x + g * p.group_c * p.h * p.w, shape}, first};
    const MatrixC<T> c{dweight + g * p.group_o * width, width, nullptr, Activation::none};
    gemm<T>(p.group_o, width, pixels, a, b, c);
}

template <class T>
static void weight_grad_gemm(const Conv2d& p, const GatherShape& shape, int64_t parts, const T* dy,
                             const T* x, T* sums) {
    const int64_t pixels = p.n * p.oh * p.ow, step = ceil_div(pixels, parts);
    const int64_t size = p.o * p.group_c * shape.taps;
    parallel_problems(parts * p.groups, pixels * size / kLanes<T>, [&](int64_t i) {
        const int64_t part = i / p.groups, first = min(pixels, part * step);
        weight_grad_part(p, shape, i % p.groups, first, min(step, pixels - first), dy, x,
                         sums + part * size);
    });
}

template <class T>
static void weight_grad_dots(const Conv2d& p, const GatherShape& shape, int64_t parts, const T* dy,
                             const T* x, T* sums) {
    const memory::Scratch offsets(shape.taps * (1 + p.group_c) * sizeof(int64_t));
    DotPlan plan = plan_dots<T>(shape);
    plan.offset = dot_offsets(shape, plan.strip, offsets.as<int64_t>());
    const int64_t units = p.n * plan.strips, step = ceil_div(units, parts);
    const int64_t size = p.group_o * p.group_c * shape.taps;
    const int64_t work = p.n * p.oh * p.ow * p.groups * size / kLanes<T>;
    parallel_for(parts * p.groups, work, [&](int64_t i, int) {
        const int64_t group = i % p.groups, first = min(units, i / p.groups * step);
        pixel_dots(p, shape, plan, first, min(units, first + step),
                   dy + group * p.group_o * p.oh * p.ow, x + group * p.group_c * p.h * p.w,
                   sums + i * size);
    });
}

template <class T>
static void weight_grad_lanes(const Conv2d& p, const GatherShape& shape, const T* dy, const T* x,
                              T* dweight) {
    const int64_t pixels = p.oh * p.ow, size = p.group_o * p.group_c * shape.taps;
    const Tap own{0, 0};
    const GatherShape dy_shape{p.group_o, p.oh, p.ow, p.o * pixels, p.oh, p.ow, 1, 1, 1, &own};
    const BatchStrip dy_strip = plan_batch(dy_shape);
    parallel_problems(p.groups, p.n * pixels * p.groups * size / kLanes<T>, [&](int64_t g) {
        const auto fill = [&](int64_t image, int64_t images, T* to) {
            const int64_t channel = image * p.o + g * p.group_o;
            fill_batch(dy_shape, dy_strip, dy + channel * pixels, images, to);
        };
        batch_weight_grad(p.group_o, p.n, fill, x + g * p.group_c * p.h * p.w, shape,
                          plan_batch(shape), dweight + g * size);
    });
}

// By dots or gemm: the pixels in parts, which are added up in their order.
template <class T>
static void weight_grad_parts(bool dots, const Conv2d& p, const GatherShape& shape, const T* dy,
                              const T* x, T* dweight) {
    const int64_t size = p.o * p.group_c * shape.taps;
    const int64_t parts = pixel_parts(p.n * p.oh * p.ow, size * sizeof(T));
    const memory::Scratch sums((parts > 1 ? parts * size : 0) * sizeof(T));
    T* const part_sum = parts > 1 ? sums.as<T>() : dweight;
    if (dots)
        weight_grad_dots(p, shape, parts, dy, x, part_sum);
    else
        weight_grad_gemm(p, shape, parts, dy, x, part_sum);
    if (parts > 1)
        parallel_ranges(size, 1024, size * parts / kLanes<T>, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i += kLanes<T>) {
                const int64_t left = min<int64_t>(kLanes<T>, end - i);
                Vec<T> sum = load_first(part_sum + i, left);
                for (int64_t part = 1; part < parts; part++)
                    sum += load_first(part_sum + part * size + i, left);
                store_first(dweight + i, sum, left);
            }
        });
}

template <class T>
void conv2d_weight_grad(const Conv2d& p, const T* dy, const T* x, T* dweight) {
    if constexpr (sizeof(T) == 4)
        if (const WinogradScheme s = winograd_weight_grad_scheme(p); s != WinogradScheme::none)
            return winograd_weight_grad(s, p, dy, x, dweight);
    const memory::Scratch taps(p.kh * p.kw * sizeof(Tap));
    forward_taps(p, taps.as<Tap>());
    const GatherShape shape = forward_gather(p, taps.as<Tap>());
    switch (const WeightGradWay way = weight_grad_way<T>(p, shape)) {
        case WeightGradWay::depthwise:
            return depthwise_weight_grad(p, dy, x, dweight);
        case WeightGradWay::lanes:
            return weight_grad_lanes(p, shape, dy, x, dweight);
        default:
            return weight_grad_parts(way == WeightGradWay::dots, p, shape, dy, x, dweight);
    }
}

template <class T>
void conv2d_bias_grad(int64_t n, int64_t channels, int64_t pixels, const T* dy, T* dbias) {
    parallel_for(channels, n * channels * pixels / kLanes<T>, [&](int64_t channel, int) {
        double sum = 0;
        for (int64_t image = 0; image < n; image++) {
            const T* row = dy + (image * channels + channel) * pixels;
            Pack<T> lanes = broadcast_pack(T(0));
            int64_t i = 0;
            const auto add = [](Vec<T> a, Vec<T> b) { return a + b; };
            for (; i + kPack<T> <= pixels; i += kPack<T>)
                lanes = map<T>(add, lanes, load_pack(row + i));
            if (i < pixels) lanes = map<T>(add, lanes, load_pack_first(row + i, pixels - i));
            sum += double(sum_pack(lanes));
        }
        dbias[channel] = T(sum);
    });
}

template void conv2d_weight_grad(const Conv2d&, const float*, const float*, float*);
template void conv2d_weight_grad(const Conv2d&, const double*, const double*, double*);
template void conv2d_bias_grad(int64_t, int64_t, int64_t, const float*, float*);
template void conv2d_bias_grad(int64_t, int64_t, int64_t, const double*, double*);

}  // namespace tatami::TATAMI_ISA
