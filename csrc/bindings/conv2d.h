// What the families of convolutions share.
#pragma once

#include "bindings/door.h"
#include "ops/conv2d.h"

namespace tatami {

// stride, padding, dilation, groups and exact as Python gives them.
struct Geometry {
    py::handle stride, padding, dilation;
    int64_t groups;
    bool exact = false;
};

ConvWindow conv_window(const char* op, int rank, const Geometry& g);

// Vector operations, roughly.
int64_t conv_work(const Conv2d& p);

}  // namespace tatami
