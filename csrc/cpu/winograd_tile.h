// The register tiles under winograd.cpp and winograd_weight_grad.cpp.
//
// Transformed sources lie as (values, blocks of kLanes channels, tiles, kLanes).
#pragma once

#include "cpu/tile.h"

namespace tatami::TATAMI_ISA {

// c (ROWS tiles, kPanel) = [c +] sum over phases and channels of a · b
//   a[phase]: of the first tile, blocks of channels a_block apart; b[phase] (channels, kPanel)
// Every element is one chain of fused multiply-adds in the order of phase and channel.
template <class T, int ROWS, bool ACCUMULATE>
void winograd_tile(int phases, const T* const* a, const T* const* b, int64_t blocks,
                   int64_t a_block, T* c) {
    constexpr int n = kLanes<T>;
    Vec<T> acc[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++)
            acc[i][j] = ACCUMULATE ? load(c + i * kPanel<T> + j * n) : Vec<T>{};
    for (int f = 0; f < phases; f++) {
        const T *from = a[f], *panel = b[f];
        for (int64_t k = 0; k < blocks; k++, from += a_block)
#pragma GCC unroll 4
            for (int d = 0; d < n; d++, panel += kPanel<T>) {
                const Vec<T> row[2] = {load(panel), load(panel + n)};
                multiply_add<T, ROWS, 2>(acc, from + d, n, row);
            }
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) store(c + i * kPanel<T> + j * n, acc[i][j]);
}

template <class T>
using WinogradTileFn = void (*)(int phases, const T* const* a, const T* const* b, int64_t blocks,
                                int64_t a_block, T* c);

template <class T, int... I>
TATAMI_INLINE WinogradTileFn<T> winograd_tile_for(int64_t rows, bool accumulate,
                                                  std::integer_sequence<int, I...>) {
    static constexpr WinogradTileFn<T> table[][2] = {
        {&winograd_tile<T, I + 1, false>, &winograd_tile<T, I + 1, true>}...};
    return table[rows - 1][accumulate];
}

// Rows and most vectors of a tile of weights: a part of a block of channels by as many as registers
// hold twice.
template <class T>
inline constexpr int kCorrelateRows = min(kRegisters / 8, kLanes<T>);
inline constexpr int kCorrelateVectors = 3;

// c (kCorrelateRows, NV vectors; row stride c_row) = [c +] the sum over tiles of a · b, in chains
// of at most kChain, as one over all of them would round too often
//   a: channels of dy, tiles kLanes apart; b: vectors of channels of x, b_block apart
template <class T, int NV, bool ACCUMULATE>
void correlate_tile(int64_t tiles, const T* a, const T* b, int64_t b_block, T* c, int64_t c_row) {
    constexpr int n = kLanes<T>, rows = kCorrelateRows<T>;
    constexpr int64_t kChain = 16;
    Vec<T> sum[rows][NV] = {};
    for (int64_t first = 0; first < tiles; first += kChain) {
        Vec<T> chain[rows][NV] = {};
        for (int64_t t = first; t < min(tiles, first + kChain); t++, a += n, b += n) {
            Vec<T> row[NV];
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) row[j] = load(b + j * b_block);
            multiply_add<T, rows, NV>(chain, a, 1, row);
        }
#pragma GCC unroll 16
        for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) sum[i][j] += chain[i][j];
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) {
            T* const to = c + i * c_row + j * n;
            store(to, ACCUMULATE ? load(to) + sum[i][j] : sum[i][j]);
        }
}

template <class T>
using CorrelateTileFn = void (*)(int64_t tiles, const T* a, const T* b, int64_t b_block, T* c,
                                 int64_t c_row);

template <class T, int... I>
TATAMI_INLINE CorrelateTileFn<T> correlate_tile_for(int64_t vectors, bool accumulate,
                                                    std::integer_sequence<int, I...>) {
    static constexpr CorrelateTileFn<T> table[][2] = {
        {&correlate_tile<T, I + 1, false>, &correlate_tile<T, I + 1, true>}...};
    return table[vectors - 1][accumulate];
}

}  // namespace tatami::TATAMI_ISA
