#include "ops/prelu.h"

#include "core/check.h"

namespace tatami {

static Axis slopes_axis(const char* op, const Shape& x, const Shape& weight) {
    check(weight.rank == 1, op, ": weight must be (1,) or (C,), got shape ", weight);
    if (weight[0] == 1) return Axis({1, 1, x.elements()}, 1);
    check(x.rank >= 2 && weight[0] == x[1], op, ": weight has ", weight[0], " slopes but x ", x,
          " has ", x.rank >= 2 ? x[1] : 1, " channels (axis 1); weight must be (1,) or match them");
    return Axis(x, 1);
}

Prelu::Prelu(const char* op, const Shape& x, const Shape& weight)
    : Axis(slopes_axis(op, x, weight)) {}

}  // namespace tatami
