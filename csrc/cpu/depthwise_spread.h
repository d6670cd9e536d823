// The input gradient of a depthwise convolution with stride 2. Results of even and odd rows and
// columns are four convolutions of dy with some of the taps each; vectors of even and odd columns
// are interleaved as they are stored.
#pragma once

#include "cpu/depthwise.h"

namespace tatami::TATAMI_ISA {

// Of K taps with padding 2·P + ODD: result 2·m + phase takes dy[m + P + behind] through tap r,
// where they have the same parity.
template <int K, int ODD>
struct SpreadAxis {
    static constexpr int kLowest = ODD - (K - 1) / 2, kReach = (K + 1) / 2;
    static constexpr int first_tap(int phase) { return (phase + ODD) & 1; }
    static constexpr int behind(int phase, int r) { return (phase + ODD - r) / 2 - kLowest; }
};

// sum: of the rows and columns of either phase, each one chain over its taps in order. row: of the
// padded dy that the first result's taps begin at.
template <class T, class Rows, class Columns, int K>
TATAMI_INLINE void spread_taps(const T* row, int64_t line, const int64_t* column, const T* weight,
                               Vec<T> (&sum)[2][2]) {
#pragma GCC unroll 2
    for (int a = 0; a < 2; a++)
#pragma GCC unroll 2
        for (int b = 0; b < 2; b++) {
            Vec<T> chain{};
#pragma GCC unroll 4
            for (int r = Rows::first_tap(a); r < K; r += 2)
#pragma GCC unroll 4
                for (int s = Columns::first_tap(b); s < K; s += 2)
                    chain =
                        fma(load(row + Rows::behind(a, r) * line + column[Columns::behind(b, s)]),
                            broadcast(weight[r * K + s]), chain);
            sum[a][b] = chain;
        }
}

// Pairs of rows [begin, end) of one plane's results (p.h, p.w); rows: memory for `padded`, then,
// where streamed, for two rows.
template <class T, class Rows, class Columns, int K>
TATAMI_INLINE void spread_rows(const Conv2d& p, const PaddedRows<T, 1, Rows::kReach>& padded,
                               T* rows, const T* dy, const T* weight, const T* bias, bool streamed,
                               int64_t begin, int64_t end, T* to) {
    constexpr int64_t n = kLanes<T>;
    int64_t column[Columns::kReach];
    for (int s = 0; s < Columns::kReach; s++) column[s] = padded.column(s);
    T w[K * K];
    for (int t = 0; t < K * K; t++) w[t] = weight[t];
    const int64_t line = padded.line(), band = padded.band();
    const Vec<T> start = broadcast(bias ? *bias : T(0));
    for (int64_t first = begin; first < end; first += band) {
        const int64_t count = min(band, end - first);
        padded.fill(dy, first, count, rows);
        for (int64_t m = 0; m < count; m++) {
            const int64_t y = 2 * (first + m), both = min<int64_t>(2, p.h - y);
            T* const place = to + y * p.w;
            T* const results = streamed ? rows + padded.room() : place;
            for (int64_t q = 0; 2 * q < p.w; q += n) {
                Vec<T> sum[2][2];
                spread_taps<T, Rows, Columns, K>(rows + m * line + q, line, column, w, sum);
                for (int64_t a = 0; a < both; a++)
                    store_pairs(results + a * p.w + 2 * q, p.w - 2 * q,
                                bias ? sum[a][0] + start : sum[a][0],
                                bias ? sum[a][1] + start : sum[a][1]);
            }
            if (p.activation != Activation::none)
                activate_rows(p.activation, results, p.w, both, p.w);
            if (streamed) copy_row(place, results, both * p.w, true);
        }
    }
}

template <class T, class Rows, class Columns, int K>
static void spread_planes(const Conv2d& p, const T* dy, const T* weight, const T* bias, T* dx) {
    const PlaneShape g{p.oh,
                       p.ow,
                       ceil_div(p.h, 2),
                       ceil_div(p.w, 2),
                       p.pad_top / 2 + Rows::kLowest,
                       p.pad_left / 2 + Columns::kLowest};
    const int64_t planes = p.n * p.c,
                  work = planes * g.rows * ceil_div(g.columns, kLanes<T>) * K * K;
    const bool streamed = planes * p.h * p.w * int64_t(sizeof(T)) >= kStreamBytes;
    const PlaneCuts cuts(planes, g.rows);
    parallel_ranges(planes * cuts.count, 1, work, [&](int64_t begin, int64_t end) {
        const PaddedRows<T, 1, Rows::kReach> padded(g);
        const memory::Scratch scratch(size_t(padded.room() + 2 * p.w) * sizeof(T));
        std::memset(scratch.as<T>(), 0, size_t(padded.room()) * sizeof(T));
        for (int64_t i = begin; i < end; i++) {
            const int64_t plane = i / cuts.count, c = plane % p.c;
            const int64_t first = i % cuts.count * cuts.rows;
            spread_rows<T, Rows, Columns, K>(p, padded, scratch.as<T>(), dy + plane * g.h * g.w,
                                             weight + c * K * K, bias ? bias + c : nullptr,
                                             streamed, first, min(g.rows, first + cuts.rows),
                                             dx + plane * p.h * p.w);
        }
        if (streamed) stream_fence();
    });
}

template <class T>
static void depthwise_spread(const Conv2d& p, const T* dy, const T* weight, const T* bias, T* dx) {
    const auto by_columns = [&]<int K, int ROWS, int COLUMNS>() {
        spread_planes<T, SpreadAxis<K, ROWS>, SpreadAxis<K, COLUMNS>, K>(p, dy, weight, bias, dx);
    };
    const auto by_padding = [&]<int K>() {
        if (p.pad_top % 2)
            p.pad_left % 2 ? by_columns.template operator()<K, 1, 1>()
                           : by_columns.template operator()<K, 1, 0>();
        else
            p.pad_left % 2 ? by_columns.template operator()<K, 0, 1>()
                           : by_columns.template operator()<K, 0, 0>();
    };
    if (p.kh == 3) by_padding.template operator()<3>();
    if (p.kh == 5) by_padding.template operator()<5>();
    if (p.kh == 7) by_padding.template operator()<7>();
}

}  // namespace tatami::TATAMI_ISA
