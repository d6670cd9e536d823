// The numbers of a loss that come from elsewhere, on the CPU.
#pragma once

#include "cpu/simd.h"
#include "ops/loss.h"

namespace tatami::TATAMI_ISA {

template <class T>
TATAMI_INLINE T value_of(const Factor<T>& f) {
    return T(double(f.number) * (f.times ? double(*f.times) : 1) / (f.over ? *f.over : 1));
}

TATAMI_INLINE double divisor_of(const Divided& by) {
    return by.over ? *by.over : by.number;
}

}  // namespace tatami::TATAMI_ISA
