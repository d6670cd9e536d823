// Which convolutions go by minimal filtering (winograd.h): those where it costs clearly less than
// the products of every tap, by the shape alone, as it rounds differently. float64 is always exact.
#pragma once

#include <cmath>

#include "cpu/simd.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

enum class WinogradScheme : uint8_t {
    none,
    halving_sevens,
    halving_fours,
    halving_twos,
    doubling_sevens,
    doubling_fours,
    doubling_twos,
    halving_fours_of_three,
    doubling_fours_of_three,
    twos_of_five,
    fours,
    twos,
};

// What the transformed sources of a group of tiles take of the last cache.
inline constexpr int64_t kWinogradBytes = 8 << 20;

// The costs of a scheme, in multiply-adds of a vector of 16 channels, for a tile of `side` by
// `side` windows, of `values` source values: the products; to transform a tile of the source and
// one of the result, and the weights of one channel of the source, reading and writing included.
// Measured.
struct WinogradCost {
    int64_t side, values;
    double products, source, result, weights;
};
inline constexpr WinogradCost kFours{4, 36, 43, 500, 150, 480}, kTwos{2, 16, 18, 140, 60, 380},
    kFoursWeightGrad{4, 36, 48, 250, 250, 400}, kTwosOfFive{2, 36, 43, 500, 80, 800},
    kTwosOfFiveWeightGrad{2, 36, 48, 120, 400, 800};

// Square windows of so many taps.
TATAMI_INLINE bool is_window(const Conv2d& p, int64_t taps, int64_t stride) {
    return p.kh == taps && p.kw == taps && p.stride_h == stride && p.stride_w == stride;
}

// Whether there are channels enough to fill the vectors.
TATAMI_INLINE bool fills_vectors(const Conv2d& p, int64_t channels = 32) {
    return p.group_c >= channels && p.group_o >= channels;
}

// Windows with stride 2.
TATAMI_INLINE bool halves(const Conv2d& p) {
    return p.dilation_h == 1 && p.dilation_w == 1 &&
           (is_window(p, 4, 2) || (is_window(p, 3, 2) && fills_vectors(p)));
}

// Windows with stride 1, dilated ones too.
TATAMI_INLINE bool keeps(const Conv2d& p, int64_t taps) {
    return is_window(p, taps, 1) && fills_vectors(p);
}

// Tiles over so many pixels of an axis.
TATAMI_INLINE double tiles_along(int64_t pixels, int64_t side, int64_t dilation) {
    return double(ceil_div(pixels, side * dilation)) * double(dilation);
}

// For rows x columns pixels of `to` channels; weights are transformed for each group of tiles, and
// few of them (winograd_runs) once.
TATAMI_INLINE double winograd_cost(const Conv2d& p, const WinogradCost& cost, int64_t rows,
                                   int64_t columns, int64_t from, int64_t to) {
    constexpr int64_t n = kPack<float>;
    const double tiles = double(p.n) * tiles_along(rows, cost.side, p.dilation_h) *
                         tiles_along(columns, cost.side, p.dilation_w);
    const double bytes = tiles * double(cost.values * round_up(from, n) * int64_t(sizeof(float)));
    const double sources = double(ceil_div(from, n)), results = double(ceil_div(to, n));
    const double products = cost.products * double(from) * double(ceil_div(to, 2 * n) * 2);
    return tiles * (products + cost.source * sources + cost.result * results) +
           std::ceil(bytes / kWinogradBytes) * double(from) * results * cost.weights;
}

// taps: what a product of a tap costs when nothing is transformed, in such multiply-adds.
TATAMI_INLINE double direct_cost(const Conv2d& p, double taps) {
    return double(p.n * p.oh * p.ow * p.kh * p.kw) * double(p.group_c * p.group_o) / kPack<float> *
           taps;
}

inline constexpr double kClearly = 0.9;

struct CostedScheme {
    WinogradScheme scheme;
    WinogradCost cost;
};

// Of 4x4 windows with stride 2; those of 3x3; and what a tap of a plain product costs.
struct StridedSchemes {
    CostedScheme sevens, fours, twos, of_three;
    double taps;
};
inline constexpr StridedSchemes kHalving{
    {WinogradScheme::halving_sevens, {7, 324, 324, 3900, 970, 1750}},
    {WinogradScheme::halving_fours, {4, 100, 100, 1200, 300, 700}},
    {WinogradScheme::halving_twos, {2, 36, 36, 450, 200, 400}},
    {WinogradScheme::halving_fours_of_three, {4, 81, 92, 1000, 300, 600}},
    1.1},
    kDoubling{{WinogradScheme::doubling_sevens, {7, 256, 324, 2500, 3100, 1500}},
              {WinogradScheme::doubling_fours, {4, 81, 100, 800, 1000, 600}},
              {WinogradScheme::doubling_twos, {2, 25, 36, 200, 400, 400}},
              {WinogradScheme::doubling_fours_of_three, {4, 64, 81, 650, 850, 420}},
              1.25},
    kHalvingGrad{{WinogradScheme::halving_sevens, {7, 324, 324, 970, 4700, 2000}},
                 {WinogradScheme::halving_fours, {4, 100, 100, 300, 1500, 800}},
                 {WinogradScheme::halving_twos, {2, 36, 36, 100, 450, 400}},
                 {WinogradScheme::halving_fours_of_three, {4, 81, 105, 300, 1250, 800}},
                 1.25};

// The cheapest; where they cost about the same, the twos, which add up whole numbers exactly.
TATAMI_INLINE WinogradScheme strided_scheme(const Conv2d& p, const StridedSchemes& s, int64_t from,
                                            int64_t to) {
    if (p.exact || p.n * p.oh * p.ow * from * to == 0) return WinogradScheme::none;
    const auto cost = [&](const CostedScheme& of) {
        return winograd_cost(p, of.cost, p.oh, p.ow, from, to);
    };
    const double direct = kClearly * direct_cost(p, s.taps);
    if (p.kh == 3) return cost(s.of_three) < direct ? s.of_three.scheme : WinogradScheme::none;
    const double sevens = cost(s.sevens), fours = cost(s.fours), twos = cost(s.twos);
    const double least = min(min(sevens, fours), twos);
    if (least >= direct) return WinogradScheme::none;
    if (kClearly * twos <= least) return s.twos.scheme;
    return sevens < fours ? s.sevens.scheme : s.fours.scheme;
}

// For rows x columns pixels of `to` channels. Small images are also counted without the taps on
// their padding, which are left out where a vector is one pixel of many images. packing: what it
// takes to pack 3x3 taps of weights.
TATAMI_INLINE WinogradScheme keeping_scheme(const Conv2d& p, int64_t rows, int64_t columns,
                                            int64_t from, int64_t to, double packing) {
    const bool three = keeps(p, 3);
    if (p.exact || !(three || keeps(p, 5))) return WinogradScheme::none;
    const int64_t taps = p.kh, outside = taps / 2 * (taps / 2 + 1);
    const auto inside = [&](int64_t size, int64_t dilation) {
        return double(max(taps * size - outside * dilation, size)) / double(taps * size);
    };
    const double all = inside(rows, p.dilation_h) * inside(columns, p.dilation_w);
    const double direct =
        kClearly * (direct_cost(p, 1.2 * all) +
                    packing * double(taps * taps) / 9 * double(from * to) / kPack<float>);
    const auto cost = [&](const WinogradCost& of) {
        return winograd_cost(p, of, rows, columns, from, to);
    };
    if (!three)
        return cost(kTwosOfFive) < direct ? WinogradScheme::twos_of_five : WinogradScheme::none;
    const double fours = cost(kFours), twos = cost(kTwos);
    if (min(fours, twos) >= direct) return WinogradScheme::none;
    return fours < twos ? WinogradScheme::fours : WinogradScheme::twos;
}

TATAMI_INLINE WinogradScheme winograd_forward_scheme(const Conv2d& p) {
    if (halves(p)) return strided_scheme(p, kHalving, p.group_c, p.group_o);
    return keeping_scheme(p, p.oh, p.ow, p.group_c, p.group_o, 150);
}

TATAMI_INLINE WinogradScheme winograd_input_grad_scheme(const Conv2d& p) {
    if (p.pad_top == 1 && p.pad_left == 1 && halves(p))
        return strided_scheme(p, kDoubling, p.group_o, p.group_c);
    if (p.pad_top > (p.kh - 1) * p.dilation_h || p.pad_left > (p.kw - 1) * p.dilation_w)
        return WinogradScheme::none;
    return keeping_scheme(p, p.h, p.w, p.group_o, p.group_c, 350);
}

// Of fewer channels, the gradients of 5x5 taps are summed in lanes with very small errors else.
TATAMI_INLINE WinogradScheme winograd_weight_grad_scheme(const Conv2d& p) {
    constexpr int64_t kChannelsOfFive = 64;
    if (halves(p)) return strided_scheme(p, kHalvingGrad, p.group_o, p.group_c);
    const bool three = keeps(p, 3);
    if (p.exact || !(three || (keeps(p, 5) && fills_vectors(p, kChannelsOfFive))))
        return WinogradScheme::none;
    const double cost = winograd_cost(p, three ? kFoursWeightGrad : kTwosOfFiveWeightGrad, p.oh,
                                      p.ow, p.group_o, p.group_c);
    if (cost >= kClearly * direct_cost(p, 1.2)) return WinogradScheme::none;
    return three ? WinogradScheme::fours : WinogradScheme::twos_of_five;
}

}  // namespace tatami::TATAMI_ISA
