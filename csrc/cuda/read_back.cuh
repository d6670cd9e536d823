// A number from the device, for the few calls that answer one to the host.
#pragma once

#include "cuda/launch.cuh"

namespace tatami::cuda {

// Waits for all that was launched before.
template <class V>
V read_back(const V* device) {
    V value;
#ifdef __CUDACC__
    const auto stream = static_cast<cudaStream_t>(context().stream);
    check(cudaMemcpyAsync(&value, device, sizeof(V), cudaMemcpyDeviceToHost, stream), "read back");
    check(cudaStreamSynchronize(stream), "read back");
#else
    if (emulator::capturing(context().stream))
        throw std::runtime_error("emulated CUDA: a wait for a stream that is captured");
    value = *device;
#endif
    return value;
}

}  // namespace tatami::cuda
