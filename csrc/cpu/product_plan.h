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
