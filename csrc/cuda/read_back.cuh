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
    value = *device;
#endif
    return value;
}

}  // namespace tatami::cuda
