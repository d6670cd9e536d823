// The product of a step for numbers of 16 bits, by all warps of a block together on the tensor
// cores: kBlockUnits units with their gates by kBlockRows rows at a time. The warps share the
// depth, 16 of it in turn, so that each reads every weight and every row that it needs once; then
// their sums meet in shared memory. A sum is 8 chains, each in the order of the depth, and a tree
// over them.
//
// At H = 512, 4 gates, 64 rows on 132 processors: 67 M multiply-adds a step are 500 cycles of the
// tensor cores, 600 of reading shared memory for them and 500 for the sums, where the multipliers
// of float32 alone would take 4000 (not measured).
#pragma once

#include "cuda/persistent_plan.cuh"
#include "cuda/primitives.cuh"

namespace tatami::cuda {

template <class T, int GATES>
class BlockProduct {
    // Lines of weights: those of the units, gate by gate.
    static constexpr int kLineTiles = (kBlockUnits * GATES + 15) / 16, kRowTiles = kBlockRows / 8;
    int width_, rows_, line_tiles_, row_tiles_;

  public:
    // Of so many units and rows; only the first of them count.
    TATAMI_DEVICE BlockProduct(int units, int rows)
        : width_(units < kBlockUnits ? units : kBlockUnits),
          rows_(rows < kBlockRows ? rows : kBlockRows),
          line_tiles_((width_ * GATES + 15) / 16),
          row_tiles_((rows_ + 7) / 8) {}
    TATAMI_DEVICE int width() const { return width_; }

    // The cell of the result that comes to this thread: neighbours have neighbouring units.
    static TATAMI_DEVICE int unit() { return int(threadIdx.x) % kBlockUnits; }
    static TATAMI_DEVICE int row() { return int(threadIdx.x) / kBlockUnits; }

    // sums (warps, row_tiles, line_tiles, kTileSums) = what each warp's part of the depth adds;
    // weights (units, GATES, depth), rows (rows, depth), where 8 of the depth are padding. Tiles
    // past the last line or row repeat it, for sums that nobody reads.
    TATAMI_DEVICE void multiply(const T* weights, const T* rows, int depth, float* sums) const {
        const int lane = int(threadIdx.x) % kWarp, warp = int(threadIdx.x) / kWarp;
        weights += lane / 16 * 8;
        rows += least(lane / 16 * 8 + lane % 8, rows_ - 1) * depth + lane / 8 % 2 * 8;
        int own[kLineTiles];  // line of this lane
        TATAMI_UNROLL
        for (int line = 0; line < kLineTiles; line++)
            own[line] = least(line * 16 + lane % 16, width_ * GATES - 1) * depth;
        Sums4 acc[kRowTiles][kLineTiles] = {};
        for (int k = warp * 16; k < depth - 8; k += kPersistentWarps * 16) {
            const Matrices4 right = load_matrices<false>(rows + k);
            TATAMI_UNROLL
            for (int line = 0; line < kLineTiles; line++) {
                if (line >= line_tiles_) continue;
                const Matrices4 left = load_matrices<false>(weights + own[line] + k);
                TATAMI_UNROLL
                for (int row = 0; row < kRowTiles; row++)
                    if (row < row_tiles_)
                        multiply_matrices<T>(acc[row][line], left,
                                             {right.at[2 * row], right.at[2 * row + 1]});
            }
        }
        sums += warp * row_tiles_ * line_tiles_ * int(kTileSums);
        TATAMI_UNROLL
        for (int row = 0; row < kRowTiles; row++) TATAMI_UNROLL
        for (int line = 0; line < kLineTiles; line++) {
            if (row >= row_tiles_ || line >= line_tiles_) continue;
            float* const tile = sums + (row * line_tiles_ + line) * int(kTileSums);
            TATAMI_UNROLL
            for (int i = 0; i < 4; i++)
                tile[place(lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2)] = acc[row][line].at[i];
        }
    }

    // acc = this thread's cell, all warps' sums added up.
    TATAMI_DEVICE void gather(const float* sums, float (&acc)[GATES]) const {
        const int step = row_tiles_ * line_tiles_ * int(kTileSums);
        TATAMI_UNROLL
        for (int gate = 0; gate < GATES; gate++) {
            const int line = gate * width_ + unit();
            const int tile = row() / 8 * line_tiles_ + line / 16;
            const float* const from = sums + tile * int(kTileSums) + place(line % 16, row() % 8);
            float part[kPersistentWarps];
            TATAMI_UNROLL
            for (int warp = 0; warp < kPersistentWarps; warp++) part[warp] = from[warp * step];
            TATAMI_UNROLL
            for (int half = kPersistentWarps / 2; half > 0; half /= 2) TATAMI_UNROLL
            for (int i = 0; i < half; i++) part[i] += part[i + half];
            acc[gate] = part[0];
        }
    }

  private:
    static TATAMI_DEVICE int least(int a, int b) { return a < b ? a : b; }

    // Where a tile has a sum: in different banks for all lanes, when they write a result of
    // multiply_matrices and when they read 16 lines of two rows.
    static TATAMI_DEVICE int place(int line, int row) {
        return (row ^ (row >> 1 & 1)) * 16 + (line ^ row / 4 * 8);
    }
};

}  // namespace tatami::cuda
