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

// The rows of an image folded along their columns, the latest ones kept.
template <class T, int S, class Op>
class FoldedRows {
  public:
    TATAMI_INLINE FoldedRows(const WindowAxis& columns, int64_t image_rows, int64_t slots,
                             const T* x, const Op& op, T* memory)
        : a_(columns), op_(op), x_(x), slots_(slots), vectors_(ceil_div(columns.out, kLanes<T>)) {
        const int64_t most = S ? vectors_ * kLanes<T> : columns.out;
        reach_ = (most - 1) * columns.stride + S + columns.span;
        x_end_ = x + image_rows * columns.size;
        padded_ = memory;
        rows_ = memory + round_up(reach_ + columns.size, kPack<T>);
        held_ = reinterpret_cast<int64_t*>(rows_ + slots * row_size());
        for (int64_t i = 0; i < reach_; i++) padded_[i] = Op::kPadding;
        for (int64_t i = 0; i < slots; i++) held_[i] = -1;
    }

    static int64_t bytes(const WindowAxis& a, int64_t slots) {
        const int64_t lanes = round_up(a.out, kLanes<T>);
        const int64_t reach = lanes * a.stride + a.span + a.size + 2 * kPack<T>;
        return round_up((reach + slots * lanes * Op::kSlots) * int64_t(sizeof(T)), 64) + slots * 8;
    }

    // Row `row` of all planes' rows.
    TATAMI_INLINE const T* row(int64_t row) {
        const int64_t slot = row % slots_;
        T* folded = rows_ + slot * row_size();
        if (held_[slot] != row) {
            held_[slot] = row;
            fold(source(row), folded);
        }
        return folded;
    }

  private:
    TATAMI_INLINE int64_t row_size() const { return vectors_ * kLanes<T> * Op::kSlots; }

    // The row as it lies in x, where no tap needs padding and whole vectors may be read.
    TATAMI_INLINE const T* source(int64_t row) {
        const T* from = x_ + row * a_.size;
        if (!a_.padded && from + reach_ <= x_end_) return from;
        std::memcpy(padded_ + a_.before, from, size_t(a_.size) * sizeof(T));
        return padded_;
    }

    TATAMI_INLINE void fold(const T* from, T* to) const {
        for (int64_t q = 0; q < a_.out; q += kLanes<T>, to += kLanes<T> * Op::kSlots) {
            const int64_t n = min<int64_t>(kLanes<T>, a_.out - q);
            const T* first = from + q * a_.stride;
            auto fold = op_.start(q, load_strided<T, S>(first, a_.stride, n));
            for (int64_t offset = a_.dilation; offset < a_.span; offset += a_.dilation)
                op_.take(fold, load_strided<T, S>(first + offset, a_.stride, n), offset);
            op_.keep(to, fold);
        }
    }

    const WindowAxis& a_;
    const Op& op_;
    const T* x_;
    const T* x_end_;
    const int64_t slots_, vectors_;
    int64_t reach_;  // elements that folding a row reads
    T *padded_, *rows_;
    int64_t* held_;  // the row in each slot
};

// Output rows [begin, end) of all planes' rows.
template <class T, int S, class Op>
TATAMI_INLINE void fold_windows(const Pool2d& p, const T* x, int64_t begin, int64_t end,
                                const Op& op) {
    const int64_t slots = min(p.rows.span, p.rows.size);
    const int64_t bytes = FoldedRows<T, S, Op>::bytes(p.columns, slots);
    const memory::Scratch scratch(size_t(bytes + slots * 8));
    FoldedRows<T, S, Op> folded(p.columns, p.planes * p.rows.size, slots, x, op, scratch.as<T>());
    const T** window = reinterpret_cast<const T**>(scratch.as<char>() + bytes);
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / p.rows.out, o = i % p.rows.out;
        const Taps taps = taps_inside(p.rows, o);
        const WindowRow row{i, o, taps.start + taps.first * p.rows.dilation};
        const int64_t count = taps.end - taps.first;
        for (int64_t k = 0; k < count; k++)
            window[k] = folded.row(plane * p.rows.size + row.top + k * p.rows.dilation);
        const int64_t step = p.rows.dilation * p.columns.size;
        for (int64_t q = 0, at = 0; q < p.columns.out; q += kLanes<T>) {
            auto fold = op.kept(window[0] + at);
            for (int64_t k = 1; k < count; k++) op.join(fold, op.kept(window[k] + at), k * step);
            op.finish(row, q, min<int64_t>(kLanes<T>, p.columns.out - q), fold);
            at += kLanes<T> * Op::kSlots;
        }
    }
}

}  // namespace tatami::TATAMI_ISA
