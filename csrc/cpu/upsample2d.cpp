// Bilinear upsampling by whole factors. Results that stand alike between their two pixels, a phase,
// share their weights, so vectors run over the pixels, a phase at a time.
#include "ops/upsample2d.h"

#include "core/memory_pool.h"
#include "cpu/copy.h"
#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Result s · i + phase mixes the pixels i + shift and i + shift + 1.
template <class T>
struct Phase {
    int64_t shift;  // -1 or 0
    T low, high;    // weights
};

template <class T>
TATAMI_INLINE Phase<T> phase_of(int64_t phase, int64_t scale) {
    const double place = (double(phase) + 0.5) / double(scale) - 0.5;
    const double high = place < 0 ? place + 1 : place;
    return {place < 0 ? -1 : 0, T(1 - high), T(high)};
}

TATAMI_INLINE int64_t clamp(int64_t i, int64_t size) {
    return max<int64_t>(0, min(i, size - 1));
}

// What row o of the result takes of row r of the image.
template <class T>
TATAMI_INLINE T weight(int64_t o, int64_t r, int64_t scale, int64_t size) {
    const Phase<T> p = phase_of<T>(o % scale, scale);
    const int64_t low = o / scale + p.shift;
    return (clamp(low, size) == r ? p.low : T(0)) + (clamp(low + 1, size) == r ? p.high : T(0));
}

// to (n) += w · from (n), in whole vectors of `to`.
template <class T>
TATAMI_INLINE void add_scaled(T* to, const T* from, int64_t n, T w) {
    for (int64_t c = 0; c < n; c += kLanes<T>) {
        const Vec<T> v = load_first(from + c, min<int64_t>(kLanes<T>, n - c));
        store(to + c, fma(v, broadcast(w), load(to + c)));
    }
}

template <class T>
TATAMI_INLINE void clear(T* to, int64_t n) {
    for (int64_t i = 0; i < n; i++) to[i] = 0;
}

// pixels (size) at scale (S, or any where S = 0); pixels[-1] and pixels[size] repeat the edges.
template <class T, int S>
TATAMI_INLINE void stretch(const T* pixels, int64_t size, int64_t scale, T* to) {
    const auto mix = [&](int64_t i, const Phase<T>& p) {
        const T* at = pixels + i + p.shift;
        return fma(load(at + 1), broadcast(p.high), load(at) * p.low);
    };
    if constexpr (S == 2) {
        const Phase<T> even = phase_of<T>(0, 2), odd = phase_of<T>(1, 2);
        for (int64_t i = 0; i < size; i += kLanes<T>)
            store_interleaved<T>(to + 2 * i, mix(i, even), mix(i, odd));
        return;
    }
    for (int64_t phase = 0; phase < scale; phase++) {
        const Phase<T> p = phase_of<T>(phase, scale);
        for (int64_t i = 0; i < size; i += kLanes<T>)
            store_strided(to + i * scale + phase, scale, mix(i, p));
    }
}

// The adjoint: to[c] for c in [-1, size], of which the outer two belong to the edges. Whole vectors
// are stored; from is zero outside its size · scale elements.
template <class T, int S>
TATAMI_INLINE void shrink(const T* from, int64_t size, int64_t scale, T* to) {
    for (int64_t c = -1; c <= size; c += kLanes<T>) {
        Vec<T> total{};
        for (int64_t phase = 0; phase < scale; phase++) {
            const Phase<T> p = phase_of<T>(phase, scale);
            const T* low = from + (c - p.shift) * scale + phase;
            total = fma(load_strided<T, S>(low, scale), broadcast(p.low), total);
            total = fma(load_strided<T, S>(low - scale, scale), broadcast(p.high), total);
        }
        store(to + c, total);
    }
}

template <class T, int S>
static void bilinear_rows(const Upsample2d& p, const T* x, T* y, int64_t begin, int64_t end,
                          bool streamed) {
    constexpr int64_t edge = kPack<T>;
    const int64_t scale = p.scale.horizontal, out_rows = p.rows * p.scale.vertical;
    const int64_t padded = round_up(p.columns, edge) + 2 * edge;
    const memory::Scratch scratch(size_t(padded * (1 + scale)) * sizeof(T));
    T *pixels = scratch.as<T>() + edge, *stretched = pixels - edge + padded;
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / out_rows, o = i % out_rows;
        const Phase<T> phase = phase_of<T>(o % p.scale.vertical, p.scale.vertical);
        const int64_t low = o / p.scale.vertical + phase.shift;
        const T* image = x + plane * p.rows * p.columns;
        clear(pixels, p.columns);
        add_scaled(pixels, image + clamp(low, p.rows) * p.columns, p.columns, phase.low);
        add_scaled(pixels, image + clamp(low + 1, p.rows) * p.columns, p.columns, phase.high);
        pixels[-1] = pixels[0];
        pixels[p.columns] = pixels[p.columns - 1];
        stretch<T, S>(pixels, p.columns, scale, stretched);
        copy_row(y + i * p.columns * scale, stretched, p.columns * scale, streamed);
    }
    if (streamed) stream_fence();
}

template <class T, int S>
static void bilinear_backward_rows(const Upsample2d& p, const T* dy, T* dx, int64_t begin,
                                   int64_t end) {
    constexpr int64_t edge = kPack<T>;
    const int64_t scale = p.scale.horizontal, tall = p.scale.vertical;
    const int64_t out_rows = p.rows * tall, out_columns = p.columns * scale;
    const int64_t padded = round_up(p.columns, edge) + 2 * edge, wide = (padded + edge) * scale;
    const memory::Scratch scratch(size_t(padded + wide) * sizeof(T));
    T *pixels = scratch.as<T>() + edge, *sum = pixels - edge + padded + edge * scale;
    clear(sum - edge * scale, wide);
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / p.rows, row = i % p.rows;
        clear(sum, round_up(out_columns, kLanes<T>));
        const int64_t last = min(out_rows, (row + 2) * tall);
        for (int64_t o = max<int64_t>(0, (row - 1) * tall); o < last; o++) {
            const T w = weight<T>(o, row, tall, p.rows);
            if (w != T(0))
                add_scaled(sum, dy + (plane * out_rows + o) * out_columns, out_columns, w);
        }
        shrink<T, S>(sum, p.columns, scale, pixels);
        pixels[0] += pixels[-1];
        pixels[p.columns - 1] += pixels[p.columns];
        copy_row(dx + i * p.columns, pixels, p.columns, false);
    }
}

template <class T>
static void bilinear(const Upsample2d& p, const T* x, T* y) {
    const int64_t rows = p.planes * p.rows * p.scale.vertical;
    const int64_t pixels = rows * p.columns * p.scale.horizontal;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    with_stride(p.scale.horizontal, [&]<int S>() {
        parallel_ranges(rows, 1, pixels / kLanes<T> * 4, [&](int64_t begin, int64_t end) {
            bilinear_rows<T, S>(p, x, y, begin, end, streamed);
        });
    });
}

template <class T>
static void bilinear_backward(const Upsample2d& p, const T* dy, T* dx) {
    const int64_t rows = p.planes * p.rows;
    const int64_t pixels = rows * p.columns * p.scale.horizontal * p.scale.vertical;
    with_stride(p.scale.horizontal, [&]<int S>() {
        parallel_ranges(rows, 1, pixels / kLanes<T> * 4, [&](int64_t begin, int64_t end) {
            bilinear_backward_rows<T, S>(p, dy, dx, begin, end);
        });
    });
}

template <class T>
Upsample2dKernels<T> upsample2d_kernels() {
    return {&bilinear<T>, &bilinear_backward<T>};
}
template Upsample2dKernels<float> upsample2d_kernels();
template Upsample2dKernels<double> upsample2d_kernels();

}  // namespace tatami::TATAMI_ISA
