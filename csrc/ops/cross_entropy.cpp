#include "ops/cross_entropy.h"

#include "core/check.h"

namespace tatami {

static int class_axis(const char* op, const Shape& logits) {
    check(logits.rank >= 2, op, ": logits must be (N, C) or (N, C, ...), got shape ", logits);
    return 1;
}

CrossEntropy::CrossEntropy(const char* op, const Shape& logits, const Shape& target,
                           bool probabilities, const Shape* weight, double smoothing,
                           int64_t ignore_index)
    : Axis(logits, class_axis(op, logits)),
      positions(outer * inner),
      loss{outer},
      smoothing(smoothing),
      ignore_index(ignore_index) {
    for (int i = 2; i < logits.rank; i++) loss.append(logits[i]);
    const Shape& wanted = probabilities ? logits : loss;
    check(target == wanted, op, ": target has shape ", target, " but logits ", logits, " need ",
          wanted, probabilities ? " (probabilities)" : " (class indices)");
    if (weight)
        check(weight->rank == 1 && (*weight)[0] == length, op, ": weight has shape ", *weight,
              " but logits ", logits, " have ", length, " classes: weight must be (", length, ",)");
    check(smoothing >= 0 && smoothing <= 1, op, ": label_smoothing is ", smoothing,
          "; it must be from 0 to 1");
}

void CrossEntropy::refuse(const char* op, int64_t target) const {
    throw ValueError(concat(op, ": target holds ", target, " but logits have ", length,
                            " classes; indices must be from 0 to ", length - 1,
                            " or ignore_index (", ignore_index, ")"));
}

}  // namespace tatami
