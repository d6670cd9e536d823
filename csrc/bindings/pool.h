// What the pooling families share.
#pragma once

#include "bindings/door.h"

namespace tatami {

// ValueError that names the first of the indices into the planes of x (N, C, H, W) that is outside.
void index_outside(const char* op, const Input& indices, const Shape& x);

}  // namespace tatami
