// The numbers of a loss that come from elsewhere, on the GPU.
#pragma once

#include "cuda/words.cuh"
#include "ops/loss.h"

namespace tatami::cuda {

template <class T>
TATAMI_DEVICE Real<T> value_of(const Factor<T>& f) {
    Real<T> value = f.number;
    if (f.times) value *= *f.times;
    return f.over ? Real<T>(double(value) / *f.over) : value;
}

// y (1) = a sum, divided.
template <class T>
struct StoreDivided {
    Divided by;
    T* y;
    TATAMI_DEVICE void operator()(double sum) const {
        y[0] = T(sum / (by.over ? *by.over : by.number));
    }
};

}  // namespace tatami::cuda
