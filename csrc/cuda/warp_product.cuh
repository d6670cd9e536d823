// The product of a step by warps, on the multipliers that there are for every kind of number.
//
// A warp computes kWarpUnits units of a few rows at a time, its lanes sharing the depth: a sum is
// made of 8, 16 or 32 chains (for 4, 2 gates or 1), each in the order of the depth 16 bytes at a
// time, and a tree over them.
//
// Float32 at H = 512, 4 gates, 64 rows on 132 processors: 67 M multiply-adds a step, 4000 cycles of
// all multipliers; shared memory is read for 3/4 to 3/2 of them, according to how well it
// broadcasts (not measured).
#pragma once

#include "cuda/elementwise.cuh"
#include "cuda/persistent_plan.cuh"

namespace tatami::cuda {

// A warp's product for kWarpUnits units and ROWS rows, and whose cells of it come to which lane.
template <class T, int GATES, int ROWS>
struct WarpProduct {
    using V = Real<T>;
    static constexpr int kPack = 16 / int(sizeof(T)), kLanes = lanes_of(GATES);
    static constexpr int kEach = kLanes * kWarpUnits / kWarp;  // units of a lane
    static constexpr int kCells = ROWS * kEach;                // rows and units that a lane begins
    static constexpr int kOwners = kLanes / kCells;            // lanes that end with the same cell
    static_assert(kOwners * kCells == kLanes);

    // This lane's share of the depth, its first unit, and the cell that it ends with.
    static TATAMI_DEVICE int share() { return int(threadIdx.x) % kLanes; }
    static TATAMI_DEVICE int first_unit() { return int(threadIdx.x) % kWarp / kLanes * kEach; }
    static TATAMI_DEVICE int row() { return share() / kOwners / kEach; }
    static TATAMI_DEVICE int unit() { return first_unit() + share() / kOwners % kEach; }
    static TATAMI_DEVICE bool owns() { return share() % kOwners == 0; }

    // weights (GATES, kWarpUnits, depth), rows (ROWS, depth)
    static TATAMI_DEVICE void multiply(const T* weights, const T* rows, int depth,
                                       V (&acc)[kCells][GATES]) {
        using Pack = Elements<T, kPack>;
        weights += first_unit() * depth;
        for (int k = share() * kPack; k < depth; k += kLanes * kPack) {
            Pack w[kEach][GATES];
            TATAMI_UNROLL
            for (int i = 0; i < kEach; i++) TATAMI_UNROLL
            for (int gate = 0; gate < GATES; gate++)
                w[i][gate] =
                    *reinterpret_cast<const Pack*>(weights + (gate * kWarpUnits + i) * depth + k);
            TATAMI_UNROLL
            for (int cell = 0; cell < kCells; cell += kEach) {
                const Pack x = *reinterpret_cast<const Pack*>(rows + cell / kEach * depth + k);
                TATAMI_UNROLL
                for (int e = 0; e < kPack; e++) TATAMI_UNROLL
                for (int i = 0; i < kEach; i++) TATAMI_UNROLL
                for (int gate = 0; gate < GATES; gate++)
                    acc[cell + i][gate] = fma(V(x.at[e]), V(w[i][gate].at[e]), acc[cell + i][gate]);
            }
        }
    }

    // Adds the lanes' parts of the first COUNT cells: lanes that differ by MASK keep one half of
    // them each, until each has one, acc[0].
    template <int MASK = kLanes / 2, int COUNT = kCells>
    static TATAMI_DEVICE void gather(V (&acc)[kCells][GATES]) {
        if constexpr (MASK > 0) {
            constexpr int kHalf = COUNT / 2;
            const bool upper = share() & MASK;
            TATAMI_UNROLL
            for (int i = 0; i < (kHalf ? kHalf : 1); i++) TATAMI_UNROLL
            for (int gate = 0; gate < GATES; gate++) {
                const V low = acc[i][gate], high = acc[i + kHalf][gate];
                acc[i][gate] = (upper ? high : low) + shuffle_xor(upper ? low : high, MASK);
            }
            gather<MASK / 2, (kHalf ? kHalf : 1)>(acc);
        }
    }
};

}  // namespace tatami::cuda
