// Products of bfloat16 with 1 to 4 rows and a right factor of contiguous rows: bound by reading
// that, so it is read once, in its own order, unpacked. The bits of gemm.h.
#pragma once

#include "cpu/bfloat16/factors.h"
#include "cpu/thin.h"

namespace tatami::TATAMI_ISA {

TATAMI_INLINE Twin twin_of(const TwinsA& a, int64_t row, int64_t d) {
    const Bfloat16* const first = a.at(row, d);
    const uint32_t second = 2 * d + 1 < a.k ? first[a.column_stride].word : 0;
    return {uint32_t(first->word) << 16 | second};
}

// sums (ROWS, columns; row stride kThinColumns) += twins [d, d + DEPTH) of a · those of b.
template <int ROWS, int DEPTH>
TATAMI_INLINE void thin_twins(const TwinsA& a, const TwinsB& b, int64_t d, int64_t column,
                              int64_t columns, float* sums) {
    Vec<Twin> factor[DEPTH][ROWS];
    for (int i = 0; i < DEPTH; i++)
        for (int r = 0; r < ROWS; r++) factor[i][r] = broadcast(twin_of(a, r, d + i));
    const bool both = 2 * (d + DEPTH) <= b.k;
    for (int64_t c = 0; c < columns; c += kLanes<Twin>) {
        const int64_t left = min<int64_t>(kLanes<Twin>, columns - c);
        Vec<float> acc[ROWS];
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) acc[r] = load(sums + r * kThinColumns + c);
#pragma GCC unroll 4
        for (int i = 0; i < DEPTH; i++) {
            const Bfloat16* const from = b.at(d + i, column + c);
            const Vec<Twin> row =
                zip_twins(from, both || i + 1 < DEPTH ? from + b.row_stride : nullptr, left);
#pragma GCC unroll 4
            for (int r = 0; r < ROWS; r++) acc[r] = dot<Twin>(factor[i][r], row, acc[r]);
        }
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) store(sums + r * kThinColumns + c, acc[r]);
    }
}

template <int ROWS>
void thin_twin_strip(const TwinsA& a, const TwinsB& b, const RoundedC& c, int64_t column,
                     int64_t columns) {
    constexpr int kTogether = 4;
    alignas(64) float sums[ROWS * kThinColumns] = {};
    int64_t d = 0;
    for (; d + kTogether <= twins(a.k); d += kTogether)
        thin_twins<ROWS, kTogether>(a, b, d, column, columns, sums);
    for (; d < twins(a.k); d++) thin_twins<ROWS, 1>(a, b, d, column, columns, sums);
    c.finish(sums, kThinColumns, 0, ROWS, column, columns);
    for (int r = 0; r < ROWS; r++)
        convert(sums + r * kThinColumns, c.data + r * c.row_stride + column, columns);
}

// m: at most kThinRows.
static void thin_product(int64_t m, int64_t n, const TwinsA& a, const TwinsB& b,
                         const RoundedC& c) {
    if (m <= 0 || n <= 0) return;
    using Strip = void (*)(const TwinsA&, const TwinsB&, const RoundedC&, int64_t, int64_t);
    static constexpr Strip strips[kThinRows] = {&thin_twin_strip<1>, &thin_twin_strip<2>,
                                                &thin_twin_strip<3>, &thin_twin_strip<4>};
    const int64_t width =
        min(kThinColumns, round_up(ceil_div(n, 2 * num_threads()), 4 * kLanes<Twin>));
    parallel_for(ceil_div(n, width), n / kLanes<Twin> * a.k, [&](int64_t task, int) {
        strips[m - 1](a, b, c, task * width, min(width, n - task * width));
    });
}

}  // namespace tatami::TATAMI_ISA
