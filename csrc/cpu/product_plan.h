// Which way the products of a convolution go, by shape alone.
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

// Of m channels of all images; taps: those of the largest phase; dense: there is one phase, which
// writes every pixel.
template <class T>
TATAMI_INLINE ProductPlan plan_products(int64_t m, int64_t images, const GatherShape& g,
                                        int64_t taps, bool dense) {
    const bool fits = strip_fits<T>(g);
    ProductPlan plan{ProductWay::gemm, fits ? plan_strip<T>(g) : Strip{}, plan_batch(g)};
    const bool slide = fits && direct_pays<T>(m, g, taps, plan.strip);
    if (slide) plan.way = ProductWay::direct;
    if (dense && batch_pays<T>(m, images, g, plan.vectors, slide, plan.strip))
        plan.way = ProductWay::batch;
    return plan;
}

}  // namespace tatami::TATAMI_ISA
