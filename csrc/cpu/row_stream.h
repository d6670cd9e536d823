// Rows of results that follow one another in memory. Rows that go past the caches are gathered in
// the L1 and leave in long runs, so that a line which two of them share is written once.
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
          scratch_(size_t(rows_ * row) * sizeof(T)) {}

    TATAMI_INLINE ~RowStream() {
        if (rows_ == 0) return;
        flush();
        stream_fence();
    }

    // Where to write the next row, or the next `count` of them.
    TATAMI_INLINE T* next(int64_t count = 1) {
        if (rows_ && held_ + count > rows_) flush();
        T* const rows = (rows_ ? scratch_.template as<T>() : to_) + row_ * held_;
        held_ += count;
        return rows;
    }

  private:
    static constexpr int64_t kRun = 1 << 10;  // bytes

    TATAMI_INLINE void flush() {
        copy_row(to_, scratch_.template as<T>(), row_ * held_, true);
        to_ += row_ * held_;
        held_ = 0;
    }

    T* to_;
    const int64_t row_, rows_;  // elements of a row, rows gathered
    int64_t held_ = 0;
    const memory::Scratch scratch_;
};

}  // namespace tatami::TATAMI_ISA
