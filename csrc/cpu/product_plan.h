// Which way the products of a convolution go, by shape alone: what each costs is counted in
// products of a vector, a pixel of one image; the constants are measured.
#pragma once

#include "cpu/batch.h"
#include "cpu/direct.h"

namespace tatami::TATAMI_ISA {

enum class ProductWay : uint8_t {
    batch,   // batch.h: many small images
    direct,  // direct.h: few rows of weights, or wide images
    gemm,    // gemm.h: pixels gathered into panels
};

struct ProductPlan {
    ProductWay way;
    Strip strip;         // of direct
    BatchStrip vectors;  // of batch
};

inline constexpr double kWriteVector = 14;

template <class T>
TATAMI_INLINE int64_t strip_bytes(const BatchStrip& s) {
    return s.vectors * kPack<T> * int64_t(sizeof(T));
}

// To read a vector of pixels and to write one, more where images lie whole pages apart; products
// from beyond a core's own cache; lanes without an image, threads that share one vector of them.
template <class T>
TATAMI_INLINE double batch_cost(int64_t m, int64_t images, const GatherShape& g,
                                const BatchStrip& s, double taps, int64_t pixels) {
    constexpr int64_t kNearBytes = 5 << 18, kPage = 4096, lanes = kPack<T>;
    constexpr double kRead = 10, kWritePages = 60, kFar = 1.2, kShared = 1.3;
    const double far = strip_bytes<T>(s) > kNearBytes ? kFar : 1;
    const double products = double(g.channels * m) * taps * far;
    const double read = double(g.channels * g.h * g.w) * kRead;
    const double write = m * pixels * sizeof(T) % kPage ? kWriteVector : kWritePages;
    return double(round_up(images, lanes)) / double(images) * (images <= lanes ? kShared : 1) *
           (products + read + double(pixels * m) * write);
}

// `taps` over all pixels, with those on the padding; rows of the strip are filled one by one, each
// stride-th pixel where there is one.
template <class T>
TATAMI_INLINE double sliding_cost(int64_t m, const GatherShape& g, const Strip& s, double taps) {
    constexpr double kFillRow = 200, kFillRowApart = 500;
    const Walk<T> walk(s.rows, g.columns, s.pitch);
    const double slots = double(walk.vectors * kLanes<T>) / double(s.rows * g.columns);
    const double rows = double(g.channels * g.h * g.stride_w);
    return double(g.channels * m) * taps * slots +
           rows * (g.stride_w == 1 ? kFillRow : kFillRowApart);
}

template <class T>
TATAMI_INLINE double gathered_cost(int64_t m, const GatherShape& g, double taps) {
    constexpr double kGather = 8, kGatherApart = 40;
    return double(g.channels) * taps * (double(m) + (g.stride_w == 1 ? kGather : kGatherApart));
}

// To write m channels of a grid from rows of pixels.
template <class T>
TATAMI_INLINE double write_cost(int64_t m, const Image<T>& out) {
    constexpr double kApart = 60, kRowApart = 1000;
    const double pixel =
        out.pixel_stride == 1 ? kWriteVector : kApart + kRowApart / double(out.columns);
    return double(out.rows * out.columns * m) * pixel;
}

// direct: what would be done else, sliding over `strip` or gathering. Images as vectors never take
// more than a share of the last cache.
template <class T, class A>
TATAMI_INLINE bool batch_pays(int64_t m, int64_t images, const GatherShape& g, const BatchStrip& s,
                              const Phase<T, A>* phase, int64_t count, bool direct,
                              const Strip& strip) {
    constexpr int64_t kMostBytes = 10 << 18;
    constexpr double kPhases = 1.1;  // each passes over the strip
    if (images * m * g.channels == 0 || g.taps == 1 || strip_bytes<T>(s) > kMostBytes) return false;
    double inside = 0, all = 0, write = 0;
    int64_t pixels = 0;
    for (int64_t p = 0; p < count; p++) {
        const GatherShape shape = phase[p].shape(g);
        inside += batch_taps(shape);
        all += double(shape.rows * shape.columns * shape.taps);
        write += write_cost(m, phase[p].out);
        pixels += shape.rows * shape.columns;
    }
    if (pixels != phase->out.plane) return false;  // others lie between them
    const double other =
        write + (direct ? sliding_cost<T>(m, g, strip, all) : gathered_cost<T>(m, g, all));
    return batch_cost<T>(m, images, g, s, inside, pixels) * (count > 1 ? kPhases : 1) < other;
}

// Of m channels of all images; g: the taps of all phases, on the largest grid.
template <class T, class A>
TATAMI_INLINE ProductPlan plan_products(int64_t m, int64_t images, const GatherShape& g,
                                        const Phase<T, A>* phase, int64_t count) {
    int64_t taps = 0;
    for (int64_t p = 0; p < count; p++) taps = max(taps, phase[p].taps);
    const bool fits = strip_fits<T>(g);
    ProductPlan plan{ProductWay::gemm, fits ? plan_strip<T>(g) : Strip{}, plan_batch(g)};
    const bool slide = fits && direct_pays<T>(m, g, taps, plan.strip);
    if (slide) plan.way = ProductWay::direct;
    if (batch_pays(m, images, g, plan.vectors, phase, count, slide, plan.strip))
        plan.way = ProductWay::batch;
    return plan;
}

}  // namespace tatami::TATAMI_ISA
