// The products of a batch.
#pragma once

#include "cpu/parallel.h"
#include "ops/matmul.h"

namespace tatami::TATAMI_ISA {

// multiply(a, b, y) for each product: where its matrices begin, in elements.
template <class Multiply>
TATAMI_INLINE void each_product(const Matmul& p, const Multiply& multiply) {
    if (p.batches == 1) return multiply(int64_t(0), int64_t(0), int64_t(0));
    const int64_t work = p.batches * (p.m * p.n * p.k / kLanes<float> + 100);
    parallel_problems(p.batches, work, [&](int64_t index) {
        int64_t rest = index, a = 0, b = 0;
        for (int axis = p.batch.rank - 1; axis >= 0; axis--) {
            const int64_t i = rest % p.batch.size[axis];
            rest /= p.batch.size[axis];
            a += i * p.a_layout.batch[axis];
            b += i * p.b_layout.batch[axis];
        }
        multiply(a, b, index * p.m * p.n);
    });
}

}  // namespace tatami::TATAMI_ISA
