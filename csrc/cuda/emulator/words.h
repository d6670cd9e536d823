// CUDA's words for a plain C++ compiler: what a kernel may use without including anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda/emulator/emulator.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__ inline
#define __launch_bounds__(...)

#define threadIdx (::tatami::emulator::current->thread)
#define blockIdx (::tatami::emulator::current->block)
#define blockDim (::tatami::emulator::current->block_size)
#define gridDim (::tatami::emulator::current->grid_size)

using dim3 = tatami::emulator::Dim;

using std::abs, std::ceil, std::erf, std::erfc, std::exp, std::expm1, std::floor, std::fma,
    std::isfinite, std::isinf, std::isnan, std::log, std::log1p, std::nearbyint, std::pow,
    std::sqrt, std::tanh, std::trunc;
