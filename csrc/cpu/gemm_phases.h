// The phases of a convolution (direct.h) by gemm.h, each its pixels gathered into panels.
#pragma once

#include "cpu/direct.h"
#include "cpu/gather.h"
#include "cpu/gemm.h"

namespace tatami::TATAMI_ISA {

// m channels of all images; g: the taps of all phases, on the largest grid.
template <class T, class A>
TATAMI_INLINE void gemm_phases(int64_t m, int64_t images, const T* source, const GatherShape& g,
                               const Phase<T, A>* phase, int64_t count) {
    for (int64_t p = 0; p < count; p++) {
        const Image<T>& out = phase[p].out;
        const GatherShape shape = phase[p].shape(g);
        gemm<T>(m, images * out.rows * out.columns, g.channels * shape.taps, phase[p].weights,
                Gather<T>{source, shape}, out);
    }
}

}  // namespace tatami::TATAMI_ISA
