// What this process may use of the machine it runs on.
#pragma once

#include <cstdint>

namespace tatami::machine {

// min(CPU affinity, cgroup quota rounded down), at least 1.
int cores();

// min(physical memory, cgroup limit) in bytes.
int64_t memory_bytes();

}  // namespace tatami::machine
