// Convolution forward and by its input, as products over gathered pixels.
#include "ops/conv2d.h"

#include "cpu/conv2d.h"
#include "cpu/depthwise.h"
#include "cpu/depthwise_spread.h"
#include "cpu/direct.h"
#include "cpu/gemm_phases.h"
#include "cpu/image.h"
#include "cpu/input_grad_phases.h"
#include "cpu/product_plan.h"
#include "cpu/single_pixels.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// m channels of all images, each phase its weights (m, channels · taps) times the pixels that its
// taps gather; g: the taps of all phases, on the largest grid. whole: the image of which the phases
// are parts.
template <class T, class A>
static void products(int64_t m, int64_t images, const T* source, const GatherShape& g,
                     const Image<T>& whole, const Phase<T, A>* phase, int64_t count) {
    const ProductPlan plan = plan_products(m, images, g, phase, count);
    if (plan.way == ProductWay::batch)
        return batch(m, images, g, plan.vectors, whole, phase, count,
                     [&](int64_t image, int64_t count, T* strip) {
                         fill_batch(g, plan.vectors, source + image * g.image_stride, count, strip);
                     });
    if (plan.way == ProductWay::direct)
        return direct(m, images, source, g, plan.strip, phase, count);
    gemm_phases(m, images, source, g, phase, count);
}

template <class T>
static void forward(const Conv2d& p, const T* x, const T* weight, const T* bias, T* y) {
    if constexpr (sizeof(T) == 4)
        if (const WinogradScheme s = winograd_forward_scheme(p); s != WinogradScheme::none)
            return winograd_forward(s, p, x, weight, bias, y);
    if (is_depthwise(p)) return depthwise_forward(p, x, weight, bias, y);
    const int64_t taps = p.kh * p.kw, depth = p.group_c * taps;
    memory::Scratch scratch(taps * sizeof(Tap));
    Tap* const tap = scratch.as<Tap>();
    forward_taps(p, tap);
    const int64_t work = p.n * p.oh * p.ow * p.o * depth / kLanes<T>;
    parallel_problems(p.groups, work, [&](int64_t g) {
        const int64_t o = g * p.group_o, c = g * p.group_c;
        const Image<T> out{
            y + o * p.oh * p.ow,       p.o * p.oh * p.ow, p.oh * p.ow, p.oh, p.ow, p.ow, 1,
            bias ? bias + o : nullptr, p.activation};
        const Phase<T, MatrixA<T>> phase{{weight + o * depth, depth, 1}, 0, taps, out};
        products(p.group_o, p.n, x + c * p.h * p.w, forward_gather(p, tap), out, &phase, 1);
    });
}

template <class T>
static void input_grad_strided(const Conv2d& p, const T* dy, const T* weight, const T* bias,
                               T* dx) {
    memory::Scratch scratch(InputGradPhases::bytes(p));
    const InputGradPhases s = input_grad_phases(p, scratch.as<void>());
    const int64_t window = p.kh * p.kw;
    const GatherShape g = input_grad_gather(p, s.tap);
    const int64_t work = p.n * g.rows * g.columns * p.c * p.group_o * window / kLanes<T>;
    parallel_problems(p.groups, work, [&](int64_t group) {
        const int64_t o = group * p.group_o, c = group * p.group_c;
        memory::Scratch memory(s.count * sizeof(Phase<T, PhaseWeight<T>>));
        auto* const phase = memory.as<Phase<T, PhaseWeight<T>>>();
        const int64_t count = phases_of(p, s, weight + o * p.group_c * window,
                                        bias ? bias + c : nullptr, dx + c * p.h * p.w, phase);
        const Image<T> whole{
            dx + c * p.h * p.w,        p.c * p.h * p.w, p.h * p.w, p.h, p.w, p.w, 1,
            bias ? bias + c : nullptr, p.activation};
        products(p.group_c, p.n, dy + o * p.oh * p.ow, g, whole, phase, count);
    });
}

// Where dy has one pixel an image and every window covers dx, dx (n, (c, tap)) is the plain product
// dy (n, o) · weight (o, (c, tap)): the first layer of most generators.
static bool single_pixel(const Conv2d& p) {
    return p.oh * p.ow == 1 && p.h == p.kh && p.w == p.kw && !p.pad_top && !p.pad_left &&
           (p.dilation_h == 1 || p.kh == 1) && (p.dilation_w == 1 || p.kw == 1);
}

template <class T>
static void input_grad_single_pixel(const Conv2d& p, const T* dy, const T* weight, const T* bias,
                                    T* dx) {
    const int64_t pixels = p.h * p.w, width = p.group_c * pixels;
    memory::Scratch scratch(bias ? p.c * pixels * sizeof(T) : 0);
    T* const column_bias = bias ? scratch.as<T>() : nullptr;
    for (int64_t i = 0; bias && i < p.c * pixels; i++) column_bias[i] = bias[i / pixels];
    parallel_problems(p.groups, p.n * p.group_o * p.c * pixels / kLanes<T>, [&](int64_t g) {
        const MatrixA<T> a{dy + g * p.group_o, p.o, 1};
        const MatrixB<T> b{weight + g * p.group_o * width, width, 1};
        const MatrixC<T> c{dx + g * width, p.c * pixels, bias ? column_bias + g * width : nullptr,
                           p.activation};
        gemm<T>(p.n, width, p.group_o, a, b, c);
    });
}

template <class T>
static void input_grad(const Conv2d& p, const T* dy, const T* weight, const T* bias, T* dx) {
    if constexpr (sizeof(T) == 4)
        if (const WinogradScheme s = winograd_input_grad_scheme(p); s != WinogradScheme::none)
            return winograd_input_grad(s, p, dy, weight, bias, dx);
    if (single_pixel(p)) return input_grad_single_pixel(p, dy, weight, bias, dx);
    if (skips_pixels(p)) {
        const memory::Scratch pixels(size_t(p.n * p.c * p.oh * p.ow) * sizeof(T));
        input_grad(without_skipped(p), dy, weight, bias, pixels.as<T>());
        return lay_pixels(p, pixels.as<const T>(), bias, dx);
    }
    if (is_depthwise(p))
        return p.stride_h == 1 ? depthwise_input_grad(p, dy, weight, bias, dx)
                               : depthwise_spread(p, dy, weight, bias, dx);
    input_grad_strided(p, dy, weight, bias, dx);
}

template <class T>
Conv2dKernels<T> conv2d_kernels() {
    return {&forward<T>, &input_grad<T>, &conv2d_weight_grad<T>, &conv2d_bias_grad<T>};
}
template Conv2dKernels<float> conv2d_kernels();
template Conv2dKernels<double> conv2d_kernels();

}  // namespace tatami::TATAMI_ISA
