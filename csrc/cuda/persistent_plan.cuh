// How the kernel for all steps of a sequence (persistent.cuh) is cut into blocks.
#pragma once

#include <algorithm>
#include <initializer_list>

#include "cuda/launch.cuh"

namespace tatami::cuda {

// A row and a unit at a time.
struct Place {
    int64_t t, row, unit;
};

// Rows `row` apart.
template <class T>
struct Rows {
    const T* data;
    int64_t row;
};

struct Sequence {
    int64_t steps, rows, units;
    bool descending;  // the first step is the last in time

    TATAMI_BOTH int64_t time(int64_t step) const { return descending ? steps - 1 - step : step; }
};

inline constexpr int kPersistentThreads = 256, kWarpUnits = 4;
inline constexpr int kPersistentWarps = kPersistentThreads / kWarp;

// Numbers of 16 bits are multiplied by all warps together, on the tensor cores
// (block_product.cuh), this many units and rows at a time; others by each warp (warp_product.cuh).
inline constexpr int kBlockUnits = 16, kBlockRows = 16;
TATAMI_BOTH constexpr bool by_blocks(int64_t element) {
    return element == 2;
}

// What the choice of a plan asks of a phase.
struct PhaseSize {
    int64_t gates, depth;
};

// How the kernel is cut.
struct Persistent {
    int64_t units = 0, rows = 0;   // of a block; multiples of kWarpUnits and tile_rows
    int64_t staged = 0;            // rows that are in shared memory at once
    int64_t tile_rows = 0;         // of a product
    int64_t across = 0, down = 0;  // blocks
    int64_t shared_bytes = 0;
    int64_t sums_at = 0;  // where in shared memory the warps' sums lie

    int64_t blocks() const { return across * down; }

    // The plan of the fewest predicted cycles; no blocks if step by step promises fewer.
    static Persistent choose(const Sequence& all, Device device, int64_t element,
                             std::initializer_list<PhaseSize> phases);

  private:
    bool fit(const Sequence& all, Device device, int64_t element,
             std::initializer_list<PhaseSize> phases);
    int64_t product_cycles(int64_t element, PhaseSize phase) const;
    int64_t cycles(const Sequence& all, int64_t element,
                   std::initializer_list<PhaseSize> phases) const;
};

// Depth as it is kept: whole loads of 16 bytes; for the tensor cores whole multiplications, and
// a load more, so that 8 neighbouring lines begin in different banks.
TATAMI_BOTH int64_t padded_depth(int64_t depth, int64_t element) {
    if (by_blocks(element)) return (depth + 15) / 16 * 16 + 8;
    const int64_t pack = 16 / element;
    return (depth + pack - 1) / pack * pack;
}

// Rows that a plan counts in: 16 or 8 of a block, else a warp's 8, or 4 where they are few or sums
// take two registers.
constexpr int most_tile_rows(int64_t element) {
    return by_blocks(element) ? kBlockRows : element < 8 ? 8 : 4;
}
constexpr int least_tile_rows(int64_t element) {
    return by_blocks(element) ? 8 : 4;
}

// Lanes that share the depth of a unit.
TATAMI_BOTH constexpr int lanes_of(int64_t gates) {
    return gates == 1 ? 32 : gates == 2 ? 16 : 8;
}

// Of the tensor cores: 16 lines of weights by 8 rows.
inline constexpr int64_t kTileSums = 16 * 8;

// 16 lines each that a product of a block has.
constexpr int64_t line_tiles(int64_t units, int64_t gates) {
    return (std::min<int64_t>(units, kBlockUnits) * gates + 15) / 16;
}

// ---- The choice.

// `across` and tile_rows are given: sets the rest, or says that there is not enough shared memory.
inline bool Persistent::fit(const Sequence& all, Device device, int64_t element,
                            std::initializer_list<PhaseSize> phases) {
    const auto up = [](int64_t n, int64_t by) { return (n + by - 1) / by; };
    units = up(up(all.units, across), kWarpUnits) * kWarpUnits;
    across = up(all.units, units);
    down = std::min(device.processors / across, up(all.rows, tile_rows));
    rows = up(up(all.rows, down), tile_rows) * tile_rows;
    down = up(all.rows, rows);
    int64_t weights = 0, longest = 0, sums = 0;
    for (const auto [gates, depth] : phases) {
        const int64_t row = padded_depth(depth, element) * element;
        weights += units * gates * row;
        longest = std::max(longest, row);
        if (by_blocks(element))
            sums = std::max(sums, kPersistentWarps * 2 * line_tiles(units, gates) * kTileSums *
                                      int64_t(sizeof(float)));
    }
    const int64_t room = (device.shared_bytes - weights - sums) / longest;
    staged = std::min(rows, room / tile_rows * tile_rows);
    sums_at = weights + staged * longest;
    shared_bytes = sums_at + sums;
    return staged > 0;
}

// Guesses for a processor of today, until they are measured: a launch; a meeting of blocks, and
// each that arrives; what a step waits for in any case.
inline constexpr int64_t kLaunchCycles = 5000, kMeetingCycles = 1500, kArrivalCycles = 4,
                         kWaitCycles = 800;

// Of the products of a phase.
inline int64_t Persistent::product_cycles(int64_t element, PhaseSize phase) const {
    const auto [gates, depth] = phase;
    if (!by_blocks(element)) {
        const int64_t tiles = units / kWarpUnits * (rows / tile_rows);
        const int64_t rounds = (tiles + kPersistentWarps - 1) / kPersistentWarps;
        const int64_t loads = depth * element / 16 / lanes_of(gates) + 1;  // of a lane
        return loads * std::max<int64_t>(tiles * (16 + 3 * tile_rows), rounds * 100);
    }
    // A load of 512 bytes is 4 cycles of the shared memory; the sums go there and back.
    const int64_t tiles = line_tiles(units, gates), turns = depth / (16 * kPersistentWarps) + 1;
    const int64_t products =
        (units + kBlockUnits - 1) / kBlockUnits * ((rows + kBlockRows - 1) / kBlockRows);
    const int64_t turn = std::max<int64_t>(60, kPersistentWarps * (tiles + 1) * 4);
    return products * (turns * turn + 128 * tiles + 300);
}

inline int64_t Persistent::cycles(const Sequence& all, int64_t element,
                                  std::initializer_list<PhaseSize> phases) const {
    int64_t step = 0, begin = 2 * kLaunchCycles;
    for (const auto [gates, depth] : phases) {
        step += product_cycles(element, {gates, depth});
        step += rows * depth * element / 24 + kWaitCycles;
        if (across > 1) step += kMeetingCycles + across * kArrivalCycles;
        begin += units * gates * depth * element / 32;
    }
    return begin + all.steps * step;
}

inline Persistent Persistent::choose(const Sequence& all, Device device, int64_t element,
                                     std::initializer_list<PhaseSize> phases) {
    int64_t least = 0;  // of a product and the work, a launch each
    for (const auto [gates, depth] : phases)
        least += all.steps * (2 * kLaunchCycles +
                              all.rows * all.units * gates * depth / (device.processors * 64));
    Persistent best;
    const auto consider = [&](int64_t across, int64_t tile_rows) {
        Persistent plan;
        plan.across = across, plan.tile_rows = tile_rows;
        if (!plan.fit(all, device, element, phases)) return;
        const int64_t cycles = plan.cycles(all, element, phases);
        if (cycles < least) least = cycles, best = plan;
    };
    // Cuts of the units by 1, 2, 3, 4, 6, 8, 12, ... and by all processors.
    for (int64_t tile_rows = most_tile_rows(element); tile_rows >= least_tile_rows(element);
         tile_rows /= 2) {
        for (int64_t power = 1; power <= device.processors; power *= 2) {
            consider(power, tile_rows);
            if (power > 1 && power / 2 * 3 <= device.processors) consider(power / 2 * 3, tile_rows);
        }
        consider(device.processors, tile_rows);
    }
    return best;
}

}  // namespace tatami::cuda
