// The register tile under every matrix product and convolution.
#pragma once

#include "cpu/fetch.h"
#include "cpu/twin.h"

namespace tatami::TATAMI_ISA {

// Two vectors of columns by as many rows as the registers hold beside two columns and a broadcast.
inline constexpr int kTileRows = kRegisters == 32 ? 12 : 6;
// One block depth for every instruction set: a tile's rows of A (24 KB) stay in L1, and each
// element of C is read and written once a block.
inline constexpr int64_t kDepth = 512;
inline constexpr int64_t kNoLimit = int64_t(1) << 48;
template <class T>
inline constexpr int kPanel = 2 * kLanes<T>;  // columns of a packed panel

// acc (ROWS, NV vectors) += a (ROWS; a_row apart) · row (NV vectors), one multiply-add each.
template <class T, int ROWS, int NV>
TATAMI_INLINE void multiply_add(Vec<T> (&acc)[ROWS][NV], const T* a, int64_t a_row,
                                const Vec<T> (&row)[NV]) {
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        const Vec<T> factor = broadcast(a[i * a_row]);
#pragma GCC unroll 8
        for (int j = 0; j < NV; j++) acc[i][j] = dot<T>(factor, row[j], acc[i][j]);
    }
}

// acc (ROWS, NV vectors) += a (ROWS, depth) · b (depth, NV vectors), all of it in registers.
//   a[i, d] = a[i * a_row + d * a_depth]; b has row stride b_stride.
// Every element is one chain of fused multiply-adds in the order of depth.
template <class T, int ROWS, int NV>
TATAMI_INLINE void accumulate(Vec<T> (&acc)[ROWS][NV], int64_t depth, const T* a, int64_t a_row,
                              int64_t a_depth, const T* b, int64_t b_stride) {
    for (int64_t d = 0; d < depth; d++, a += a_depth, b += b_stride) {
        Vec<T> row[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) row[j] = load(b + j * kLanes<T>);
        multiply_add<T, ROWS, NV>(acc, a, a_row, row);
    }
}

// So many lines are fetched every so many steps of depth.
inline constexpr int64_t kFetchSteps = 32;
inline constexpr int kFetchLines = 16;

// c (ROWS, NV vectors; row stride c_stride) = [c +] a·b
//   a (depth, ROWS) packed; b (depth, NV vectors), row stride b_stride.
// A chain is continued from c when ACCUMULATE: so neither blocking nor the number of threads nor
// the vector width changes a bit. Meanwhile what is packed next is fetched.
template <class T, int ROWS, int NV, bool ACCUMULATE>
void tile(int64_t depth, const T* a, const T* b, int64_t b_stride, SumOf<T>* c, int64_t c_stride,
          Fetch& next_a, Fetch& next_b) {
    Vec<T> acc[ROWS][NV];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++)
            acc[i][j] = ACCUMULATE ? load(c + i * c_stride + j * kLanes<T>) : Vec<T>{};
    for (int64_t d = 0; d < depth; d += kFetchSteps) {
        next_a.some(kFetchLines);
        next_b.some(kFetchLines);
        accumulate<T, ROWS, NV>(acc, min(kFetchSteps, depth - d), a + d * ROWS, 1, ROWS,
                                b + d * b_stride, b_stride);
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) store(c + i * c_stride + j * kLanes<T>, acc[i][j]);
}

template <class T>
using TileFn = void (*)(int64_t depth, const T* a, const T* b, int64_t b_stride, SumOf<T>* c,
                        int64_t c_stride, Fetch& next_a, Fetch& next_b);

namespace detail {
template <class T>
struct TileTable {
    TileFn<T> fn[kTileRows][2][2];
};

template <class T, int... I>
constexpr TileTable<T> make_tile_table(std::integer_sequence<int, I...>) {
    return {{{{&tile<T, I + 1, 1, false>, &tile<T, I + 1, 1, true>},
              {&tile<T, I + 1, 2, false>, &tile<T, I + 1, 2, true>}}...}};
}
}  // namespace detail

// The tile of this many rows (1 to kTileRows) that covers `columns` (1 to kPanel).
template <class T>
TATAMI_INLINE TileFn<T> tile_for(int64_t rows, int64_t columns, bool accumulate) {
    static constexpr detail::TileTable<T> table =
        detail::make_tile_table<T>(std::make_integer_sequence<int, kTileRows>{});
    return table.fn[rows - 1][columns > kLanes<T>][accumulate];
}

}  // namespace tatami::TATAMI_ISA
