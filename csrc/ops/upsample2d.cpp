#include "ops/upsample2d.h"

#include "core/check.h"

namespace tatami {

static Shape upsampled(const char* op, const Shape& x, Pair scale) {
    check(x.rank == 4, op, ": x must be (N, C, H, W), got shape ", x);
    check(scale.vertical >= 1 && scale.horizontal >= 1, op, ": scale is ", scale,
          "; it must be at least 1");
    check(x[2] > 0 && x[3] > 0, op, ": x ", x, " has no pixels");
    Shape y = x;
    check(!__builtin_mul_overflow(x[2], scale.vertical, &y[2]) &&
              !__builtin_mul_overflow(x[3], scale.horizontal, &y[3]),
          op, ": scale is ", scale, ", too large for x ", x);
    return y;
}

Upsample2d::Upsample2d(const char* op, const Shape& x, Pair scale)
    : planes(x.elements(0, 2)),
      rows(x.elements(2, 3)),
      columns(x.elements(3, 4)),
      scale(scale),
      x(x),
      y(upsampled(op, x, scale)),
      blocks(op, y, scale, scale, {0, 0}, {1, 1}, false) {
    blocks.divisor = Divisor::one;
}

void Upsample2d::check_output(const char* op, const char* name, const Shape& shape) const {
    check(shape == y, op, ": ", name, " has shape ", shape, " but upsampling x ", x, " by ", scale,
          " gives ", y);
}

}  // namespace tatami
