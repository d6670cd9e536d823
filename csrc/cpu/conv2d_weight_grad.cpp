// Convolution by its weight: dW (o, (c, tap)) = dY (o, pixels) · gathered X^T (pixels, (c, tap)).
#include "cpu/conv2d.h"
#include "cpu/depthwise_weight_grad.h"
#include "cpu/weight_grad_gemm.h"
#include "cpu/weight_grad_way.h"

namespace tatami::TATAMI_ISA {

template <class T>
static void weight_grad_dots(const Conv2d& p, const GatherShape& shape, int64_t parts, const T* dy,
                             const T* x, T* sums) {
    const memory::Scratch offsets(shape.taps * (1 + p.group_c) * sizeof(int64_t));
    DotPlan plan = plan_dots<T>(shape, p.n);
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
        weight_grad_gemm(p, p.n, shape, parts, dy, x, part_sum);
    if (parts > 1) add_parts(parts, size, part_sum, dweight);
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
