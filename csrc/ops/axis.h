// An array seen along one of its axes: (outer, length, inner).
#pragma once

#include "core/array.h"

namespace tatami {

struct Axis {
    Axis(const Shape& x, int axis)
        : outer(x.elements(0, axis)),
          length(x[axis]),
          inner(x.elements(axis + 1)),
          elements(outer * length * inner) {}

    int64_t outer, length, inner, elements;
};

}  // namespace tatami
