// Copies of rows, past the caches where what is written is larger than they are.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// Results from this size on leave the caches before anyone reads them again.
inline constexpr int64_t kStreamBytes = int64_t{8} << 20;

// to (n) = from (n). Streamed stores must be fenced by the caller, once, at the end of its task.
template <class T>
TATAMI_INLINE void copy_row(T* to, const T* from, int64_t n, bool streamed) {
    if (!streamed) {
        std::memcpy(to, from, size_t(n) * sizeof(T));
        return;
    }
    const auto misaligned = reinterpret_cast<uintptr_t>(to) % kVectorBytes / sizeof(T);
    int64_t i = misaligned ? min<int64_t>(n, kLanes<T> - int64_t(misaligned)) : 0;
    store_first(to, load_first(from, i), i);
    for (; i + kLanes<T> <= n; i += kLanes<T>) stream(to + i, load(from + i));
    store_first(to + i, load_first(from + i, n - i), n - i);
}

}  // namespace tatami::TATAMI_ISA
