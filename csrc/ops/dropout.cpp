#include "ops/dropout.h"

#include <cmath>

#include "core/check.h"

namespace tatami {

Dropout::Dropout(const char* op, double p) {
    check(p >= 0 && p <= 1, op, ": p is ", p, "; it must lie between 0 and 1");
    scale = p < 1 ? 1 / (1 - p) : 0;
    threshold = uint64_t(std::ceil(std::ldexp(p, 32)));
}

}  // namespace tatami
