// What this process may use of the machine it runs on.
#pragma once

#include <cstdint>
#include <string>

namespace tatami::machine {

// min(CPU affinity, cgroup quota rounded down), at least 1. Control groups of both versions are
// read from /proc and /sys below `root`, which tests replace.
int cores(const std::string& root = "");

// min(physical memory, cgroup limit) in bytes.
int64_t memory_bytes(const std::string& root = "");

}  // namespace tatami::machine
