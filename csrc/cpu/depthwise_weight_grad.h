// The weight gradient of depthwise.h: each tap is a dot product of dy with a shifted source.
#pragma once

#include "cpu/depthwise.h"

namespace tatami::TATAMI_ISA {

// chain[r][s] += the products of a vector of each of dy's rows (count; row stride dy_row) with tap
// (r, s) of the padded rows; read loads a vector, or its first lanes. rows: those that tap (0, 0)
// would read in column 0; column (C): where the others begin. A padded row is read once for all
// rows of dy that meet it; nothing is read past the last window.
template <class T, int S, int K, int C, class Read>
TATAMI_INLINE void sweep_rows(int64_t count, const T* dy, int64_t dy_row, const T* rows,
                              int64_t line, const int64_t* column, const Read& read,
                              Vec<T> (&chain)[K][C]) {
    constexpr int kMet = (K + S - 1) / S;
    Vec<T> met[kMet] = {};
    const auto step = [&](int64_t i, auto inside) {
#pragma GCC unroll 8
        for (int w = kMet - 1; w > 0; w--) met[w] = met[w - 1];
        met[0] = inside || i < count ? read(dy + i * dy_row) : Vec<T>{};
#pragma GCC unroll 2
        for (int p = 0; p < S; p++) {
            const int64_t row = i * S + p;
            if (!inside && row >= (count - 1) * S + K) break;
#pragma GCC unroll 8
            for (int s = 0; s < C; s++) {
                Vec<T> x = read(rows + row * line + column[s]);
                hold(x);
#pragma GCC unroll 8
                for (int w = 0; w < kMet; w++) {
                    const int r = w * S + p;
                    if (r < K && (inside || (i >= w && i - w < count)))
                        chain[r][s] = fma(met[w], x, chain[r][s]);
                }
            }
        }
    };
    int64_t i = 0;
    for (; i < min<int64_t>(kMet - 1, count); i++) step(i, std::false_type{});
    for (; i < count; i++) step(i, std::true_type{});
    for (; i < count + kMet - 1; i++) step(i, std::false_type{});
}

// sum (K · K) += one plane's products of dy with each tap of x; rows: memory for `padded`.
template <class T, int S, int K>
void depthwise_products(const PlaneShape& g, const PaddedRows<T, S, K>& padded, T* rows,
                        const T* dy, const T* x, Pack<T>* sum) {
    constexpr int C = K == 3 ? 3 : 1;  // columns of taps at a time, as the registers hold chains
    const int64_t line = padded.line(), band = padded.band();
    int64_t column[K];
    for (int s = 0; s < K; s++) column[s] = padded.column(s);
    for (int64_t first = 0; first < g.rows; first += band) {
        const int64_t count = min(band, g.rows - first);
        padded.fill(x, first, count, rows);
        for (int64_t q = 0; q < g.columns; q += kLanes<T>)
            for (int s = 0; s < K; s += C) {
                const int64_t part = q / kLanes<T> % Pack<T>::kParts, left = g.columns - q;
                const T* const from = dy + first * g.columns + q;
                Vec<T> chain[K][C];
#pragma GCC unroll 9
                for (int t = 0; t < K * C; t++)
                    chain[t / C][t % C] = sum[t / C * K + s + t % C].part[part];
                const auto sweep = [&](const auto& read) {
                    sweep_rows<T, S, K, C>(count, from, g.columns, rows + q, line, column + s, read,
                                           chain);
                };
                if (left >= kLanes<T>)
                    sweep([](const T* p) { return load(p); });
                else
                    sweep([=](const T* p) { return load_first(p, left); });
#pragma GCC unroll 9
                for (int t = 0; t < K * C; t++)
                    sum[t / C * K + s + t % C].part[part] = chain[t / C][t % C];
            }
    }
}

// Into how many parts the images are cut, by shape alone: few channels leave threads idle.
TATAMI_INLINE int64_t image_parts(const Conv2d& p) {
    int64_t parts = 1;
    while (parts < 16 && 2 * parts <= p.n && parts * p.c < 16) parts *= 2;
    return parts;
}

// Tap by tap a tree of fixed lanes over the images of each part, the parts in order.
template <class T>
static void depthwise_weight_grad(const Conv2d& p, const T* dy, const T* x, T* dweight) {
    const PlaneShape g{p.h, p.w, p.oh, p.ow, -p.pad_top, -p.pad_left};
    const int64_t parts = image_parts(p), step = ceil_div(p.n, parts), taps = p.kh * p.kw;
    const memory::Scratch sums(size_t(parts * p.c * taps) * sizeof(T));
    const int64_t work = p.n * p.c * p.oh * ceil_div(p.ow, kLanes<T>) * 2 * taps;
    with_depthwise(p, [&]<int S, int K>() {
        parallel_ranges(parts * p.c, 1, work, [&](int64_t begin, int64_t end) {
            const PaddedRows<T, S, K> padded(g);
            const memory::Scratch scratch(size_t(padded.room()) * sizeof(T));
            std::memset(scratch.as<T>(), 0, size_t(padded.room()) * sizeof(T));
            for (int64_t i = begin; i < end; i++) {
                const int64_t part = i / p.c, c = i % p.c;
                Pack<T> sum[K * K];
                for (Pack<T>& s : sum) s = broadcast_pack(T(0));
                for (int64_t n = part * step; n < min(p.n, (part + 1) * step); n++)
                    depthwise_products<T, S, K>(g, padded, scratch.as<T>(),
                                                dy + (n * p.c + c) * p.oh * p.ow,
                                                x + (n * p.c + c) * p.h * p.w, sum);
                for (int64_t t = 0; t < taps; t++) sums.as<T>()[i * taps + t] = sum_pack(sum[t]);
            }
        });
    });
    for (int64_t i = 0; i < p.c * taps; i++) {
        dweight[i] = sums.as<T>()[i];
        for (int64_t part = 1; part < parts; part++)
            dweight[i] += sums.as<T>()[part * p.c * taps + i];
    }
}

}  // namespace tatami::TATAMI_ISA
