#include "ops/adaptive_pool2d.h"

#include "core/check.h"

namespace tatami {

AdaptivePool2d::AdaptivePool2d(const char* op, const Shape& x, Pair output_size) : x(x) {
    check(x.rank == 4, op, ": x must be (N, C, H, W), got shape ", x);
    check(output_size.vertical >= 0 && output_size.horizontal >= 0, op, ": output_size is ",
          output_size, "; it must not be negative");
    planes = x[0] * x[1];
    rows = x[2];
    columns = x[3];
    out_rows = output_size.vertical;
    out_columns = output_size.horizontal;
    check((rows > 0 && columns > 0) || out_rows * out_columns == 0, op, ": x ", x,
          " has no pixels to pool to ", output_size);
    y = {x[0], x[1], out_rows, out_columns};
}

void AdaptivePool2d::check_output(const char* op, const char* name, const Shape& shape) const {
    check(shape == y, op, ": ", name, " has shape ", shape, " but pooling x ", x, " gives ", y);
}

}  // namespace tatami
