// Memory that is packed next, fetched while the tiles before it compute.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// `rows` runs of `length` bytes, `stride` bytes apart.
struct Runs {
    const char* data = nullptr;
    int64_t rows = 0, length = 0, stride = 0;
};

template <class T>
TATAMI_INLINE Runs runs_of(const T* data, int64_t rows, int64_t length, int64_t stride) {
    constexpr auto size = int64_t(sizeof(T));
    return {reinterpret_cast<const char*>(data), rows, length * size, stride * size};
}

// Fetches the lines of runs, a few at a time.
class Fetch {
  public:
    TATAMI_INLINE void begin(const Runs& runs) {
        runs_ = runs;
        if (runs.length <= 0) runs_.rows = 0;
        at_ = line_start();
    }

    TATAMI_INLINE void some(int lines) {
        for (; runs_.rows > 0 && lines > 0; lines--) {
            __builtin_prefetch(runs_.data + at_);
            at_ += kLine;
            if (at_ < runs_.length) continue;
            runs_.data += runs_.stride;
            runs_.rows--;
            at_ = line_start();
        }
    }

  private:
    static constexpr int64_t kLine = 64;

    // Short runs often lie on two lines.
    TATAMI_INLINE int64_t line_start() const {
        return -int64_t(reinterpret_cast<uintptr_t>(runs_.data) % kLine);
    }

    Runs runs_;
    int64_t at_ = 0;  // from where the run begins
};

}  // namespace tatami::TATAMI_ISA
