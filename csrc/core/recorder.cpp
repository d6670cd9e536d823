#include "core/recorder.h"

#include <stdexcept>
#include <string_view>

#include "core/check.h"

namespace tatami {

constinit thread_local Recorder* recorder = nullptr;

void Recorder::note(const void* bytes, size_t count) {
    facts.push_back({op, std::hash<std::string_view>()({static_cast<const char*>(bytes), count})});
}

const uint64_t* Recorder::seed_of(uint64_t value) const {
    for (auto seed = seeds_.rbegin(); seed != seeds_.rend(); ++seed)
        if (*seed == value) return &*seed;
    return nullptr;
}

void Recorder::refuse() {
    throw ValueError(
        "jit: an index among the arguments is out of range (the function without jit names it)");
}

}  // namespace tatami
