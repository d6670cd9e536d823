// Dropout: y = x · mask / (1 - p), where mask holds with probability 1 - p.
#pragma once

#include <cstdint>

#include "core/kernel.h"

namespace tatami {

// Element i is kept where word i % 4 of Philox4x32-10 (Salmon et al., SC'11) with the key `seed`
// and the counter i / 4 is at least p 2^32: the same mask for any number of threads.
struct Dropout {
    Dropout(const char* op, double p);
    double scale;        // 1 / (1 - p), 0 for p = 1
    uint64_t threshold;  // p 2^32, rounded up
};

template <class T>
struct DropoutKernels {
    // y (n), mask (n) of x (n).
    Kernel<void(const Dropout& d, uint64_t seed, int64_t n, const T* x, T* y, bool* mask)> forward;
    // dx (n) = dy (n) · mask (n) / (1 - p)
    Kernel<void(const Dropout& d, int64_t n, const T* dy, const bool* mask, T* dx)> backward;
};

}  // namespace tatami
