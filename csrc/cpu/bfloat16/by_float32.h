// The kernels of AVX-512, which take bfloat16 by way of float32, for what is not better done in the
// processor's own instruction.
#pragma once

#include "core/kernels.h"

namespace tatami::avx512 {

template <class T>
Conv2dKernels<T> conv2d_kernels();
Tables make_tables();

}  // namespace tatami::avx512
