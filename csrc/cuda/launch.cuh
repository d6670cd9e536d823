// The one way to run a kernel.
#pragma once

#include <stdexcept>
#include <string>
#include <tuple>

#include "cuda/context.h"
#include "cuda/primitives.cuh"
#ifndef __CUDACC__
#include "cuda/emulator/capture.h"
#endif

namespace tatami::cuda {

// Blocks that one axis of a grid may have beside the first.
inline constexpr int64_t kGridY = 65535;

struct Grid {
    dim3 blocks, threads;
    size_t shared_bytes = 0;
    bool cooperative = false;  // all blocks run at once and may wait for each other
};

// What the choice of a kernel must know of the GPU. One block a processor: all run at once.
struct Device {
    int64_t processors, shared_bytes;  // the latter of a block
    bool tf32 = true;                  // it has instructions for products of TF32
};

#ifdef __CUDACC__

inline void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess)
        throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status));
}

inline Device device() {
    int number = 0, processors = 0, shared_bytes = 0, major = 0;
    check(cudaGetDevice(&number), "device");
    check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, number), "device");
    check(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, number),
          "device");
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, number), "device");
    return {processors, shared_bytes, major >= 8};
}

// More shared memory than this must be asked for.
inline constexpr size_t kPlainShared = 48 << 10;

template <class... P, class... A>
void launch(const Grid& grid, void (*kernel)(P...), const A&... arguments) {
    const void* const code = reinterpret_cast<const void*>(kernel);
    if (grid.shared_bytes > kPlainShared)
        check(cudaFuncSetAttribute(code, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                   int(grid.shared_bytes)),
              "shared memory");
    std::tuple<P...> values(arguments...);
    std::apply(
        [&](P&... value) {
            void* pointers[] = {const_cast<void*>(static_cast<const void*>(&value))..., nullptr};
            const auto stream = static_cast<cudaStream_t>(context().stream);
            check(grid.cooperative
                      ? cudaLaunchCooperativeKernel(code, grid.blocks, grid.threads, pointers,
                                                    grid.shared_bytes, stream)
                      : cudaLaunchKernel(code, grid.blocks, grid.threads, pointers,
                                         grid.shared_bytes, stream),
                  "launch");
        },
        values);
}

#else

inline Device device() {
    return {emulator::device().processors, int64_t(emulator::device().shared_bytes)};
}

template <class... P, class... A>
void launch(const Grid& grid, void (*kernel)(P...), const A&... arguments) {
    const std::tuple<P...> values(arguments...);
    const auto run = [=] {
        emulator::run(grid.blocks, grid.threads, grid.shared_bytes, grid.cooperative,
                      [&] { std::apply(kernel, values); });
    };
    if (emulator::capturing(context().stream))
        emulator::capture({reinterpret_cast<const void*>(kernel), run});
    else
        run();
}

#endif

}  // namespace tatami::cuda
