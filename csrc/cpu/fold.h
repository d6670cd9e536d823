// Folds the windows of an image with max or +, separably: each row of the image once along its
// columns, then the folded rows of every window. An Op says what is folded and kept:
//   Fold                              the state of kLanes windows, in registers
//   kPadding                          what stands outside the image
//   kSlots                            vectors that a kept Fold takes
//   start(q, v)                       the fold of the first taps v, of windows q, q + 1, ...
//   take(fold, v, offset)             takes further taps, `offset` pixels behind the first
//   keep(slot, fold), kept(slot)      to and from memory
//   join(fold, below, offset)         takes a further row, `offset` pixels behind the first
//   finish(row, q, n, fold)           writes the results of n windows
#pragma once

#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

// A row of windows.
struct WindowRow {
    int64_t index;  // among all planes' rows
    int64_t o;      // in its plane
    int64_t top;    // the image's row where its first tap stands
};

// Memory of the folded rows that are kept: row r of all planes in slot r modulo a power of two.
struct FoldLayout {
    TATAMI_INLINE FoldLayout(const Pool2d& p, int64_t lanes, int64_t fold_slots) {
        while (slots < min(p.rows.span, p.rows.size)) slots *= 2;
        row = round_up(p.columns.out, lanes) * fold_slots;
    }
    int64_t slots = 1;
    int64_t row;  // elements
};

// S and K as with_window() chooses them.
template <class T, int S, int K, class Op>
class FoldedRows {
  public:
    TATAMI_INLINE FoldedRows(const Pool2d& p, const T* x, const Op& op)
        : a_(p.columns),
          op_(op),
          layout_(p, kLanes<T>, Op::kSlots),
          scratch_(size_t(layout_.slots) * (size_t(layout_.row) * sizeof(T) + 8)),
          x_(x),
          x_end_(x + p.planes * p.rows.size * p.columns.size),
          rows_(scratch_.template as<T>()),
          held_(reinterpret_cast<int64_t*>(rows_ + layout_.slots * layout_.row)) {
        for (int64_t i = 0; i < layout_.slots; i++) held_[i] = -1;
    }

    // Row `row` of all planes' rows, folded.
    TATAMI_INLINE const T* operator[](int64_t row) {
        const int64_t slot = row & (layout_.slots - 1);
        T* folded = rows_ + slot * layout_.row;
        if (held_[slot] != row) {
            held_[slot] = row;
            fold(x_ + row * a_.size, folded);
        }
        return folded;
    }

  private:
    TATAMI_INLINE void fold(const T* row, T* to) const {
        constexpr int64_t n = kLanes<T>;
        const WindowAxis a = a_;  // stores cannot change a local
        for (int64_t q = 0; q < a.out; q += n, to += n * Op::kSlots) {
            const int64_t start = q * a.stride - a.before;
            const int64_t last = start + (min(n, a.out - q) - 1) * a.stride + a.span;
            // Lanes past the last window may read anything that belongs to x.
            const T* read_end = row + start + n * a.stride + a.span;
            if (start >= 0 && last <= a.size && read_end <= x_end_)
                fold_vector(a, q, to, [&](int64_t offset) {
                    return load_strided<T, S>(row + start + offset, a.stride);
                });
            else
                fold_vector(a, q, to, [&](int64_t offset) {
                    return load_strided_inside<T, S>(row, a.size, start + offset, a.stride,
                                                     Op::kPadding);
                });
        }
    }

    template <class Load>
    TATAMI_INLINE void fold_vector(const WindowAxis& a, int64_t q, T* to, const Load& taps) const {
        auto fold = op_.start(q, taps(0));
        if constexpr (K > 0)
#pragma GCC unroll 4
            for (int64_t offset = 1; offset < K; offset++) op_.take(fold, taps(offset), offset);
        else
            for (int64_t offset = a.dilation; offset < a.span; offset += a.dilation)
                op_.take(fold, taps(offset), offset);
        op_.keep(to, fold);
    }

    const WindowAxis a_;
    const Op op_;
    const FoldLayout layout_;
    const memory::Scratch scratch_;
    const T *x_, *x_end_;
    T* rows_;
    int64_t* held_;  // the row in each slot
};

// Output rows [begin, end) of all planes' rows.
template <class T, int S, int K, class Op>
TATAMI_INLINE void fold_windows(const Pool2d& p, const T* x, int64_t begin, int64_t end,
                                const Op& op) {
    FoldedRows<T, S, K, Op> folded(p, x, op);
    const WindowAxis rows = p.rows;  // stores cannot change a local
    const int64_t out = p.columns.out, step = rows.dilation * p.columns.size;
    const memory::Scratch scratch(size_t(min(rows.kernel, rows.size)) * sizeof(T*));
    const T** window = scratch.as<const T*>();
    int64_t plane = begin / rows.out, o = begin % rows.out;
    for (int64_t i = begin; i < end; i++, o++) {
        if (o == rows.out) o = 0, plane++;
        const Taps taps = taps_inside(rows, o);
        const WindowRow row{i, o, taps.start + taps.first * rows.dilation};
        const int64_t count = taps.end - taps.first;
        for (int64_t k = 0; k < count; k++)
            window[k] = folded[plane * rows.size + row.top + k * rows.dilation];
        for (int64_t q = 0, at = 0; q < out; q += kLanes<T>) {
            auto fold = op.kept(window[0] + at);
            for (int64_t k = 1; k < count; k++) op.join(fold, op.kept(window[k] + at), k * step);
            op.finish(row, q, min<int64_t>(kLanes<T>, out - q), fold);
            at += kLanes<T> * Op::kSlots;
        }
    }
}

}  // namespace tatami::TATAMI_ISA
