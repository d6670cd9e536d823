#include "ops/precision.h"

#include <utility>

namespace tatami {

static constinit thread_local bool allowed = false;

bool exchange_tf32(bool on) {
    return std::exchange(allowed, on);
}

bool tf32_allowed() {
    return allowed;
}

}  // namespace tatami
