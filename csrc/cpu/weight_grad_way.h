// Which way a weight gradient goes, by what each way costs: multiply-adds of a vector for each
// vector of pixels, counted from the shape alone, as the ways round differently.
#pragma once

#include "cpu/batch_weight_grad.h"
#include "cpu/depthwise.h"
#include "cpu/pixel_dots.h"

namespace tatami::TATAMI_ISA {

enum class WeightGradWay : uint8_t {
    depthwise,  // depthwise.h
    lanes,      // batch_weight_grad.h
    dots,       // pixel_dots.h
    gemm,       // gemm.h: both factors packed, pixels gathered
};

inline constexpr double kNever = 1e30;

// kNever where the images as vectors, or the sums, would not fit the caches.
template <class T>
TATAMI_INLINE double lanes_cost(const Conv2d& p, const GatherShape& g) {
    constexpr int64_t kMostBytes = 10 << 18, kNearSums = 1 << 19, kMostSums = 3 << 20,
                      kMostGrid = 1 << 22, kTogether = 4;
    constexpr double kProducts = 1.04, kRead = 8;  // to transpose a vector of pixels
    constexpr double kFarSum = 25;  // to read and write one beyond a core's own cache
    const BatchStrip s = plan_batch(g);
    const int64_t m = p.group_o, pixels = g.rows * g.columns;
    const int64_t vector = kPack<T> * int64_t(sizeof(T)), sums = m * g.channels * g.taps;
    const int64_t held = s.vectors + min(m, kTogether) * pixels;  // the source, a tile of dy
    if (count_tap_columns(g) == 1 || held * vector > kMostBytes ||
        m * pixels * vector > kMostGrid || sums * vector > kMostSums)
        return kNever;
    double rows = 0;
    for (int64_t t = 0; t < g.taps; t++) {
        const TapRange reaching = rows_reaching(g, g.tap[t].dh);
        rows += double(reaching.end - reaching.first);
    }
    const double products = kProducts * double(m * g.channels) * rows * double(g.columns);
    const double read = kRead * double(g.channels * g.h * g.w + m * pixels);
    const double far = sums * vector > kNearSums ? kFarSum * double(sums) : 0;
    const double idle = double(round_up(p.n, kPack<T>)) / double(p.n);  // lanes without an image
    return idle * (products + read + far) / double(pixels);
}

// A row of pixels leaves lanes idle, a tile is summed once for all pixels of its units, a strip is
// filled. kNever where most of a strip would be skipped, or threads would find no work.
template <class T>
TATAMI_INLINE double dots_cost(const Conv2d& p, const GatherShape& g) {
    constexpr double kProducts = 1.2, kSum = 4, kFill = 5;
    const int64_t products = p.group_o * p.group_c * g.taps, pixels = p.n * p.oh * p.ow;
    if (p.stride_h > p.kh || p.stride_w > p.kw || !strip_fits<T>(g)) return kNever;
    const DotPlan plan = plan_dots<T>(g, p.n);
    const int64_t units = p.n * plan.strips;
    const int64_t parts = min(units, pixel_parts(pixels, products * p.groups * sizeof(T)));
    if (parts * p.groups < 4 && pixels * products * p.groups / kPack<T> >= kSerialWork)
        return kNever;
    const int64_t row = ceil_div(p.ow, kPack<T>);
    const double lanes = double(row * kPack<T>) / double(p.ow);
    const double together = double(min(plan.most, ceil_div(units, parts)) * plan.strip.rows * row);
    const double filled = double(plan.size) / double(plan.strip.rows * p.ow);
    return double(products) * (kProducts * lanes + kSum / together) + kFill * filled;
}

// Each row of both factors is packed, the pixels of each tap are found.
template <class T>
TATAMI_INLINE double gemm_cost(const Conv2d& p, const GatherShape& g) {
    constexpr double kTiles = 1.08, kPlain = 5, kGather = 12;
    const int64_t columns = p.group_c * g.taps, reads = columns * (p.stride_w == 1 ? 1 : 2);
    const double packing = g.plain() ? kPlain * double(p.group_o + reads)
                                     : kGather * double(p.group_o + reads + g.taps);
    return double(p.group_o * columns) * kTiles + packing;
}

// The same as fitted to shapes of many small images: whole panels, a tap found for all channels.
template <class T>
TATAMI_INLINE double small_gemm_cost(const Conv2d& p, const GatherShape& g) {
    constexpr double kGather = 12, kGatherApart = 36, kGatherTap = 18;
    const int64_t panels = round_up(p.group_c * g.taps, 2 * kPack<T>);
    const double gather = double(p.group_c) * (p.stride_w == 1 ? kGather : kGatherApart);
    return double(p.group_o * panels) + double(g.taps) * (gather + kGatherTap);
}

// g: as forward_gather says.
template <class T>
TATAMI_INLINE WeightGradWay weight_grad_way(const Conv2d& p, const GatherShape& g) {
    if (is_depthwise(p)) return WeightGradWay::depthwise;
    if (p.n * p.oh * p.ow == 0) return WeightGradWay::gemm;
    const double dots = dots_cost<T>(p, g);
    if (lanes_cost<T>(p, g) < min(dots, small_gemm_cost<T>(p, g))) return WeightGradWay::lanes;
    return dots < gemm_cost<T>(p, g) ? WeightGradWay::dots : WeightGradWay::gemm;
}

}  // namespace tatami::TATAMI_ISA
