// Convolutions of bfloat16 in the processor's own instruction: twins of channels, or of images for
// the weight gradient, are zipped once, then gathered as numbers of float32 are.
#include "ops/conv2d.h"

#include "cpu/bfloat16/by_float32.h"
#include "cpu/bfloat16/factors.h"
#include "cpu/gemm_phases.h"
#include "cpu/input_grad_phases.h"
#include "cpu/pixel_dots.h"
#include "cpu/table.h"
#include "cpu/weight_grad_gemm.h"
#include "cpu/winograd_way.h"

namespace tatami::TATAMI_ISA {

// By way of float32, where that has minimal filtering; for what has no two channels or images to be
// twins, and for generators' first layers.
static Conv2dKernels<Bfloat16> by_float32() {
    return avx512::conv2d_kernels<Bfloat16>();
}

// Whether minimal filtering of float32 costs less than the products of twins, which are worth two.
static bool filtering_pays(const Conv2d& p, const WinogradCost& cost, int64_t rows, int64_t columns,
                           int64_t from, int64_t to) {
    constexpr double kTwin = 0.55;
    return keeps(p, 3) && !p.exact &&
           winograd_cost(p, cost, rows, columns, from, to) < direct_cost(p, kTwin);
}

// from (count, channels, pixels) as twins of neighbouring channels (count, twins(channels),
// pixels); the last one's second channel may be zeros.
class Zipped {
  public:
    TATAMI_INLINE Zipped(const Bfloat16* from, int64_t count, int64_t channels, int64_t pixels)
        : scratch_(size_t(count * twins(channels) * pixels) * sizeof(Twin)) {
        constexpr int64_t kRun = 1 << 10;
        const int64_t rows = count * twins(channels), runs = ceil_div(pixels, kRun);
        const auto zip = [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++) {
                const int64_t row = i / runs, first = i % runs * kRun;
                const int64_t channel = 2 * (row % twins(channels));
                const Bfloat16* const even =
                    from + (row / twins(channels) * channels + channel) * pixels + first;
                zip_row(data() + row * pixels + first, even,
                        channel + 1 < channels ? even + pixels : nullptr,
                        min(kRun, pixels - first));
            }
        };
        parallel_ranges(rows * runs, max<int64_t>(1, kRun / max<int64_t>(pixels, 1)),
                        rows * pixels / kLanes<Twin>, zip);
    }
    TATAMI_INLINE Twin* data() const { return scratch_.as<Twin>(); }

  private:
    TATAMI_INLINE static void zip_row(Twin* to, const Bfloat16* first, const Bfloat16* second,
                                      int64_t n) {
        for (int64_t i = 0; i < n; i += kLanes<Twin>) {
            const int64_t left = min<int64_t>(kLanes<Twin>, n - i);
            store_first(to + i, zip_twins(first + i, second ? second + i : nullptr, left), left);
        }
    }

    const memory::Scratch scratch_;
};

// As conv2d.cpp's.
template <class A>
static void products(int64_t m, int64_t images, const Twin* source, const GatherShape& g,
                     const Phase<Twin, A>* phase, int64_t count) {
    int64_t taps = 0;
    for (int64_t p = 0; p < count; p++) taps = max(taps, phase[p].taps);
    if (strip_fits<Twin>(g)) {
        const Strip strip = plan_strip<Twin>(g);
        if (direct_pays<Twin>(m, g, taps, strip))
            return direct(m, images, source, g, strip, phase, count);
    }
    gemm_phases(m, images, source, g, phase, count);
}

// Windows of one pixel, and planes wide enough to be multiplied as they lie: y (m, pixels) =
// a (m, k) · x (k, pixels) for every image, one group.
static bool is_pointwise(const Conv2d& p) {
    return p.kh * p.kw == 1 && p.stride_h == 1 && p.stride_w == 1 && p.oh == p.h && p.ow == p.w &&
           p.pad_top == 0 && p.pad_left == 0 && p.groups == 1 && p.h * p.w >= 4 * kPanel<Twin>;
}

static void pointwise(int64_t images, int64_t pixels, int64_t m, const TwinsA& a,
                      const Bfloat16* source, const float* bias, Activation activation,
                      Bfloat16* to) {
    const int64_t work = images * m * pixels * twins(a.k) / kLanes<Twin>;
    parallel_problems(images, work, [&](int64_t image) {
        const TwinsB b{source + image * a.k * pixels, pixels, 1, a.k};
        const Image<Twin> out{
            to + image * m * pixels, 0, pixels, 1, pixels, pixels, 1, bias, activation};
        gemm<Twin>(m, pixels, twins(a.k), a, b, out);
    });
}

static void forward(const Conv2d& p, const Bfloat16* x, const Bfloat16* weight,
                    const Bfloat16* bias, Bfloat16* y) {
    if (p.group_c == 1 || filtering_pays(p, kFours, p.oh, p.ow, p.group_c, p.group_o))
        return by_float32().forward.call(p, x, weight, bias, y);
    const Widened wide_bias(bias, p.o);
    if (is_pointwise(p))
        return pointwise(p.n, p.h * p.w, p.o, {weight, p.c, 1, p.c}, x, wide_bias, p.activation, y);
    const int64_t taps = p.kh * p.kw, channels = twins(p.group_c), depth = channels * taps;
    const Zipped pixels(x, p.n * p.groups, p.group_c, p.h * p.w),
        weights(weight, p.o, p.group_c, taps);
    const memory::Scratch scratch(taps * sizeof(Tap));
    forward_taps(p, scratch.as<Tap>());
    GatherShape shape = forward_gather(p, scratch.as<Tap>());
    shape.channels = channels;
    shape.image_stride = p.groups * channels * p.h * p.w;
    parallel_problems(p.groups, p.n * p.oh * p.ow * p.o * depth / kLanes<Twin>, [&](int64_t g) {
        const int64_t o = g * p.group_o;
        const Image<Twin> out{y + o * p.oh * p.ow,
                              p.o * p.oh * p.ow,
                              p.oh * p.ow,
                              p.oh,
                              p.ow,
                              p.ow,
                              1,
                              bias ? wide_bias + o : nullptr,
                              p.activation};
        const Phase<Twin, MatrixA<Twin>> phase{
            {weights.data() + o * depth, depth, 1}, 0, taps, out};
        products(p.group_o, p.n, pixels.data() + g * channels * p.h * p.w, shape, &phase, 1);
    });
}

static void input_grad(const Conv2d& p, const Bfloat16* dy, const Bfloat16* weight,
                       const Bfloat16* bias, Bfloat16* dx) {
    if (p.group_o == 1 || p.oh * p.ow == 1 ||
        filtering_pays(p, kFours, p.h, p.w, p.group_o, p.group_c))
        return by_float32().input_grad.call(p, dy, weight, bias, dx);
    const Widened wide_bias(bias, p.c);
    if (is_pointwise(p))
        return pointwise(p.n, p.h * p.w, p.c, {weight, 1, p.c, p.o}, dy, wide_bias, p.activation,
                         dx);
    const int64_t window = p.kh * p.kw, channels = twins(p.group_o), plane = p.oh * p.ow;
    const Zipped pixels(dy, p.n * p.groups, p.group_o, plane),
        weights(weight, p.groups, p.group_o, p.group_c * window);
    const memory::Scratch scratch(InputGradPhases::bytes(p));
    const InputGradPhases s = input_grad_phases(p, scratch.as<void>());
    GatherShape shape = input_grad_gather(p, s.tap);
    shape.channels = channels;
    shape.image_stride = p.groups * channels * plane;
    const int64_t work = p.n * shape.rows * shape.columns * p.c * channels * window / kLanes<Twin>;
    parallel_problems(p.groups, work, [&](int64_t g) {
        const Twin* const own = weights.data() + g * channels * p.group_c * window;
        Bfloat16* const to = dx + g * p.group_c * p.h * p.w;
        const float* const own_bias = bias ? wide_bias + g * p.group_c : nullptr;
        const memory::Scratch memory(s.count * sizeof(Phase<Twin, PhaseWeight<Twin>>));
        auto* const phase = memory.as<Phase<Twin, PhaseWeight<Twin>>>();
        const int64_t count = phases_of<Twin>(p, s, own, own_bias, to, phase);
        products(p.group_c, p.n, pixels.data() + g * channels * plane, shape, phase, count);
    });
}

static void weight_grad(const Conv2d& p, const Bfloat16* dy, const Bfloat16* x, Bfloat16* dweight) {
    if (p.n <= 1 || (p.group_c == 1 && p.groups > 1) ||
        filtering_pays(p, kFoursWeightGrad, p.oh, p.ow, p.group_o, p.group_c))
        return by_float32().weight_grad.call(p, dy, x, dweight);
    const int64_t images = twins(p.n), size = p.o * p.group_c * p.kh * p.kw;
    const int64_t parts = pixel_parts(images * p.oh * p.ow, size * sizeof(float));
    const Zipped x_twins(x, 1, p.n, p.c * p.h * p.w), dy_twins(dy, 1, p.n, p.o * p.oh * p.ow);
    const memory::Scratch taps(p.kh * p.kw * sizeof(Tap)), scratch(parts * size * sizeof(float));
    forward_taps(p, taps.as<Tap>());
    float* const sums = scratch.as<float>();
    weight_grad_gemm(p, images, forward_gather(p, taps.as<Tap>()), parts, dy_twins.data(),
                     x_twins.data(), sums);
    if (parts > 1) add_parts(parts, size, sums, sums);
    narrow_all(sums, dweight, size);
}

template <>
Conv2dKernels<Bfloat16> conv2d_kernels() {
    return {&forward, &input_grad, &weight_grad, by_float32().bias_grad};
}

}  // namespace tatami::TATAMI_ISA
