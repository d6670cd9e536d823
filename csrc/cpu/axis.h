// How kernels walk an array along one of its axes: contiguous rows one by one where it is the last,
// else blocks of columns, vectors along the inner axis.
#pragma once

#include "cpu/elementwise.h"
#include "cpu/reduce.h"
#include "ops/axis.h"

namespace tatami::TATAMI_ISA {

// A block of columns: it and its result stay in the L2.
inline constexpr int64_t kBlock = 128 << 10;  // bytes
inline constexpr int64_t kExpCost = 20;       // vector operations of a softmax, roughly

template <class T>
TATAMI_INLINE bool is_streamed(int64_t elements, const T* x, const T* y) {
    return elements * int64_t(sizeof(T)) >= kStreamBytes && x != y;
}

// body(begin, end, scratch) for ranges of the contiguous rows; scratch (length) where streamed.
template <class T, class Body>
TATAMI_INLINE void for_rows(const Axis& p, bool streamed, const Body& body) {
    const int64_t grain = max<int64_t>(1, kChunk / max<int64_t>(p.length, 1));
    const int64_t work = p.elements / kLanes<T> * kExpCost;
    parallel_ranges(p.outer, grain, work, [&](int64_t begin, int64_t end) {
        const memory::Scratch scratch(streamed ? size_t(p.length) * sizeof(T) : 0);
        body(begin, end, scratch.as<T>());
        if (streamed) stream_fence();
    });
}

// body(row, its offset, scratch) for each of them.
template <class T, class Body>
TATAMI_INLINE void for_each_row(const Axis& p, bool streamed, const Body& body) {
    for_rows<T>(p, streamed, [&](int64_t begin, int64_t end, T* scratch) {
        for (int64_t r = begin; r < end; r++) body(r, r * p.length, scratch);
    });
}

// A block of `width` columns of x[outer], from `first` on: its first element is at `offset`.
struct Block {
    int64_t outer, first, width, offset;
};

// body(block, scratch): scratch holds `vectors` rows of the block's width, then, where streamed,
// `length` more.
template <class T, class Body>
TATAMI_INLINE void for_columns(const Axis& p, bool streamed, int64_t vectors, const Body& body) {
    if (p.elements == 0) return;
    const int64_t fit = kBlock / int64_t(sizeof(T)) / max<int64_t>(p.length, 1);
    const int64_t width = min(p.inner, round_up(min<int64_t>(max<int64_t>(fit, 64), 4096), 64));
    const int64_t blocks = ceil_div(p.inner, width);
    const int64_t rows = vectors + (streamed ? p.length : 0);
    const int64_t work = p.elements / kLanes<T> * kExpCost;
    parallel_ranges(p.outer * blocks, 1, work, [&](int64_t begin, int64_t end) {
        const memory::Scratch scratch(size_t(rows * width) * sizeof(T));
        for (int64_t b = begin; b < end; b++) {
            const int64_t outer = b / blocks, first = b % blocks * width;
            const int64_t offset = outer * p.length * p.inner + first;
            body(Block{outer, first, min(width, p.inner - first), offset}, scratch.as<T>());
        }
        if (streamed) stream_fence();
    });
}

}  // namespace tatami::TATAMI_ISA
