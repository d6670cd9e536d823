// Convolution forward and by its input, as products over gathered pixels.
#include "ops/conv2d.h"

#include "cpu/batch.h"
#include "cpu/conv2d.h"
#include "cpu/depthwise.h"
#include "cpu/direct.h"
#include "cpu/gemm.h"
#include "cpu/image.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// m channels of all images, each phase its weights (m, channels · taps) times the pixels that its
// taps gather; g: the taps of all phases, on the largest grid.
template <class T, class A>
static void products(int64_t m, int64_t images, const T* source, const GatherShape& g,
                     const Phase<T, A>* phase, int64_t count) {
    const bool fits = strip_fits<T>(g);
    const Strip strip = fits ? plan_strip<T>(g) : Strip{};
    const BatchStrip vectors = plan_batch(g);
    int64_t taps = 0;
    for (int64_t p = 0; p < count; p++) taps = max(taps, phase[p].taps);
    const bool slide = fits && direct_pays<T>(m, g, taps, strip);
    if (count == 1 && phase->out.dense() && batch_pays<T>(m, images, g, vectors, slide, strip))
        return batch(m, images, source, g, vectors, phase->weights, phase->out);
    if (slide) return direct(m, images, source, g, strip, phase, count);
    for (int64_t p = 0; p < count; p++) {
        const Image<T>& out = phase[p].out;
        GatherShape shape = g;
        shape.rows = out.rows, shape.columns = out.columns;
        shape.taps = phase[p].taps, shape.tap = g.tap + phase[p].first_tap;
        gemm<T>(m, images * out.rows * out.columns, g.channels * shape.taps, phase[p].weights,
                Gather<T>{source, shape}, out);
    }
}

template <class T>
static void forward(const Conv2d& p, const T* x, const T* weight, const T* bias, T* y) {
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
        products(p.group_o, p.n, x + c * p.h * p.w, forward_gather(p, tap), &phase, 1);
    });
}

// The weights of one phase of the input gradient: row c, column (o, tap) is weight[o, c, tap].
template <class T>
struct PhaseWeight {
    const T* weight;  // of the group
    int64_t o_stride, c_stride;
    int64_t taps;
    const int64_t* tap_offset;  // (taps) into a window

    TATAMI_INLINE Runs runs(int64_t c, int64_t rows, int64_t k0, int64_t depth) const {
        return runs_of(weight + c * c_stride + k0 / taps * o_stride, ceil_div(depth, taps),
                       rows * c_stride, o_stride);
    }

    TATAMI_INLINE void pack(T* to, int64_t c, int64_t rows, int64_t k0, int64_t depth) const {
        const T* from = weight + c * c_stride + k0 / taps * o_stride;
        int64_t t = k0 % taps;
        for (int64_t d = 0; d < depth; d++, to += rows) {
            const T* window = from + tap_offset[t];
            for (int64_t r = 0; r < rows; r++) to[r] = window[r * c_stride];
            if (++t == taps) t = 0, from += o_stride;
        }
    }
};

// The taps that reach the pixels first, first + stride, ... of one axis, and what they read there:
// pixel i of the phase takes dy[i + shift] for each tap k with k·dilation = first + pad -
// shift·stride.
static int64_t phase_taps(int64_t first, int64_t pad, int64_t stride, int64_t dilation,
                          int64_t size, int64_t* tap, int64_t* shift) {
    int64_t count = 0;
    for (int64_t k = 0; k < size; k++) {
        const int64_t distance = first + pad - k * dilation;
        if (distance % stride) continue;
        tap[count] = k;
        shift[count++] = distance / stride;
    }
    return count;
}

// The phases of the input gradient: phase (top, left) is the pixels (top + i·stride_h, left +
// j·stride_w) of dx, a dense convolution of dy by the taps that reach them.
struct InputGradPhases {
    int64_t count, *taps, *first_tap;  // (count)
    Tap* tap;                          // (all taps)
    int64_t* offset;                   // (all taps) into a window

    // bytes of the arrays
    TATAMI_INLINE static int64_t bytes(const Conv2d& p) {
        return p.stride_h * p.stride_w * 2 * int64_t(sizeof(int64_t)) +
               p.kh * p.kw * int64_t(sizeof(Tap) + sizeof(int64_t)) +
               2 * (p.kh + p.kw) * int64_t(sizeof(int64_t));
    }
};

// memory: InputGradPhases::bytes.
static InputGradPhases input_grad_phases(const Conv2d& p, void* memory) {
    InputGradPhases s{p.stride_h * p.stride_w, static_cast<int64_t*>(memory), nullptr, nullptr,
                      nullptr};
    s.first_tap = s.taps + s.count;
    s.tap = reinterpret_cast<Tap*>(s.first_tap + s.count);
    s.offset = reinterpret_cast<int64_t*>(s.tap + p.kh * p.kw);
    int64_t *const tap_h = s.offset + p.kh * p.kw, *const shift_h = tap_h + p.kh;
    int64_t *const tap_w = shift_h + p.kh, *const shift_w = tap_w + p.kw;
    int64_t used = 0;
    for (int64_t i = 0; i < s.count; i++) {
        const int64_t top = i / p.stride_w, left = i % p.stride_w;
        const int64_t nh =
            phase_taps(top, p.pad_top, p.stride_h, p.dilation_h, p.kh, tap_h, shift_h);
        const int64_t nw =
            phase_taps(left, p.pad_left, p.stride_w, p.dilation_w, p.kw, tap_w, shift_w);
        s.first_tap[i] = used;
        s.taps[i] = nh * nw;
        for (int64_t h = 0; h < nh; h++)
            for (int64_t w = 0; w < nw; w++, used++) {
                s.tap[used] = {shift_h[h], shift_w[w]};
                s.offset[used] = tap_h[h] * p.kw + tap_w[w];
            }
    }
    return s;
}

template <class T>
static void input_grad_strided(const Conv2d& p, const T* dy, const T* weight, const T* bias,
                               T* dx) {
    memory::Scratch scratch(InputGradPhases::bytes(p));
    const InputGradPhases s = input_grad_phases(p, scratch.as<void>());
    const int64_t window = p.kh * p.kw;
    const GatherShape g{p.group_o,
                        p.oh,
                        p.ow,
                        p.o * p.oh * p.ow,
                        ceil_div(p.h, p.stride_h),
                        ceil_div(p.w, p.stride_w),
                        1,
                        1,
                        window,
                        s.tap};
    const int64_t work = p.n * g.rows * g.columns * p.c * p.group_o * window / kLanes<T>;
    parallel_problems(p.groups, work, [&](int64_t group) {
        const int64_t o = group * p.group_o, c = group * p.group_c;
        memory::Scratch memory(s.count * sizeof(Phase<T, PhaseWeight<T>>));
        auto* const phase = memory.as<Phase<T, PhaseWeight<T>>>();
        int64_t count = 0;
        for (int64_t i = 0; i < s.count; i++) {
            const int64_t top = i / p.stride_w, left = i % p.stride_w;
            if (top >= p.h || left >= p.w) continue;
            const Image<T> out{dx + c * p.h * p.w + top * p.w + left,
                               p.c * p.h * p.w,
                               p.h * p.w,
                               ceil_div(p.h - top, p.stride_h),
                               ceil_div(p.w - left, p.stride_w),
                               p.stride_h * p.w,
                               p.stride_w,
                               bias ? bias + c : nullptr,
                               p.activation};
            const PhaseWeight<T> weights{weight + o * p.group_c * window, p.group_c * window,
                                         window, s.taps[i], s.offset + s.first_tap[i]};
            phase[count++] = {weights, s.first_tap[i], s.taps[i], out};
        }
        products(p.group_c, p.n, dy + o * p.oh * p.ow, g, phase, count);
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
    if (single_pixel(p)) return input_grad_single_pixel(p, dy, weight, bias, dx);
    if (is_depthwise(p) && p.stride_h == 1) return depthwise_input_grad(p, dy, weight, bias, dx);
    input_grad_strided(p, dy, weight, bias, dx);
}

template <class T>
Conv2dKernels<T> conv2d_kernels() {
    return {&forward<T>, &input_grad<T>, &conv2d_weight_grad<T>, &conv2d_bias_grad<T>};
}
template Conv2dKernels<float> conv2d_kernels();
template Conv2dKernels<double> conv2d_kernels();

}  // namespace tatami::TATAMI_ISA
