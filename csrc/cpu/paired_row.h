// A row of pixels under windows of K = 2 or 3 neighbours that stand two apart, with at most one
// pixel of padding in front: taps are shuffled from whole vectors, no pixel is stored on the way.
#pragma once

#include "cpu/strided.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

template <class T, int K>
class PairedRow {
  public:
    TATAMI_INLINE static int64_t room(const WindowAxis&) { return 0; }

    TATAMI_INLINE PairedRow(const WindowAxis& a, T padding, T*) : a_(a), padding_(padding) {}

    // Calls use(q, n, tap) as PhasedRow::each() does.
    template <class Value, class Use>
    TATAMI_INLINE void each(const Value& value, const Use& use) const {
        if (a_.before)
            each_behind<1>(value, use);
        else
            each_behind<0>(value, use);
    }

  private:
    // The even and the odd ones of the 2 * kLanes pixels from c on.
    template <class Value>
    TATAMI_INLINE void read(int64_t c, const Value& value, Vec<T>& even, Vec<T>& odd) const {
        constexpr int64_t n = kLanes<T>;
        const auto inside = [&](int64_t at) {
            const int64_t left = max<int64_t>(0, min(n, a_.size - at));
            return select<T>(first_lanes<T>(left), value(at, left), broadcast(padding_));
        };
        const bool whole = c + 2 * n <= a_.size;
        const Vec<T> low = whole ? value(c, n) : inside(c);
        const Vec<T> high = whole ? value(c + n, n) : inside(c + n);
        even = detail::even_lanes<T>(low, high, detail::Lanes<T>{});
        odd = detail::odd_lanes<T>(low, high, detail::Lanes<T>{});
    }

    // Windows begin `Before` pixels in front of the row.
    template <int Before, class Value, class Use>
    TATAMI_INLINE void each_behind(const Value& value, const Use& use) const {
        constexpr int64_t n = kLanes<T>;
        constexpr bool ahead = K - Before == 3;  // the last tap may be the first of the next pixels
        const PairedRow row = *this;             // stores cannot change a local
        Vec<T> last = broadcast(padding_), even, odd, next_even, next_odd;
        row.read(0, value, next_even, next_odd);
        for (int64_t q = 0; q < row.a_.out; q += n) {
            even = next_even;
            odd = next_odd;
            if (ahead || q + n < row.a_.out) row.read(2 * (q + n), value, next_even, next_odd);
            use(q, min(n, row.a_.out - q), [=](int64_t j) {
                const int64_t at = j - Before;
                if (at < 0) return detail::joined<T, n - 1>(last, odd, detail::Lanes<T>{});
                if (at > 1) return detail::joined<T, 1>(even, next_even, detail::Lanes<T>{});
                return at ? odd : even;
            });
            last = odd;
        }
    }

    const WindowAxis a_;
    const T padding_;
};

}  // namespace tatami::TATAMI_ISA
