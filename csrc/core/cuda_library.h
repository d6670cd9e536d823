// The library of CUDA kernels, which stands beside the extension and is opened when first needed.
#pragma once

namespace tatami {

struct Tables;

namespace cuda {
struct Context;
class Graph;
}  // namespace cuda

struct CudaLibrary {
    const Tables* tables;
    cuda::Context* (*context)();  // of the calling thread
    cuda::Graph* (*graph)();      // a new one, for the caller to delete
};

// TATAMI_CUDA=emulate: the kernels for the GPU run on the CPU, by an emulator, and answer on NumPy
// arrays too.
bool cuda_is_emulated();

// std::runtime_error, which says what to do, where the library was not built or finds no driver
// that it can work with.
const CudaLibrary& cuda_library();

}  // namespace tatami
