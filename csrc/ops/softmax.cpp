#include "ops/softmax.h"

#include "core/check.h"

namespace tatami {

static int checked_axis(const char* op, const Shape& x, int64_t axis) {
    check(x.rank >= 1, op, ": x has no axes; it needs at least one");
    check(axis >= -x.rank && axis < x.rank, op, ": axis ", axis, " does not exist in x ", x,
          "; it must be from ", -x.rank, " to ", x.rank - 1);
    return int(axis < 0 ? axis + x.rank : axis);
}

Softmax::Softmax(const char* op, const Shape& x, int64_t axis)
    : Axis(x, checked_axis(op, x, axis)) {}

}  // namespace tatami
