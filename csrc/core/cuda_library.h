// The library of CUDA kernels, which stands beside the extension and is opened when first needed.
#pragma once

namespace tatami {

struct Tables;

// TATAMI_CUDA=emulate: the kernels for the GPU answer on NumPy arrays, by an emulator.
bool cuda_is_emulated();

// The emulated table. std::runtime_error where the library was not built.
const Tables& emulated_cuda_tables();

}  // namespace tatami
