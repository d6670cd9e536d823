// The gradient of average pooling for many small planes: a vector is one pixel of kLanes planes.
// Separable, and summed in the order of spread.h: the same bits.
#pragma once

#include "cpu/small_planes.h"
#include "cpu/spread.h"

namespace tatami::TATAMI_ISA {

// The gradient of average pooling in planes [begin, end).
template <class T>
TATAMI_INLINE void spread_small(const Pool2d& p, const Divisors<T>& divisors, const T* dy, T* dx,
                                bool streamed, int64_t begin, int64_t end) {
    constexpr int64_t n = kLanes<T>;
    const WindowAxis rows = p.rows, columns = p.columns;  // stores cannot change a local
    const int64_t size = rows.size * columns.size, out = rows.out * columns.out;
    const PhaseTaps taps(columns);
    const int64_t steps = ceil_div(columns.size, columns.stride);
    const int64_t front = max<int64_t>(0, -taps.lowest);
    const int64_t reach = front + max(columns.out, steps + taps.highest);
    const memory::Scratch scratch(
        size_t((out + rows.out * columns.size + round_up(size, n) + reach) * n + reach) *
        sizeof(T)),
        listed(size_t(rows.span / rows.stride + 1) * sizeof(T*));
    const T** const over = listed.as<const T*>();
    T *const values = scratch.as<T>(), *const spread = values + out * n;
    T* const pixels = spread + rows.out * columns.size * n;
    T *const padded = pixels + round_up(size, n) * n, *const scales = padded + reach * n;
    for (int64_t q = 0; q < reach * n + reach; q++) padded[q] = 0;
    RowStream<T> results(dx + begin * size, size, streamed, n);
    for (int64_t plane = begin; plane < end; plane += n) {
        const int64_t together = min(n, end - plane);
        read_across(dy + plane * out, out, together, values);
        for (int64_t o = 0; o < rows.out; o++) {
            for (int64_t q = 0; q < columns.out; q++) {
                store(padded + (front + q) * n, load(values + (o * columns.out + q) * n));
                scales[front + q] = T(1) / (divisors.columns[q] * divisors.rows[o]);
            }
            for (int64_t c = 0; c < columns.size; c++) {
                const int64_t phase = c % columns.stride, first = front + c / columns.stride;
                Vec<T> sum{};
                for (int64_t t = taps.begin(phase); t < taps.end(phase); t++) {
                    const int64_t q = first + taps.shift(t);
                    sum = fma(load(padded + q * n), broadcast(scales[q]), sum);
                }
                store(spread + (o * columns.size + c) * n, sum);
            }
        }
        for (int64_t r = 0; r < rows.size; r++) {
            const Range windows = windows_over(rows, r, r + 1);
            int64_t count = 0;
            for (int64_t o = windows.begin; o < windows.end; o++)
                if (has_tap(rows, o, r)) over[count++] = spread + o * columns.size * n;
            for (int64_t c = 0; c < columns.size; c++) {
                Vec<T> sum = count ? load(over[0] + c * n) : Vec<T>{};
                for (int64_t k = 1; k < count; k++) sum += load(over[k] + c * n);
                store(pixels + (r * columns.size + c) * n, sum);
            }
        }
        write_along(pixels, size, results.next(together), size, together);
    }
}

template <class T>
static void spread_small_planes(const Pool2d& p, const T* dy, T* dx) {
    const Divisors<T> divisors(p);
    for_small<T>(p, sizeof(T), [&](int64_t begin, int64_t end, bool streamed) {
        spread_small(p, divisors, dy, dx, streamed, begin, end);
    });
}

}  // namespace tatami::TATAMI_ISA
