// Bilinear upsampling by whole factors s. Result o stands at pixel (o + 1/2) / s - 1/2, held inside
// the image, and takes of a pixel what is left of 1 at their distance. In units of 1 / 2s all
// places are whole numbers.
#include "cuda/divide.cuh"
#include "cuda/launch.cuh"
#include "cuda/table.h"
#include "ops/upsample2d.h"

namespace tatami::cuda {

static constexpr int kThreads = 256;

// Results, or pixels of the gradient, one below the other, that a thread computes.
static constexpr int kStrip = 4;

// The results along one axis.
struct Stretch {
    int64_t size, scale;
    Divider by_double;

    Stretch(int64_t size, int64_t scale) : size(size), scale(scale), by_double(2 * scale) {}

    // Of result o, in units of 1 / 2s pixel.
    TATAMI_DEVICE int64_t place(int64_t o) const {
        const int64_t at = 2 * o + 1 - scale, last = 2 * scale * (size - 1);
        return at < 0 ? 0 : at > last ? last : at;
    }
    template <class T>
    TATAMI_DEVICE T weight(int64_t distance) const {
        return distance < 2 * scale ? T(2 * scale - distance) / T(2 * scale) : T(0);
    }
};

// A result between its two pixels.
template <class T>
struct Between {
    int64_t low, high;
    T of_low, of_high;

    TATAMI_DEVICE Between(const Stretch& s, int64_t o) {
        const int64_t place = s.place(o);
        low = s.by_double(place);
        high = low + 1 < s.size ? low + 1 : low;
        const int64_t behind = place - low * 2 * s.scale;
        of_low = s.weight<T>(behind);
        of_high = high > low ? s.weight<T>(2 * s.scale - behind) : T(0);
    }
    TATAMI_DEVICE T mix(T a, T b) const { return fma(of_high, b, of_low * a); }
};

template <class T>
__global__ void stretch(int64_t count, Stretch rows, Stretch columns, Divider by_strips,
                        Divider by_columns, const T* x, T* y) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t out_rows = rows.size * rows.scale, out_columns = columns.size * columns.scale;
    const int64_t strip = by_columns(i), q = i - strip * out_columns;
    const int64_t strips = (out_rows + kStrip - 1) / kStrip;
    const int64_t plane = by_strips(strip), first = (strip - plane * strips) * kStrip;
    using V = Real<T>;
    const Between<V> across(columns, q);
    const T* const image = x + plane * rows.size * columns.size;
    const auto row = [&](int64_t r) {
        const T* const line = image + r * columns.size;
        return across.mix(V(line[across.low]), V(line[across.high]));
    };
    V result[kStrip];
    TATAMI_UNROLL
    for (int k = 0; k < kStrip; k++) {
        const Between<V> down(rows, first + k < out_rows ? first + k : first);
        result[k] = down.mix(row(down.low), row(down.high));
    }
    TATAMI_UNROLL
    for (int k = 0; k < kStrip; k++)
        if (first + k < out_rows) y[(plane * out_rows + first + k) * out_columns + q] = result[k];
}

// The results that take something of a pixel, and how much: at most 2s. S = s, or 0 for any.
template <class T, int S>
struct Takers {
    int64_t begin;
    int count;
    T weights[S ? 2 * S : 1];
    const Stretch& s;
    int64_t pixel;

    TATAMI_DEVICE Takers(const Stretch& s, int64_t pixel) : s(s), pixel(pixel) {
        // Those nearer than a pixel, and at the edges all that are held inside the image.
        const int64_t scale = s.scale, first = (2 * pixel - 1) * scale + 1;
        begin = pixel == 0 ? 0 : first / 2;
        const int64_t end = pixel == s.size - 1 ? s.size * scale : ((2 * pixel + 3) * scale) / 2;
        count = int(end - begin);
        if constexpr (S > 0) TATAMI_UNROLL
        for (int k = 0; k < 2 * S; k++) weights[k] = k < count ? found(k) : T(0);
    }
    TATAMI_DEVICE T found(int k) const {
        const int64_t behind = s.place(begin + k) - 2 * s.scale * pixel;
        return s.weight<T>(behind < 0 ? -behind : behind);
    }
    TATAMI_DEVICE T weight(int k) const {
        if constexpr (S > 0)
            return weights[k];
        else
            return found(k);
    }
    // The sum of weight · read(result).
    template <class Read>
    TATAMI_DEVICE T sum(const Read& read) const {
        T total = T(0);
        if constexpr (S > 0) {
            TATAMI_UNROLL
            for (int k = 0; k < 2 * S; k++)
                if (k < count) total = fma(weight(k), read(begin + k), total);
        } else {
            for (int k = 0; k < count; k++) total = fma(weight(k), read(begin + k), total);
        }
        return total;
    }
};

template <class T, int S>
__global__ void shrink(int64_t count, Stretch rows, Stretch columns, Divider by_strips,
                       Divider by_columns, const T* dy, T* dx) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t out_rows = rows.size * rows.scale, out_columns = columns.size * columns.scale;
    const int64_t strip = by_columns(i), c = i - strip * columns.size;
    const int64_t strips = (rows.size + kStrip - 1) / kStrip;
    const int64_t plane = by_strips(strip), first = (strip - plane * strips) * kStrip;
    using V = Real<T>;
    const Takers<V, S> across(columns, c);
    const T* const image = dy + plane * out_rows * out_columns;
    for (int64_t r = first; r < first + kStrip && r < rows.size; r++)
        dx[(plane * rows.size + r) * columns.size + c] = Takers<V, S>(rows, r).sum([&](int64_t o) {
            const T* const line = image + o * out_columns;
            return across.sum([&](int64_t q) { return V(line[q]); });
        });
}

// kernel: over strips of an image of `rows` by `columns`.
template <class T, class Kernel>
static void start(const Upsample2d& p, int64_t rows, int64_t columns, Kernel kernel, const T* from,
                  T* to) {
    const int64_t strips = (rows + kStrip - 1) / kStrip, count = p.planes * strips * columns;
    if (count <= 0) return;
    const int64_t blocks = (count + kThreads - 1) / kThreads;
    launch({dim3(unsigned(blocks)), dim3(kThreads)}, kernel, count,
           Stretch(p.rows, p.scale.vertical), Stretch(p.columns, p.scale.horizontal),
           Divider(strips), Divider(columns), from, to);
}

template <class T>
static void bilinear(const Upsample2d& p, const T* x, T* y) {
    start(p, p.rows * p.scale.vertical, p.columns * p.scale.horizontal, &stretch<T>, x, y);
}

template <class T>
static void bilinear_backward(const Upsample2d& p, const T* dy, T* dx) {
    const auto is = [&](int64_t s) { return p.scale.vertical == s && p.scale.horizontal == s; };
    start(p, p.rows, p.columns, is(2) ? &shrink<T, 2> : &shrink<T, 0>, dy, dx);
}

template <class T>
Upsample2dKernels<T> upsample2d_kernels() {
    return {&bilinear<T>, &bilinear_backward<T>};
}
template Upsample2dKernels<float> upsample2d_kernels();
template Upsample2dKernels<double> upsample2d_kernels();
template Upsample2dKernels<Half> upsample2d_kernels();
template Upsample2dKernels<Bfloat16> upsample2d_kernels();

}  // namespace tatami::cuda
