// Convolution and max pooling as one: batch.h with batch_pool.h between its products and its
// transpositions.
#include "ops/pooled_conv2d.h"

#include "cpu/batch_pool.h"
#include "cpu/conv2d.h"
#include "cpu/input_grad_phases.h"
#include "cpu/product_plan.h"
#include "cpu/table.h"
#include "cpu/weight_grad_way.h"
#include "cpu/winograd_way.h"

namespace tatami::TATAMI_ISA {

// use(g) with the pixels that the forward pass gathers.
template <class Use>
TATAMI_INLINE auto with_forward(const Conv2d& p, const Use& use) {
    const memory::Scratch taps(p.kh * p.kw * sizeof(Tap));
    forward_taps(p, taps.as<Tap>());
    return use(forward_gather(p, taps.as<Tap>()));
}

// use(phases, g) with the only phase of the input gradient and the pixels that it gathers.
template <class Use>
TATAMI_INLINE auto with_input_grad(const Conv2d& p, const Use& use) {
    const memory::Scratch scratch(InputGradPhases::bytes(p));
    const InputGradPhases s = input_grad_phases(p, scratch.as<void>());
    return use(s, input_grad_gather(p, s.tap));
}

// Every pixel of the grid, of images that are written elsewhere.
template <class T>
static Image<T> grid_of(const GatherShape& g, const T* bias) {
    return {nullptr, 0,    g.rows * g.columns, g.rows, g.columns, g.columns,
            1,       bias, Activation::none};
}

template <class T>
static bool in_batch(int64_t m, int64_t images, const GatherShape& g) {
    const Phase<T, MatrixA<T>> phase{{}, 0, g.taps, grid_of<T>(g, nullptr)};
    return plan_products(m, images, g, &phase, 1).way == ProductWay::batch;
}

template <class T>
static bool pays(const PooledConv2d& pooled, bool weight_grad, bool input_grad) {
    const Conv2d& p = pooled.conv;
    if (p.groups != 1 || is_depthwise(p)) return false;
    if (p.n * p.c * p.o * pooled.rows * pooled.columns == 0) return false;
    if constexpr (sizeof(T) == 4)  // these round differently
        if (winograd_forward_scheme(p) != WinogradScheme::none ||
            (weight_grad && winograd_weight_grad_scheme(p) != WinogradScheme::none))
            return false;
    const bool forward = with_forward(p, [&](const GatherShape& g) {
        return in_batch<T>(p.o, p.n, g) &&
               (!weight_grad || weight_grad_way<T>(p, g) == WeightGradWay::lanes);
    });
    if (!forward || !input_grad) return forward;
    if (p.stride_h != 1 || p.stride_w != 1) return false;
    return with_input_grad(
        p, [&](const InputGradPhases&, const GatherShape& g) { return in_batch<T>(p.c, p.n, g); });
}

template <class T>
static void forward(const PooledConv2d& pooled, const T* x, const T* weight, const T* bias, T* y,
                    uint8_t* choice) {
    const Conv2d& p = pooled.conv;
    const auto pool = pooled.relu ? &pool_band<true, T> : &pool_band<false, T>;
    const int64_t windows = pooled.rows * pooled.columns;
    with_forward(p, [&](GatherShape g) {
        const BatchStrip s = plan_batch(g);
        const int64_t depth = g.channels * g.taps;
        g.rows = 2 * pooled.rows;  // an odd last one is in no window
        const auto fill = [&](int64_t image, int64_t images, T* strip) {
            fill_batch(g, s, x + image * g.image_stride, images, strip);
        };
        const auto write = [&](const BatchBand& band, T* c) {
            pool(pooled, band, c, choice);
            const int64_t size = band.rows / 2 * pooled.columns;
            T* const to =
                y + (band.image * p.o + band.first) * windows + band.row / 2 * pooled.columns;
            if (size == windows)  // channels follow one another
                return write_along(c, band.count * size, to, p.o * windows, band.images);
            for (int64_t r = 0; r < band.count; r++)
                write_along(c + r * size * kLanes<T>, size, to + r * windows, p.o * windows,
                            band.images);
        };
        const Phase<T, MatrixA<T>> phase{{weight, depth, 1}, 0, g.taps, grid_of(g, bias)};
        batch(p.o, p.n, g, s, phase.out, &phase, 1, 2, fill, write);
    });
}

template <class T>
static void input_grad(const PooledConv2d& pooled, const T* dy, const uint8_t* choice,
                       const T* weight, T* dx) {
    const Conv2d& p = pooled.conv;
    with_input_grad(p, [&](const InputGradPhases& phases, const GatherShape& g) {
        const BatchStrip s = plan_batch(g);
        const Image<T> out{dx, p.c * p.h * p.w, p.h * p.w,       p.h, p.w, p.w,
                           1,  nullptr,         Activation::none};
        const Phase<T, PhaseWeight<T>> phase{
            {weight, p.c * g.taps, g.taps, g.taps, phases.offset}, 0, g.taps, out};
        batch(p.c, p.n, g, s, out, &phase, 1, [&](int64_t image, int64_t images, T* strip) {
            expand_batch(pooled, s, dy, choice, image, images, strip);
        });
    });
}

// sums (channels; row stride `stride`, kLanes) of dy (channels, pixels, kLanes), an image as
// conv2d_bias_grad adds its pixels up: a chain for each lane of a Pack, then the halving tree.
template <class T>
static void sum_pixels(int64_t channels, int64_t pixels, const T* dy, T* sums, int64_t stride) {
    constexpr int64_t n = kLanes<T>, lanes = kPack<T>;
    for (int64_t c = 0; c < channels; c++, dy += pixels * n, sums += stride) {
        Vec<T> chain[lanes] = {};
        for (int64_t i = 0; i < pixels; i += lanes)
#pragma GCC unroll 16
            for (int64_t k = 0; k < lanes; k++)
                if (i + k < pixels) chain[k] += load(dy + (i + k) * n);
#pragma GCC unroll 4
        for (int64_t half = lanes / 2; half > 0; half /= 2)
#pragma GCC unroll 8
            for (int64_t k = 0; k < half; k++) chain[k] += chain[k + half];
        store(sums, chain[0]);
    }
}

template <class T>
static void weight_grad(const PooledConv2d& pooled, const T* dy, const uint8_t* choice, const T* x,
                        T* dweight, T* dbias) {
    const Conv2d& p = pooled.conv;
    const int64_t pixels = p.oh * p.ow, stride = round_up(p.n, kPack<T>);
    const BatchStrip own{0, p.ow, p.o * pixels};
    const memory::Scratch scratch(size_t(p.o * stride) * sizeof(T));
    T* const sums = scratch.as<T>();  // (o, images)
    with_forward(p, [&](const GatherShape& g) {
        const auto fill = [&](int64_t image, int64_t images, T* to) {
            expand_batch(pooled, own, dy, choice, image, images, to);
            sum_pixels(p.o, pixels, to, sums + image, stride);
        };
        batch_weight_grad(p.o, p.n, fill, x, g, plan_batch(g), dweight);
    });
    for (int64_t c = 0; c < p.o; c++) {
        double sum = 0;
        for (int64_t image = 0; image < p.n; image++) sum += double(sums[c * stride + image]);
        dbias[c] = T(sum);
    }
}

template <class T>
PooledConv2dKernels<T> pooled_conv2d_kernels() {
    return {&pays<T>, &forward<T>, &input_grad<T>, &weight_grad<T>};
}
template PooledConv2dKernels<float> pooled_conv2d_kernels();
template PooledConv2dKernels<double> pooled_conv2d_kernels();

}  // namespace tatami::TATAMI_ISA
