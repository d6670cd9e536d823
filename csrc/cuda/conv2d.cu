// Convolutions as products over gathered pixels, which are never laid out: the product's reader
// works out where an element of x comes from. Strided gradients by the input go phase by phase, so
// that no zero is multiplied.
#include "cuda/divide.cuh"
#include "cuda/gemm.cuh"
#include "cuda/reduce.cuh"
#include "cuda/table.h"
#include "ops/conv2d.h"

namespace tatami::cuda {

// Along one axis: pixel i by tap t reads first + i · step + t · tap_step.
struct AxisGather {
    int64_t size;  // of the source
    int64_t step, first, tap_step;
    int taps;
};

// What the pixels (rows, columns) of an image gather of (channels, h, w) by taps.
struct Gather {
    AxisGather v, h;
    int64_t channels, image;  // of the source; elements from image to image
    Divider columns, pixels;  // of the target: its width and its size
    Divider h_taps, taps;     // taps of a row, and all
};

static Gather gather(const AxisGather& v, const AxisGather& h, int64_t channels, int64_t image,
                     int64_t rows, int64_t columns) {
    return {v,
            h,
            channels,
            image,
            Divider(columns),
            Divider(rows * columns),
            Divider(h.taps),
            Divider(int64_t(v.taps) * h.taps)};
}

// The pixels of all images (n rows columns) by channels and taps: either is the depth of a product.
template <class T, bool TAPS_ARE_DEPTH>
struct Gathered {
    const T* source;
    Gather g;
    int64_t group;  // elements from group to group

    static constexpr bool kAlongDepth = !TAPS_ARE_DEPTH;  // pixels are neighbours in memory

    struct Pixel {
        const T* image;
        int64_t row, column;  // of the first tap
    };
    struct Tap {
        int64_t channel, row, column;  // offsets
    };
    using Column = std::conditional_t<TAPS_ARE_DEPTH, Pixel, Tap>;

    TATAMI_DEVICE Gathered batch(int64_t z) const { return {source + z * group, g, group}; }

    TATAMI_DEVICE Pixel pixel(int64_t p) const {
        int64_t at, row, column;
        const int64_t n = g.pixels.split(p, at);
        row = g.columns.split(at, column);
        return {source + n * g.image, row * g.v.step + g.v.first, column * g.h.step + g.h.first};
    }
    TATAMI_DEVICE Tap tap(int64_t k) const {
        int64_t at, column;
        const int64_t channel = g.taps.split(k, at);
        const int64_t row = g.h_taps.split(at, column);
        return {channel, row * g.v.tap_step, column * g.h.tap_step};
    }
    TATAMI_DEVICE T value(const Pixel& p, const Tap& t) const {
        const int64_t row = p.row + t.row, column = p.column + t.column;
        const bool inside = row >= 0 && row < g.v.size && column >= 0 && column < g.h.size;
        return inside ? p.image[(t.channel * g.v.size + row) * g.h.size + column] : T(0);
    }

    TATAMI_DEVICE Column column(int64_t c) const {
        if constexpr (TAPS_ARE_DEPTH)
            return pixel(c);
        else
            return tap(c);
    }
    TATAMI_DEVICE T at(const Column& c, int64_t k) const {
        if constexpr (TAPS_ARE_DEPTH)
            return value(c, tap(k));
        else
            return value(pixel(k), c);
    }
};

// weight (rows, k) of a group.
template <class T>
struct GroupWeight : Factor<T, true> {
    int64_t group;
    TATAMI_DEVICE Factor<T, true> batch(int64_t z) const {
        return {this->data + z * group, this->line, 1};
    }
};

// weight[row, k] where k counts (inner, vertical tap, horizontal tap) of a phase.
template <class T>
struct PhaseWeight {
    const T* data;
    int64_t row_stride, inner_stride, v_stride, h_stride;
    Divider h_taps, taps;
    int64_t group;

    static constexpr bool kAlongDepth = true;
    struct Row {
        const T* start;
    };
    TATAMI_DEVICE PhaseWeight batch(int64_t z) const {
        return {data + z * group, row_stride, inner_stride, v_stride,
                h_stride,         h_taps,     taps,         group};
    }
    TATAMI_DEVICE Row row(int64_t r) const { return {data + r * row_stride}; }
    TATAMI_DEVICE T at(Row r, int64_t k) const {
        int64_t at, h;
        const int64_t inner = taps.split(k, at);
        const int64_t v = h_taps.split(at, h);
        return r.start[inner * inner_stride + v * v_stride + h * h_stride];
    }
};

// Channels by the pixels of all images, with bias and activation; pixels may lie steps apart.
template <class T>
struct Image {
    T* data;
    int64_t image, channel, row_step, column_step;
    Divider columns, pixels;
    const T* bias;  // (channels), or nullptr
    Activation activation;
    int64_t group, group_channels;

    struct Row {
        int64_t start;
        Real<T> bias;
    };
    struct Column {
        T* start;
    };
    TATAMI_DEVICE Image batch(int64_t z) const {
        Image own = *this;
        own.data += z * group;
        if (bias) own.bias += z * group_channels;
        return own;
    }
    TATAMI_DEVICE Column column(int64_t p) const {
        int64_t at, column;
        const int64_t n = pixels.split(p, at);
        const int64_t row = columns.split(at, column);
        return {data + n * image + row * row_step + column * column_step};
    }
    TATAMI_DEVICE Row row(int64_t r) const {
        return {r * channel, bias ? Real<T>(bias[r]) : Real<T>(0)};
    }
    TATAMI_DEVICE Real<T> bias_of(Row r, Column) const { return r.bias; }
    TATAMI_DEVICE void store(Row r, Column c, Real<T> value) const { c.start[r.start] = value; }
};

template <class T>
static void forward(const Conv2d& p, const T* x, const T* weight, const T* bias, T* y) {
    const int64_t taps = p.kh * p.kw, pixels = p.oh * p.ow;
    const GroupWeight<T> a{{weight, p.group_c * taps, 1}, p.group_o * p.group_c * taps};
    const Gathered<T, true> b{x,
                              gather({p.h, p.stride_h, -p.pad_top, p.dilation_h, int(p.kh)},
                                     {p.w, p.stride_w, -p.pad_left, p.dilation_w, int(p.kw)},
                                     p.group_c, p.c * p.h * p.w, p.oh, p.ow),
                              p.group_c * p.h * p.w};
    const Image<T> c{y,
                     p.o * pixels,
                     pixels,
                     p.ow,
                     1,
                     Divider(p.ow),
                     Divider(pixels),
                     bias,
                     p.activation,
                     p.group_o * pixels,
                     p.group_o};
    gemm<T>({p.group_o, p.n * pixels, p.group_c * taps, p.groups, p.tf32}, a, b, c);
}

// The taps that reach the pixels first, first + stride, ... of one axis of dx: every `tap_every`th
// from `first_tap`, and what dy they read.
struct Phase {
    int64_t first_tap, tap_every, pixels;
    AxisGather axis;
};

static Phase phase(int64_t top, int64_t pad, int64_t stride, int64_t dilation, int64_t taps,
                   int64_t size, int64_t dy_size) {
    Phase p{0, stride, (size - top + stride - 1) / stride, {dy_size, 1, 0, 0, 0}};
    int64_t found = 0, last = 0;
    for (int64_t k = 0; k < taps; k++) {
        const int64_t distance = top + pad - k * dilation;
        if (distance % stride) continue;
        if (found == 0) p.first_tap = k, p.axis.first = distance / stride;
        if (found == 1) p.tap_every = k - last, p.axis.tap_step = distance / stride - p.axis.first;
        last = k;
        found++;
    }
    p.axis.taps = int(found);
    return p;
}

template <class T>
static void input_grad(const Conv2d& p, const T* dy, const T* weight, const T* bias, T* dx) {
    const int64_t window = p.kh * p.kw, pixels = p.oh * p.ow;
    for (int64_t top = 0; top < std::min(p.stride_h, p.h); top++)
        for (int64_t left = 0; left < std::min(p.stride_w, p.w); left++) {
            const Phase v = phase(top, p.pad_top, p.stride_h, p.dilation_h, p.kh, p.h, p.oh);
            const Phase h = phase(left, p.pad_left, p.stride_w, p.dilation_w, p.kw, p.w, p.ow);
            const int64_t taps = int64_t(v.axis.taps) * h.axis.taps;
            const PhaseWeight<T> a{weight + v.first_tap * p.kw + h.first_tap,
                                   window,
                                   p.group_c * window,
                                   v.tap_every * p.kw,
                                   h.tap_every,
                                   Divider(h.axis.taps),
                                   Divider(taps),
                                   p.group_o * p.group_c * window};
            const Gathered<T, true> b{
                dy, gather(v.axis, h.axis, p.group_o, p.o * pixels, v.pixels, h.pixels),
                p.group_o * pixels};
            const Image<T> c{dx + top * p.w + left,
                             p.c * p.h * p.w,
                             p.h * p.w,
                             p.stride_h * p.w,
                             p.stride_w,
                             Divider(h.pixels),
                             Divider(v.pixels * h.pixels),
                             bias,
                             p.activation,
                             p.group_c * p.h * p.w,
                             p.group_c};
            gemm<T>({p.group_c, p.n * v.pixels * h.pixels, p.group_o * taps, p.groups, p.tf32}, a,
                    b, c);
        }
}

// dy (group's channels, pixels of all images).
template <class T>
struct Gradients {
    const T* data;
    int64_t image, channel;
    Divider pixels;
    int64_t group;

    static constexpr bool kAlongDepth = true;
    struct Row {
        const T* start;
    };
    TATAMI_DEVICE Gradients batch(int64_t z) const {
        return {data + z * group, image, channel, pixels, group};
    }
    TATAMI_DEVICE Row row(int64_t r) const { return {data + r * channel}; }
    TATAMI_DEVICE const T* place(Row r, int64_t k) const {
        int64_t at;
        const int64_t n = pixels.split(k, at);
        return r.start + n * image + at;
    }
    TATAMI_DEVICE T at(Row r, int64_t k) const { return *place(r, k); }
    TATAMI_DEVICE bool wide() const { return wide_rows(data, channel) && image % kChunk<T> == 0; }
};

template <class T>
static void weight_grad(const Conv2d& p, const T* dy, const T* x, T* dweight) {
    const int64_t taps = p.kh * p.kw, pixels = p.oh * p.ow;
    const Gradients<T> a{dy, p.o * pixels, pixels, Divider(pixels), p.group_o * pixels};
    const Gathered<T, false> b{x,
                               gather({p.h, p.stride_h, -p.pad_top, p.dilation_h, int(p.kh)},
                                      {p.w, p.stride_w, -p.pad_left, p.dilation_w, int(p.kw)},
                                      p.group_c, p.c * p.h * p.w, p.oh, p.ow),
                               p.group_c * p.h * p.w};
    gemm<T>({p.group_o, p.group_c * taps, p.n * pixels, p.groups, p.tf32}, a, b,
            Dense<T>{dweight, 1, p.group_o, p.group_c * taps});
}

// A block a channel: sums of images, pixel by pixel, then of its threads.
template <class T>
__global__ void sum_channels(int64_t n, int64_t channels, int64_t pixels, const T* dy, T* dbias) {
    using V = Real<T>;
    V own = V(0);
    for (int64_t i = 0; i < n; i++) {
        const T* const from = dy + (i * channels + blockIdx.x) * pixels;
        for (int64_t k = threadIdx.x; k < pixels; k += blockDim.x) own += from[k];
    }
    const V sum = reduce_block(own, shared_memory<V>(), Plus{});
    if (threadIdx.x == 0) dbias[blockIdx.x] = sum;
}

template <class T>
static void bias_grad(int64_t n, int64_t channels, int64_t pixels, const T* dy, T* dbias) {
    if (channels <= 0) return;
    launch({dim3(unsigned(channels)), dim3(256), kReduceRoom * sizeof(Real<T>)}, &sum_channels<T>,
           n, channels, pixels, dy, dbias);
}

template <class T>
Conv2dKernels<T> conv2d_kernels() {
    return {&forward<T>, &input_grad<T>, &weight_grad<T>, &bias_grad<T>};
}
template Conv2dKernels<float> conv2d_kernels();
template Conv2dKernels<double> conv2d_kernels();
template Conv2dKernels<Half> conv2d_kernels();
template Conv2dKernels<Bfloat16> conv2d_kernels();

}  // namespace tatami::cuda
