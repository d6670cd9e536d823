// What a machine can do at most: the loops that kernels are judged by.
#pragma once

#include <cstdint>

namespace tatami {

template <class T>
struct ProbeKernels {
    // Each thread does `steps` rounds of independent multiply-adds in registers. Returns the
    // floating-point operations of all threads, two a multiply-add and lane.
    double (*multiply_add)(int64_t steps);
    // y (n) = x (n), both aligned to 64 bytes; `streamed` stores go past the caches.
    void (*copy)(int64_t n, const T* x, T* y, bool streamed);
};

}  // namespace tatami
