// Reading arguments that are not arrays.
#pragma once

#include "bindings/door.h"
#include "ops/activation.h"

namespace tatami {

// activation=None or one of the names that api.md lists for fused epilogues.
Activation activation_argument(const char* op, py::handle value);

}  // namespace tatami
