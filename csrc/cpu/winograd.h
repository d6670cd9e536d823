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

// One axis of a scheme:
//   kStep, kPatch: pixels of the source between tiles, and those that one tile reads
//   kTaps; kOutputs: results of a tile
//   kProducts, and kPhases of them that are added up: product e of phase f is weight f·kProducts +
//   e by source value kValue[f·kProducts + e]

// 4x4, stride 2: even and odd pixels are two images, and their windows 2x2 with stride 1: F(2, 2).
struct HalvingTwos {
    static constexpr int kTaps = 4, kStep = 4, kPatch = 6, kOutputs = 2, kProducts = 3, kPhases = 2;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 5};
    struct Source {
        static constexpr int at[6][6] = {{1, 0, -1, 0, 0, 0}, {0, 0, 1, 0, 0, 0},
                                         {0, 0, 1, 0, -1, 0}, {0, 1, 0, -1, 0, 0},
                                         {0, 0, 0, 1, 0, 0},  {0, 0, 0, 1, 0, -1}};
    };
    struct Weights {
        static constexpr int at[6][4] = {{1, 0, 0, 0}, {1, 0, 1, 0}, {0, 0, 1, 0},
                                         {0, 1, 0, 0}, {0, 1, 0, 1}, {0, 0, 0, 1}};
    };
    struct Result {
        static constexpr int at[2][3] = {{1, 1, 0}, {0, 1, -1}};
    };
};

// The same by F(4, 2) at the points 0, -1, 1/2, 2 and infinity, whose errors are half those with 1.
struct HalvingFours {
    static constexpr int kTaps = 4, kStep = 8, kPatch = 10, kOutputs = 4, kProducts = 5;
    static constexpr int kPhases = 2;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct Source {
        static constexpr double at[10][10] = {
            {1, 0, -1.5, 0, -1.5, 0, 1, 0, 0, 0}, {0, 0, 1, 0, -2.5, 0, 1, 0, 0, 0},
            {0, 0, -2, 0, -1, 0, 1, 0, 0, 0},     {0, 0, -0.5, 0, 0.5, 0, 1, 0, 0, 0},
            {0, 0, 1, 0, -1.5, 0, -1.5, 0, 1, 0}, {0, 1, 0, -1.5, 0, -1.5, 0, 1, 0, 0},
            {0, 0, 0, 1, 0, -2.5, 0, 1, 0, 0},    {0, 0, 0, -2, 0, -1, 0, 1, 0, 0},
            {0, 0, 0, -0.5, 0, 0.5, 0, 1, 0, 0},  {0, 0, 0, 1, 0, -1.5, 0, -1.5, 0, 1}};
    };
    struct Weights {
        static constexpr double at[10][4] = {{1, 0, 0, 0},
                                             {-2 / 9., 0, 2 / 9., 0},
                                             {-8 / 9., 0, -4 / 9., 0},
                                             {1 / 9., 0, 2 / 9., 0},
                                             {0, 0, 1, 0},
                                             {0, 1, 0, 0},
                                             {0, -2 / 9., 0, 2 / 9.},
                                             {0, -8 / 9., 0, -4 / 9.},
                                             {0, 1 / 9., 0, 2 / 9.},
                                             {0, 0, 0, 1}};
    };
    struct Result {
        static constexpr double at[4][5] = {
            {1, 1, 1, 1, 0}, {0, -1, 0.5, 2, 0}, {0, 1, 0.25, 4, 0}, {0, -1, 0.125, 8, 1}};
    };
};

// Its gradient by the input, padding 1: even and odd pixels of the result are two images, each by
// F(2, 2) from source pixels of which they share the middle ones.
struct DoublingTwos {
    static constexpr int kTaps = 4, kStep = 2, kPatch = 4, kOutputs = 4, kProducts = 6, kPhases = 1;
    static constexpr int kValue[] = {0, 1, 2, 2, 3, 4};
    struct Source {
        static constexpr int at[5][4] = {
            {1, -1, 0, 0}, {0, 1, 0, 0}, {0, 1, -1, 0}, {0, 0, 1, 0}, {0, 0, 1, -1}};
    };
    struct Weights {
        static constexpr int at[6][4] = {{0, 0, 0, 1}, {0, 1, 0, 1}, {0, 1, 0, 0},
                                         {0, 0, 1, 0}, {1, 0, 1, 0}, {1, 0, 0, 0}};
    };
    struct Result {
        static constexpr int at[4][6] = {
            {1, 1, 0, 0, 0, 0}, {0, 0, 0, 1, 1, 0}, {0, 1, -1, 0, 0, 0}, {0, 0, 0, 0, 1, -1}};
    };
};

// The same by F(4, 2) at the points of HalvingFours.
struct DoublingFours {
    static constexpr int kTaps = 4, kStep = 4, kPatch = 6, kOutputs = 8, kProducts = 10;
    static constexpr int kPhases = 1;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 4, 5, 6, 7, 8};
    struct Source {
        static constexpr double at[9][6] = {
            {1, -1.5, -1.5, 1, 0, 0}, {0, 1, -2.5, 1, 0, 0},    {0, -2, -1, 1, 0, 0},
            {0, -0.5, 0.5, 1, 0, 0},  {0, 1, -1.5, -1.5, 1, 0}, {0, 0, 1, -2.5, 1, 0},
            {0, 0, -2, -1, 1, 0},     {0, 0, -0.5, 0.5, 1, 0},  {0, 0, 1, -1.5, -1.5, 1}};
    };
    struct Weights {
        static constexpr double at[10][4] = {{0, 0, 0, 1},
                                             {0, 2 / 9., 0, -2 / 9.},
                                             {0, -4 / 9., 0, -8 / 9.},
                                             {0, 2 / 9., 0, 1 / 9.},
                                             {0, 1, 0, 0},
                                             {0, 0, 1, 0},
                                             {2 / 9., 0, -2 / 9., 0},
                                             {-4 / 9., 0, -8 / 9., 0},
                                             {2 / 9., 0, 1 / 9., 0},
                                             {1, 0, 0, 0}};
    };
    struct Result {
        static constexpr double at[8][10] = {
            {1, 1, 1, 1, 0, 0, 0, 0, 0, 0},      {0, 0, 0, 0, 0, 1, 1, 1, 1, 0},
            {0, -1, 0.5, 2, 0, 0, 0, 0, 0, 0},   {0, 0, 0, 0, 0, 0, -1, 0.5, 2, 0},
            {0, 1, 0.25, 4, 0, 0, 0, 0, 0, 0},   {0, 0, 0, 0, 0, 0, 1, 0.25, 4, 0},
            {0, -1, 0.125, 8, 1, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, -1, 0.125, 8, 1}};
    };
};

// 3x3, stride 1: F(4, 3) at the points 0, 1, -1, 1/2, -2 and infinity. With 0, ±1, ±2 and infinity
// the errors are three times as large.
struct Fours {
    static constexpr int kTaps = 3, kStep = 4, kPatch = 6, kOutputs = 4, kProducts = 6, kPhases = 1;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 5};
    struct Source {
        static constexpr double at[6][6] = {{1, -1.5, -2, 1.5, 1, 0}, {0, -1, 0.5, 2.5, 1, 0},
                                            {0, 1, -2.5, 0.5, 1, 0},  {0, -2, -1, 2, 1, 0},
                                            {0, 0.5, -1, -0.5, 1, 0}, {0, 1, -1.5, -2, 1.5, 1}};
    };
    struct Weights {
        static constexpr double at[6][3] = {{1, 0, 0},
                                            {1 / 3., 1 / 3., 1 / 3.},
                                            {-1 / 3., 1 / 3., -1 / 3.},
                                            {-16 / 15., -8 / 15., -4 / 15.},
                                            {1 / 15., -2 / 15., 4 / 15.},
                                            {0, 0, 1}};
    };
    struct Result {
        static constexpr double at[4][6] = {{1, 1, 1, 1, 1, 0},
                                            {0, 1, -1, 0.5, -2, 0},
                                            {0, 1, 1, 0.25, 4, 0},
                                            {0, 1, -1, 0.125, -8, 1}};
    };
};

// The same by F(2, 3) at 0, 1, -1 and infinity, for small images.
struct Twos {
    static constexpr int kTaps = 3, kStep = 2, kPatch = 4, kOutputs = 2, kProducts = 4, kPhases = 1;
    static constexpr int kValue[] = {0, 1, 2, 3};
    struct Source {
        static constexpr int at[4][4] = {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}};
    };
    struct Weights {
        static constexpr double at[4][3] = {
            {1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
    };
    struct Result {
        static constexpr int at[2][4] = {{1, 1, 1, 0}, {0, 1, -1, 1}};
    };
};

// Gradients by the weights: dy as the window over tiles of x, whose source values are those of the
// scheme X. Product e is source value e by value kValue[e] of dy; their sums over all tiles make
// the taps by Result.

// F(2, 2), where pixels are made as DoublingTwos makes them.
struct HalvingTwosGrad {
    using X = HalvingTwos;
    using Result = DoublingTwos::Result;
    static constexpr int kStep = 2, kPatch = 2;
    static constexpr int kValue[] = {0, 1, 2, 0, 1, 2};
    struct Source {
        static constexpr int at[3][2] = {{1, 0}, {1, 1}, {0, 1}};
    };
};

// F(2, 4) at the points of HalvingFours.
struct HalvingFoursGrad {
    using X = HalvingFours;
    static constexpr int kStep = 4, kPatch = 4;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 0, 1, 2, 3, 4};
    struct Source {
        static constexpr double at[5][4] = {
            {1, 0, 0, 0}, {1, -1, 1, -1}, {1, 0.5, 0.25, 0.125}, {1, 2, 4, 8}, {0, 0, 0, 1}};
    };
    struct Result {
        static constexpr double at[4][10] = {{1, -2 / 9., -8 / 9., 1 / 9., 0, 0, 0, 0, 0, 0},
                                             {0, 0, 0, 0, 0, 1, -2 / 9., -8 / 9., 1 / 9., 0},
                                             {0, 2 / 9., -4 / 9., 2 / 9., 1, 0, 0, 0, 0, 0},
                                             {0, 0, 0, 0, 0, 0, 2 / 9., -4 / 9., 2 / 9., 1}};
    };
};

// F(3, 4) at the points of Fours: its tables of weights and results have changed places.
struct FoursGrad {
    using X = Fours;
    static constexpr int kStep = 4, kPatch = 4;
    static constexpr int kValue[] = {0, 1, 2, 3, 4, 5};
    struct Source {
        static constexpr double at[6][4] = {{1, 0, 0, 0},          {1, 1, 1, 1},   {1, -1, 1, -1},
                                            {1, 0.5, 0.25, 0.125}, {1, -2, 4, -8}, {0, 0, 0, 1}};
    };
    struct Result {
        static constexpr double at[3][6] = {{1, 1 / 3., -1 / 3., -16 / 15., 1 / 15., 0},
                                            {0, 1 / 3., 1 / 3., -8 / 15., -2 / 15., 0},
                                            {0, 1 / 3., -1 / 3., -4 / 15., 4 / 15., 1}};
    };
};

template <class Table>
inline constexpr int kTableRows = int(sizeof(Table::at) / sizeof(Table::at[0]));
template <class Table>
inline constexpr int kTableColumns = int(sizeof(Table::at[0]) / sizeof(Table::at[0][0]));

namespace detail {
template <class Table, int ROW>
constexpr int first_term() {
    int first = 0;
    while (Table::at[ROW][first] == 0) first++;
    return first;
}

template <class T, class Table, int ROW, int I, class In>
TATAMI_INLINE void add_term(Vec<T>& sum, const In& in) {
    constexpr auto factor = Table::at[ROW][I];
    constexpr bool first = I == first_term<Table, ROW>();
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
template <class T, class Table, int ROW, class In, int... I>
TATAMI_INLINE Vec<T> combine(const In& in, std::integer_sequence<int, I...>) {
    Vec<T> sum;
    (add_term<T, Table, ROW, I>(sum, in), ...);
    return sum;
}

template <class T>
struct Strided {
    const T* data;
    int64_t stride;
    TATAMI_INLINE Vec<T> operator[](int64_t i) const { return load(data + i * stride); }
};

template <class T, class Table, int ROW, int... R, int... C>
TATAMI_INLINE void transform_row(const T* from, int64_t from_row, int64_t from_column, T* to,
                                 int64_t to_column, std::integer_sequence<int, R...>,
                                 std::integer_sequence<int, C...> columns) {
    const Vec<T> line[] = {
        combine<T, Table, ROW>(Strided<T>{from + C * from_column, from_row}, columns)...};
    (store(to + R * to_column, combine<T, Table, R>(line, columns)), ...);
}

template <class T, class Table, int... R>
TATAMI_INLINE void transform_rows(const T* from, int64_t from_row, int64_t from_column, T* to,
                                  int64_t to_row, int64_t to_column,
                                  std::integer_sequence<int, R...> rows) {
    constexpr auto columns = std::make_integer_sequence<int, kTableColumns<Table>>{};
    (transform_row<T, Table, R>(from, from_row, from_column, to + R * to_row, to_column, rows,
                                columns),
     ...);
}
}  // namespace detail

// to (rows, rows vectors) = table · from (columns, columns vectors) · table^T, each with strides
// of its own.
template <class T, class Table>
TATAMI_INLINE void transform(const T* from, int64_t from_row, int64_t from_column, T* to,
                             int64_t to_row, int64_t to_column) {
    detail::transform_rows<T, Table>(from, from_row, from_column, to, to_row, to_column,
                                     std::make_integer_sequence<int, kTableRows<Table>>{});
}

}  // namespace tatami::TATAMI_ISA
