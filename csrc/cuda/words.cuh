// The language of this folder: CUDA C++ by nvcc, or plain C++ on the emulator.
#pragma once

#define TATAMI_ISA cuda  // the namespace of what ops/ gives each backend a copy of

#ifdef __CUDACC__
#include <cuda_runtime.h>

#include <cstdint>
#else
#include "cuda/emulator/words.h"
#endif

#include "core/half.h"

namespace tatami::cuda {

// Called from the device by way of these two words only, so that both compilers see one function.
#define TATAMI_DEVICE __device__ __forceinline__

// Before a loop: TATAMI_UNROLL where its counter chooses registers, so that it must not stay one;
// TATAMI_ROLL where it shall, as copies of its body would only take room.
#ifdef __CUDACC__
#define TATAMI_UNROLL _Pragma("unroll")
#define TATAMI_ROLL _Pragma("unroll 1")
#else
#define TATAMI_UNROLL
#define TATAMI_ROLL
#endif

inline constexpr int kWarp = 32;

}  // namespace tatami::cuda
