// A row of pixels with room for padding around it, on which windows stand S apart. With S = 2 its
// even and odd pixels lie apart, so that a tap of kLanes windows is one load. S = 0: any stride.
#pragma once

#include "core/memory_pool.h"
#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

template <class T, int S>
class PhasedRow {
  public:
    // Elements of memory that it takes.
    TATAMI_INLINE static int64_t room(const WindowAxis& a) { return kPhases * phase(a); }

    TATAMI_INLINE PhasedRow(const WindowAxis& a, T padding, T* memory)
        : a_(a), phase_(phase(a)), padding_(padding), pixels_(memory + front(a)) {
        for (int64_t i = 0; i < room(a); i++) memory[i] = padding;
    }

    // Calls use(q, n, tap) for windows q, q + 1, ..., n of them, for all windows: tap(j) is the tap
    // j of each. value(c, n): pixels c, c + 1, ..., of which n count.
    template <class Value, class Use>
    TATAMI_INLINE void each(const Value& value, const Use& use) const {
        const PhasedRow row = *this;  // stores cannot change a local
        row.fill(value);
        for (int64_t q = 0; q < row.a_.out; q += kLanes<T>) {
            const int64_t n = min<int64_t>(kLanes<T>, row.a_.out - q);
            use(q, n, [&](int64_t j) { return row.tap(q, j * row.a_.dilation, n); });
        }
    }

  private:
    static constexpr int kPhases = S == 2 ? 2 : 1;

    template <class Value>
    TATAMI_INLINE void fill(const Value& value) const {
        constexpr int64_t step = S == 2 ? 2 * kLanes<T> : kLanes<T>;
        const auto inside = [&](int64_t c) {
            const int64_t n = max<int64_t>(0, min<int64_t>(kLanes<T>, a_.size - c));
            return select<T>(first_lanes<T>(n), value(c, n), broadcast(padding_));
        };
        int64_t c = 0;
        for (; c + step <= a_.size; c += step)
            store_phases<S>(pixels_, phase_, c,
                            [&](int64_t at) { return value(at, int64_t(kLanes<T>)); });
        if (c < a_.size) store_phases<S>(pixels_, phase_, c, inside);
    }

    // The pixels `offset` behind the first ones of windows q, q + 1, ..., n of them or more.
    TATAMI_INLINE Vec<T> tap(int64_t q, int64_t offset, int64_t n) const {
        const int64_t at = offset - a_.before;
        if constexpr (S == 2)
            return load(pixels_ + (at & 1 ? phase_ : 0) + q + (at >> 1));
        else
            return load_strided<T, S>(pixels_ + q * a_.stride + at, a_.stride, n);
    }

    static TATAMI_INLINE int64_t front(const WindowAxis& a) { return round_up(a.before, kPack<T>); }
    static TATAMI_INLINE int64_t phase(const WindowAxis& a) {
        const int64_t reach = max((a.out - 1) * a.stride + a.span, a.size);
        return front(a) + round_up(reach, kPack<T>) + 4 * kPack<T>;
    }

    const WindowAxis a_;
    const int64_t phase_;  // elements from phase to phase
    const T padding_;
    T* const pixels_;
};

}  // namespace tatami::TATAMI_ISA
