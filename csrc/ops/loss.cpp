#include "ops/loss.h"

#include "core/check.h"

namespace tatami {

void check_same_shape(const char* op, const char* x_name, const Shape& x, const Shape& target) {
    check(x == target, op, ": ", x_name, " has shape ", x, " but target has shape ", target,
          "; they must be equal");
}

BinaryCrossEntropy::BinaryCrossEntropy(const char* op, const Shape& logits, const Shape& target,
                                       const Shape* weight, const Shape* pos_weight)
    : n(logits.elements()), period(1) {
    check_same_shape(op, "logits", logits, target);
    if (weight)
        check(*weight == logits, op, ": weight has shape ", *weight, " but logits have shape ",
              logits, "; they must be equal");
    if (!pos_weight || pos_weight->elements() == 1) return;
    check(pos_weight->rank == 1 && logits.rank >= 1 && (*pos_weight)[0] == logits[-1], op,
          ": pos_weight has shape ", *pos_weight, " but the last axis of logits ", logits, " has ",
          logits.rank ? logits[-1] : 1, " elements; it must be a number or match that axis");
    period = (*pos_weight)[0];
}

}  // namespace tatami
