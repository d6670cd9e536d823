#include "cuda/emulator/capture.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace tatami::emulator {

namespace {

thread_local const void* captured = nullptr;  // the stream
thread_local Launches kept;

[[noreturn]] void fail(const char* text) {
    throw std::runtime_error(std::string("emulated CUDA: ") + text);
}

}  // namespace

void begin_capture(void* stream) {
    if (captured) fail("a capture within a capture");
    if (!stream) fail("a capture of the default stream");
    captured = stream;
}

Launches end_capture() {
    if (!captured) fail("the end of no capture");
    captured = nullptr;
    return std::exchange(kept, {});
}

void abandon_capture() {
    captured = nullptr;
    kept.clear();
}

bool capturing(const void* stream) {
    return captured && captured == stream;
}

void capture(Launch launch) {
    kept.push_back(std::move(launch));
}

// For a stand-in for CuPy, whose own work is captured too: whether run(argument) was kept.
extern "C" __attribute__((visibility("default"))) bool tatami_emulator_capture(
    const void* stream, const void* code, void (*run)(const void*), const void* argument) {
    if (!capturing(stream)) return false;
    if (run) capture({code, [=] { run(argument); }});
    return true;
}

}  // namespace tatami::emulator
