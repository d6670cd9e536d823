// Which convolutions go by minimal filtering (winograd.h): those where it costs clearly less than
// the products of every tap, by the shape alone, as it rounds differently. float64 is always exact.
#pragma once

#include "cpu/simd.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

// The costs of a scheme, in multiply-adds of a vector of 16 channels, for a tile of 2x2 windows:
// `products`; to transform a tile of the source and one of the result, and the weights of one
// channel of the source, reading and writing included. All but the products are measured.
struct WinogradCost {
    double products, source, result, weights;
};

// 4x4 windows with stride 2: all, and those whose gradient by the input has the phases of Doubling.
TATAMI_INLINE bool halves(const Conv2d& p) {
    return p.kh == 4 && p.kw == 4 && p.stride_h == 2 && p.stride_w == 2 && p.dilation_h == 1 &&
           p.dilation_w == 1;
}

// taps: what a product of a tap costs when nothing is transformed, in such multiply-adds.
TATAMI_INLINE bool winograd_pays(const Conv2d& p, const WinogradCost& cost, int64_t from,
                                 int64_t to, double taps) {
    constexpr double kClearly = 0.9, kGroup = 256;  // tiles that share transformed weights
    constexpr int64_t n = kPack<float>;
    if (p.exact || p.n * p.oh * p.ow * from * to == 0) return false;
    const double sources = double(ceil_div(from, n)), results = double(ceil_div(to, n));
    const double tiles = double(p.n * ceil_div(p.oh, int64_t(2)) * ceil_div(p.ow, int64_t(2)));
    const double products = cost.products * double(from) * double(ceil_div(to, 2 * n) * 2);
    const double shared = ceil_div(int64_t(tiles), int64_t(kGroup)) * double(from) * results;
    const double all =
        tiles * (products + cost.source * sources + cost.result * results) + shared * cost.weights;
    const double direct = double(p.n * p.oh * p.ow * p.kh * p.kw) * double(from * to) / n * taps;
    return all < kClearly * direct;
}

TATAMI_INLINE bool winograd_forward_pays(const Conv2d& p) {
    return halves(p) && winograd_pays(p, {36, 450, 200, 400}, p.group_c, p.group_o, 1.1);
}

TATAMI_INLINE bool winograd_input_grad_pays(const Conv2d& p) {
    return halves(p) && p.pad_top == 1 && p.pad_left == 1 &&
           winograd_pays(p, {36, 200, 400, 400}, p.group_o, p.group_c, 1.25);
}

TATAMI_INLINE bool winograd_weight_grad_pays(const Conv2d& p) {
    return halves(p) && winograd_pays(p, {36, 100, 450, 400}, p.group_o, p.group_c, 1.25);
}

}  // namespace tatami::TATAMI_ISA
