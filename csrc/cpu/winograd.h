// Minimal filtering: several neighbouring results of a convolution from fewer products than they
// have taps. A tile of results is
//
//   result (sum over channels of weights (w) ⊙ source (x))
//
// with three linear transforms along both axes, given here as small tables for one. The products
// of all tiles are, each for itself, a matrix product over the channels. A vector holds one pixel
// of kLanes channels throughout.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

template <int ROWS, int COLUMNS>
struct Table {
    double at[ROWS][COLUMNS];
    static constexpr int kRows = ROWS, kColumns = COLUMNS;
};

// Filters F(outputs, taps) of one axis with stride 1 (Toom-Cook): of outputs + taps - 1 pixels,
// with as many products, one for each point.

// At 0, -1 and infinity.
struct F22 {
    static constexpr int kOutputs = 2, kTaps = 2, kProducts = 3;
    static constexpr Table<3, 3> kSource{{{1, -1, 0}, {0, 1, 0}, {0, 1, -1}}};
    static constexpr Table<3, 2> kWeights{{{1, 0}, {1, 1}, {0, 1}}};
    static constexpr Table<2, 3> kResult{{{1, 1, 0}, {0, 1, -1}}};
};

// At 0, -1, 1/2, 2 and infinity, whose errors are half those with 1.
struct F42 {
    static constexpr int kOutputs = 4, kTaps = 2, kProducts = 5;
    static constexpr Table<5, 5> kSource{{{1, -1.5, -1.5, 1, 0},
                                          {0, 1, -2.5, 1, 0},
                                          {0, -2, -1, 1, 0},
                                          {0, -0.5, 0.5, 1, 0},
                                          {0, 1, -1.5, -1.5, 1}}};
    static constexpr Table<5, 2> kWeights{
        {{1, 0}, {-2 / 9., 2 / 9.}, {-8 / 9., -4 / 9.}, {1 / 9., 2 / 9.}, {0, 1}}};
    static constexpr Table<4, 5> kResult{
        {{1, 1, 1, 1, 0}, {0, -1, 0.5, 2, 0}, {0, 1, 0.25, 4, 0}, {0, -1, 0.125, 8, 1}}};
};

// At 0, 1, -1 and infinity, as F(2, 3).
struct F32 {
    static constexpr int kOutputs = 3, kTaps = 2, kProducts = 4;
    static constexpr Table<4, 4> kSource{
        {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}}};
    static constexpr Table<4, 2> kWeights{{{1, 0}, {0.5, 0.5}, {0.5, -0.5}, {0, 1}}};
    static constexpr Table<3, 4> kResult{{{1, 1, 1, 0}, {0, 1, -1, 0}, {0, 1, 1, -1}}};
};

struct F23 {
    static constexpr int kOutputs = 2, kTaps = 3, kProducts = 4;
    static constexpr Table<4, 4> kSource{
        {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}}};
    static constexpr Table<4, 3> kWeights{
        {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};
    static constexpr Table<2, 4> kResult{{{1, 1, 1, 0}, {0, 1, -1, 1}}};
};

// At 0, 1, -1, 1/2, -2 and infinity. With 0, ±1, ±2 and infinity the errors are three times as
// large.
struct F43 {
    static constexpr int kOutputs = 4, kTaps = 3, kProducts = 6;
    static constexpr Table<6, 6> kSource{{{1, -1.5, -2, 1.5, 1, 0},
                                          {0, -1, 0.5, 2.5, 1, 0},
                                          {0, 1, -2.5, 0.5, 1, 0},
                                          {0, -2, -1, 2, 1, 0},
                                          {0, 0.5, -1, -0.5, 1, 0},
                                          {0, 1, -1.5, -2, 1.5, 1}}};
    static constexpr Table<6, 3> kWeights{{{1, 0, 0},
                                           {1 / 3., 1 / 3., 1 / 3.},
                                           {-1 / 3., 1 / 3., -1 / 3.},
                                           {-16 / 15., -8 / 15., -4 / 15.},
                                           {1 / 15., -2 / 15., 4 / 15.},
                                           {0, 0, 1}}};
    static constexpr Table<4, 6> kResult{{{1, 1, 1, 1, 1, 0},
                                          {0, 1, -1, 0.5, -2, 0},
                                          {0, 1, 1, 0.25, 4, 0},
                                          {0, 1, -1, 0.125, -8, 1}}};
};

// The same for five taps.
struct F25 {
    static constexpr int kOutputs = 2, kTaps = 5, kProducts = 6;
    static constexpr auto& kSource = F43::kSource;
    static constexpr Table<6, 5> kWeights{{{1, 0, 0, 0, 0},
                                           {1 / 3., 1 / 3., 1 / 3., 1 / 3., 1 / 3.},
                                           {-1 / 3., 1 / 3., -1 / 3., 1 / 3., -1 / 3.},
                                           {-16 / 15., -8 / 15., -4 / 15., -2 / 15., -1 / 15.},
                                           {1 / 15., -2 / 15., 4 / 15., -8 / 15., 16 / 15.},
                                           {0, 0, 0, 0, 1}}};
    static constexpr Table<2, 6> kResult{{{1, 1, 1, 1, 1, 0}, {0, 1, -1, 0.5, -2, 1}}};
};

namespace detail {
// The table b below a, COLUMN columns later.
template <int COLUMN, int R, int C, int S, int D>
constexpr Table<R + S, COLUMN + D> below(const Table<R, C>& a, const Table<S, D>& b) {
    static_assert(COLUMN + D >= C);
    Table<R + S, COLUMN + D> to{};
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) to.at[r][c] = a.at[r][c];
    for (int r = 0; r < S; r++)
        for (int c = 0; c < D; c++) to.at[R + r][COLUMN + c] = b.at[r][c];
    return to;
}

// Even and odd columns as two images, with the table of each.
template <int R, int C>
constexpr Table<2 * R, 2 * C> in_phases(const Table<R, C>& of) {
    Table<2 * R, 2 * C> to{};
    for (int phase = 0; phase < 2; phase++)
        for (int r = 0; r < R; r++)
            for (int c = 0; c < C; c++) to.at[phase * R + r][2 * c + phase] = of.at[r][c];
    return to;
}

template <int R, int C>
constexpr Table<C, R> transposed(const Table<R, C>& of) {
    Table<C, R> to{};
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) to.at[c][r] = of.at[r][c];
    return to;
}

template <int COLUMNS, int R, int C>
constexpr Table<R, COLUMNS> first_columns(const Table<R, C>& of) {
    Table<R, COLUMNS> to{};
    for (int r = 0; r < R; r++)
        for (int c = 0; c < COLUMNS; c++) to.at[r][c] = of.at[r][c];
    return to;
}

// Columns from the last to the first.
template <int R, int C>
constexpr Table<R, C> turned(const Table<R, C>& of) {
    Table<R, C> to{};
    for (int r = 0; r < R; r++)
        for (int c = 0; c < C; c++) to.at[r][c] = of.at[r][C - 1 - c];
    return to;
}

// Some rows of a table, by their numbers there.
template <int R>
struct Rows {
    int at[R], count;
};

template <int R, int C>
constexpr bool equal_rows(const Table<R, C>& of, int a, int b) {
    for (int c = 0; c < C; c++)
        if (of.at[a][c] != of.at[b][c]) return false;
    return true;
}

// Those that do not equal an earlier one; number[r]: which of them row r equals.
template <int R>
struct DistinctRows : Rows<R> {
    int number[R];
};

template <int R, int C>
constexpr DistinctRows<R> distinct_rows(const Table<R, C>& of) {
    DistinctRows<R> to{};
    for (int r = 0; r < R; r++) {
        int& n = to.number[r];
        while (n < to.count && !equal_rows(of, to.at[n], r)) n++;
        if (n == to.count) to.at[to.count++] = r;
    }
    return to;
}

// Those that are not all zeros.
template <int R, int C>
constexpr Rows<R> used_rows(const Table<R, C>& of) {
    const Table<R + 1, C> and_zeros = below<0>(of, Table<1, C>{});
    Rows<R> to{};
    for (int r = 0; r < R; r++)
        if (!equal_rows(and_zeros, r, R)) to.at[to.count++] = r;
    return to;
}
template <int COUNT, int R, int C>
constexpr Table<COUNT, C> rows_of(const Table<R, C>& of, const Rows<R>& rows) {
    Table<COUNT, C> to{};
    for (int r = 0; r < COUNT; r++)
        for (int c = 0; c < C; c++) to.at[r][c] = of.at[rows.at[r]][c];
    return to;
}
}  // namespace detail

// Results of A and behind them those of B, each with products of their own: tiles that fit an image
// where neither does alone.
template <class A, class B>
struct Joined {
    static_assert(A::kTaps == B::kTaps);
    static constexpr int kOutputs = A::kOutputs + B::kOutputs, kTaps = A::kTaps;
    static constexpr int kProducts = A::kProducts + B::kProducts;
    static constexpr auto kSource = detail::below<A::kOutputs>(A::kSource, B::kSource);
    static constexpr auto kWeights = detail::below<0>(A::kWeights, B::kWeights);
    static constexpr auto kResult = detail::below<A::kProducts>(A::kResult, B::kResult);
};

using F72 = Joined<F42, F32>;

// One axis of a scheme:
//   kStep, kPatch: pixels of the source between tiles, and those that one tile reads
//   kTaps; kOutputs: results of a tile
//   kProducts, and kPhases of them that are added up: product e of phase f is weight f·kProducts +
//   e, where there is one, by source value value(f·kProducts + e)

// Windows with stride 1.
template <class F>
struct Keeping {
    static constexpr int kTaps = F::kTaps, kOutputs = F::kOutputs, kProducts = F::kProducts;
    static constexpr int kStep = kOutputs, kPatch = F::kSource.kColumns, kPhases = 1;
    static constexpr auto &kSource = F::kSource, &kWeights = F::kWeights, &kResult = F::kResult;
    static constexpr int value(int i) { return i; }
};

// Windows with stride 2: even and odd pixels are two images, each with half of the taps, of which
// the last may be missing, and a product with it.
template <class F, int TAPS = 2 * F::kTaps>
struct Halving {
    static constexpr int kTaps = TAPS, kOutputs = F::kOutputs, kProducts = F::kProducts;
    static constexpr int kStep = 2 * kOutputs, kPatch = 2 * F::kSource.kColumns, kPhases = 2;
    static constexpr auto kAll = detail::first_columns<TAPS>(detail::in_phases(F::kWeights));
    static constexpr auto kUsed = detail::used_rows(kAll);
    static constexpr auto kWeights = detail::rows_of<kUsed.count>(kAll, kUsed);
    static constexpr auto kSource =
        detail::rows_of<kUsed.count>(detail::in_phases(F::kSource), kUsed);
    static constexpr auto& kResult = F::kResult;
    static constexpr int value(int i) { return i; }
    static_assert(kUsed.at[kUsed.count - 1] == kUsed.count - 1, "only the last ones are missing");
};

// Its gradient by the input, padding 1: even and odd pixels of the result are two images, made of
// source pixels one apart, and have source values in common.
template <class F, int TAPS = 2 * F::kTaps>
struct Doubling {
    static constexpr auto kAll =
        detail::first_columns<TAPS>(detail::turned(detail::in_phases(F::kWeights)));
    static constexpr auto kUsed = detail::used_rows(kAll);
    static constexpr int kTaps = TAPS, kOutputs = 2 * F::kOutputs;
    static constexpr int kProducts = kUsed.count, kPhases = 1;
    static constexpr int kStep = F::kOutputs, kPatch = F::kSource.kColumns + 1;
    static constexpr auto kBoth =
        detail::rows_of<kProducts>(detail::below<1>(F::kSource, F::kSource), kUsed);
    static constexpr auto kDistinct = detail::distinct_rows(kBoth);
    static constexpr auto kSource = detail::rows_of<kDistinct.count>(kBoth, kDistinct);
    static constexpr auto kWeights = detail::rows_of<kProducts>(kAll, kUsed);
    static constexpr auto kResult = detail::transposed(
        detail::rows_of<kProducts>(detail::in_phases(detail::transposed(F::kResult)), kUsed));
    static constexpr int value(int i) { return kDistinct.number[i]; }
};

// Gradients by the weights: dy as the window over tiles of x, whose source values are those of the
// scheme X. Product e is source value e by value value(e) of dy; their sums over all tiles make the
// taps by kResult. Windows and results change places, and so do their tables.
template <class F>
struct KeepingGrad {
    using X = Keeping<F>;
    static constexpr int kStep = F::kOutputs, kPatch = F::kOutputs;
    static constexpr auto kSource = detail::transposed(F::kResult);
    static constexpr auto kResult = detail::transposed(X::kWeights);
    static constexpr int value(int i) { return i; }
};

template <class F, int TAPS = 2 * F::kTaps>
struct HalvingGrad {
    using X = Halving<F, TAPS>;
    static constexpr int kStep = F::kOutputs, kPatch = F::kOutputs;
    static constexpr auto kSource = detail::transposed(F::kResult);
    static constexpr auto kResult = detail::transposed(X::kWeights);
    static constexpr int value(int i) { return i % F::kProducts; }
};

namespace detail {
template <const auto& TABLE, int ROW>
constexpr int first_term() {
    int first = 0;
    while (TABLE.at[ROW][first] == 0) first++;
    return first;
}

template <class T, const auto& TABLE, int ROW, int I, class In>
TATAMI_INLINE void add_term(Vec<T>& sum, const In& in) {
    constexpr double factor = TABLE.at[ROW][I];
    constexpr bool first = I == first_term<TABLE, ROW>();
    if constexpr (factor == 0)
        return;
    else if constexpr (first && factor == 1)
        sum = in[I];
    else if constexpr (first)
        sum = in[I] * T(factor);
    else if constexpr (factor == 1)
        sum += in[I];
    else if constexpr (factor == -1)
        sum -= in[I];
    else
        sum = fma(broadcast(T(factor)), in[I], sum);
}

// The sum that row ROW of a table says, from the left.
template <class T, const auto& TABLE, int ROW, class In, int... I>
TATAMI_INLINE Vec<T> combine(const In& in, std::integer_sequence<int, I...>) {
    Vec<T> sum;
    (add_term<T, TABLE, ROW, I>(sum, in), ...);
    return sum;
}

template <class T>
struct Strided {
    const T* data;
    int64_t stride;
    TATAMI_INLINE Vec<T> operator[](int64_t i) const { return load(data + i * stride); }
};

template <class T, const auto& TABLE, int ROW, int... R, int... C>
TATAMI_INLINE void transform_row(const T* from, int64_t from_row, int64_t from_column, T* to,
                                 int64_t to_column, std::integer_sequence<int, R...>,
                                 std::integer_sequence<int, C...> columns) {
    const Vec<T> line[] = {
        combine<T, TABLE, ROW>(Strided<T>{from + C * from_column, from_row}, columns)...};
    (store(to + R * to_column, combine<T, TABLE, R>(line, columns)), ...);
}

template <class T, const auto& TABLE, int... R>
TATAMI_INLINE void transform_rows(const T* from, int64_t from_row, int64_t from_column, T* to,
                                  int64_t to_row, int64_t to_column,
                                  std::integer_sequence<int, R...> rows) {
    constexpr auto columns = std::make_integer_sequence<int, TABLE.kColumns>{};
    (transform_row<T, TABLE, R>(from, from_row, from_column, to + R * to_row, to_column, rows,
                                columns),
     ...);
}
}  // namespace detail

// to (rows, rows vectors) = table · from (columns, columns vectors) · table^T, each with strides
// of its own. Long and unrolled: one copy for all who call it.
template <class T, const auto& TABLE>
[[gnu::noinline]] void transform(const T* from, int64_t from_row, int64_t from_column, T* to,
                                 int64_t to_row, int64_t to_column) {
    detail::transform_rows<T, TABLE>(from, from_row, from_column, to, to_row, to_column,
                                     std::make_integer_sequence<int, TABLE.kRows>{});
}

}  // namespace tatami::TATAMI_ISA
