// A draw from a Gaussian as a function of its parameters: z = mean + exp(log_variance / 2) eps.
#pragma once

#include <cstdint>

#include "core/kernel.h"

namespace tatami {

// eps_i = Phi^-1((w + 1/2) / 2^32), where w, with its highest bit flipped, is word i % 4 of
// Philox4x32-10 (Salmon et al., SC'11) with the key `seed` and the counter i / 4: the same noise
// for any number of threads, and drawn again where the gradient needs it.
template <class T>
struct ReparameterizeKernels {
    // z (n) of mean (n), log_variance (n)
    Kernel<void(uint64_t seed, int64_t n, const T* mean, const T* log_variance, T* z)> forward;
    // dlog_variance (n) = dz exp(log_variance / 2) eps / 2; that by the mean is dz itself.
    Kernel<void(uint64_t seed, int64_t n, const T* dz, const T* log_variance, T* dlog_variance)>
        backward;
};

}  // namespace tatami
