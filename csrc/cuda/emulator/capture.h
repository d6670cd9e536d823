// What a stream is given, kept instead of run, as when a GPU's stream is captured.
#pragma once

#include <functional>
#include <vector>

namespace tatami::emulator {

struct Launch {
    const void* code;  // which kernel
    std::function<void()> run;
};
using Launches = std::vector<Launch>;

// One capture at a time, of one stream that is not the default one.
void begin_capture(void* stream);
Launches end_capture();
void abandon_capture();

bool capturing(const void* stream);
void capture(Launch launch);

}  // namespace tatami::emulator
