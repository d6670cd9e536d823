// Which taps lie inside the image, which windows hold a pixel, and what a mean divides by.
#pragma once

#include "core/memory_pool.h"
#include "cpu/simd.h"
#include "ops/pool2d.h"

namespace tatami::TATAMI_ISA {

// The taps [first, end) of a window that lie inside the image; start is the first tap's pixel.
struct Taps {
    int64_t start, first, end;
};

TATAMI_INLINE Taps taps_inside(const WindowAxis& a, int64_t window) {
    const int64_t start = window * a.stride - a.before;
    if (!a.padded) return {start, 0, a.kernel};
    const auto taps = [&](int64_t pixels) {  // divisions are dear
        return a.dilation == 1 ? pixels : ceil_div(pixels, a.dilation);
    };
    return {start, start < 0 ? taps(-start) : 0, min(a.kernel, taps(a.size - start))};
}

// Calls use.operator()<S, K>(): stride and kernel where they are compiled in, else 0. S = 2 with
// a K is what PairedRow takes.
template <class Use>
TATAMI_INLINE void with_window(const WindowAxis& a, const Use& use) {
    const bool dense = a.dilation == 1, apart = dense && a.stride == 2 && a.before <= 1;
    if (apart && a.kernel == 2) return use.template operator()<2, 2>();
    if (apart && a.kernel == 3) return use.template operator()<2, 3>();
    if (dense && a.stride == 1 && a.kernel == 3) return use.template operator()<1, 3>();
    if (a.stride == 1) return use.template operator()<1, 0>();
    if (a.stride == 2) return use.template operator()<2, 0>();
    use.template operator()<0, 0>();
}

// Calls use.operator()<Count>(): the number of a window's rows where it is compiled in, else 0.
template <class Use>
TATAMI_INLINE void with_count(int64_t count, const Use& use) {
    if (count == 2) return use.template operator()<2>();
    if (count == 3) return use.template operator()<3>();
    use.template operator()<0>();
}

// Calls use(1), use(2), ... use(count - 1). Count is `count` where it is compiled in, else 0.
template <int Count, class Use>
TATAMI_INLINE void each_further(int64_t count, const Use& use) {
    if constexpr (Count > 0)
#pragma GCC unroll 4
        for (int64_t k = 1; k < Count; k++) use(k);
    else
        for (int64_t k = 1; k < count; k++) use(k);
}

// Whether the windows are 2x2 and side by side, without padding.
TATAMI_INLINE bool in_pairs(const Pool2d& p) {
    const auto along = [](const WindowAxis& a) {
        return a.kernel == 2 && a.stride == 2 && a.dilation == 1 && !a.padded;
    };
    return along(p.rows) && along(p.columns);
}

struct Range {
    int64_t begin, end;
};

// The windows that reach over one of the pixels [begin, end).
TATAMI_INLINE Range windows_over(const WindowAxis& a, int64_t begin, int64_t end) {
    const int64_t behind = begin + a.before - a.span;  // the last start that ends before `begin`
    return {behind < 0 ? 0 : behind / a.stride + 1, min(a.out, ceil_div(end + a.before, a.stride))};
}

// Whether a window that reaches over a pixel has a tap there.
TATAMI_INLINE bool has_tap(const WindowAxis& a, int64_t window, int64_t pixel) {
    return a.dilation == 1 || (pixel + a.before - window * a.stride) % a.dilation == 0;
}

// The divisor of window (o, q) is rows[o] · columns[q].
template <class T>
class Divisors {
  public:
    explicit Divisors(const Pool2d& p)
        : scratch_(size_t(p.rows.out + round_up(p.columns.out, kLanes<T>)) * sizeof(T)) {
        T* columns = scratch_.template as<T>();
        T* rows = columns + round_up(p.columns.out, kLanes<T>);
        for (int64_t i = 0; i < round_up(p.columns.out, kLanes<T>); i++) columns[i] = 1;
        count(p.columns, p.divisor, columns);
        count(p.rows, p.divisor, rows);
        this->columns = columns;
        this->rows = rows;
    }

    const T *rows, *columns;  // whole vectors of columns may be read

  private:
    static void count(const WindowAxis& a, Divisor divisor, T* taps) {
        for (int64_t o = 0; o < a.out; o++) {
            const Taps inside = taps_inside(a, o);
            const int64_t room = a.size + a.after - inside.start;  // in the padded image
            taps[o] = divisor == Divisor::one     ? T(1)
                      : divisor == Divisor::image ? T(inside.end - inside.first)
                                                  : T(min(a.kernel, ceil_div(room, a.dilation)));
        }
    }

    memory::Scratch scratch_;
};

}  // namespace tatami::TATAMI_ISA
