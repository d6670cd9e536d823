// Rows of results that follow one another in memory. Rows that go past the caches are gathered in
// the L1 and leave in long runs of whole lines: a line that two runs share would be read from
// memory, and what is written after it would wait.
#pragma once

#include "core/memory_pool.h"
#include "cpu/copy.h"

namespace tatami::TATAMI_ISA {

template <class T>
class RowStream {
  public:
    // to: where the first row of `row` elements goes. together: the most rows asked for at once.
    TATAMI_INLINE RowStream(T* to, int64_t row, bool streamed, int64_t together = 1)
        : to_(to),
          row_(row),
          rows_(streamed ? max(together, kRun / (row * int64_t(sizeof(T)))) : 0),
          scratch_(size_t(rows_ ? rows_ * row + kLine : 0) * sizeof(T)) {}

    TATAMI_INLINE ~RowStream() {
        if (rows_ == 0) return;
        copy_row(to_, scratch_.template as<T>(), held(), true);
        stream_fence();
    }

    // Where to write the next row, or the next `count` of them.
    TATAMI_INLINE T* next(int64_t count = 1) {
        if (rows_ && held_ + count > rows_) flush();
        T* const rows = (rows_ ? scratch_.template as<T>() : to_) + held();
        held_ += count;
        return rows;
    }

  private:
    static constexpr int64_t kRun = 1 << 10;  // bytes
    static constexpr int64_t kLine = 64 / int64_t(sizeof(T));

    // Elements, those of a line begun by the run before among them.
    TATAMI_INLINE int64_t held() const { return begun_ + row_ * held_; }

    TATAMI_INLINE void flush() {
        T* const rows = scratch_.template as<T>();
        const auto past = int64_t(reinterpret_cast<uintptr_t>(to_ + held()) / sizeof(T) % kLine);
        const int64_t left = min(past, held()), whole = held() - left;
        copy_row(to_, rows, whole, true);
        std::memmove(rows, rows + whole, size_t(left) * sizeof(T));
        to_ += whole;
        begun_ = left;
        held_ = 0;
    }

    T* to_;
    const int64_t row_, rows_;  // elements of a row, rows gathered
    int64_t held_ = 0, begun_ = 0;
    const memory::Scratch scratch_;
};

}  // namespace tatami::TATAMI_ISA
