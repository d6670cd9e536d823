// One kernel for all steps of a sequence (steps.cuh says what a step is). The blocks form a grid of
// units by rows: each keeps the weights of its units in shared memory all the time, and in every
// phase multiplies them with its rows of the left factor, which other blocks have computed. Only
// blocks of the same rows wait for each other, at a counter of theirs.
//
// A warp computes kWarpUnits units of a few rows at a time, its lanes sharing the depth: a sum is
// made of 8, 16 or 32 chains (for 4, 2 gates or 1), each in the order of the depth 16 bytes at a
// time, and a tree over them. How the grid is cut changes no bit of it.
//
// Float32 at H = 512, 4 gates, 64 rows on 132 processors: 67 M multiply-adds a step, 4000 cycles of
// all multipliers; shared memory is read for 3/4 to 3/2 of them, according to how well it
// broadcasts (not measured).
#pragma once

#include <algorithm>
#include <initializer_list>

#include "cuda/divide.cuh"
#include "cuda/gemm_factor.cuh"
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

// What the choice of a plan asks of a phase.
struct PhaseSize {
    int64_t gates, depth;
};

// How the kernel is cut.
struct Persistent {
    int64_t units = 0, rows = 0;   // of a block; multiples of kWarpUnits and tile_rows
    int64_t staged = 0;            // rows that are in shared memory at once
    int64_t tile_rows = 0;         // of a warp
    int64_t across = 0, down = 0;  // blocks
    int64_t shared_bytes = 0;

    int64_t blocks() const { return across * down; }

    // The plan of the fewest predicted cycles; no blocks if step by step promises fewer.
    static Persistent choose(const Sequence& all, Device device, int64_t element,
                             std::initializer_list<PhaseSize> phases);

  private:
    bool fit(const Sequence& all, Device device, int64_t element,
             std::initializer_list<PhaseSize> phases);
    int64_t cycles(const Sequence& all, int64_t element,
                   std::initializer_list<PhaseSize> phases) const;
};

// Depth as it is kept: whole loads of 16 bytes.
TATAMI_BOTH int64_t padded_depth(int64_t depth, int64_t element) {
    const int64_t pack = 16 / element;
    return (depth + pack - 1) / pack * pack;
}

// Rows of a warp's tile: 8, or 4 where they are few or sums take two registers.
constexpr int most_tile_rows(int64_t element) {
    return element < 8 ? 8 : 4;
}

// Lanes that share the depth of a unit.
TATAMI_BOTH constexpr int lanes_of(int64_t gates) {
    return gates == 1 ? 32 : gates == 2 ? 16 : 8;
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
    int64_t weights = 0, longest = 0;
    for (const auto [gates, depth] : phases) {
        const int64_t row = padded_depth(depth, element) * element;
        weights += units * gates * row;
        longest = std::max(longest, row);
    }
    staged = std::min(rows, (device.shared_bytes - weights) / longest / tile_rows * tile_rows);
    shared_bytes = weights + staged * longest;
    return staged > 0;
}

// Guesses for a processor of today, until they are measured: a launch; a meeting of blocks, and
// each that arrives; what a step waits for in any case.
inline constexpr int64_t kLaunchCycles = 5000, kMeetingCycles = 1500, kArrivalCycles = 4,
                         kWaitCycles = 800;

inline int64_t Persistent::cycles(const Sequence& all, int64_t element,
                                  std::initializer_list<PhaseSize> phases) const {
    const int64_t tiles = units / kWarpUnits * (rows / tile_rows);
    const int64_t rounds = (tiles + kPersistentWarps - 1) / kPersistentWarps;
    int64_t step = 0, begin = 2 * kLaunchCycles;
    for (const auto [gates, depth] : phases) {
        const int64_t loads = depth * element / 16 / lanes_of(gates) + 1;  // of a lane
        const int64_t shared = tiles * (16 + 3 * tile_rows);
        step += loads * std::max<int64_t>(shared, rounds * 100);
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
    for (const int64_t tile_rows : {8, 4}) {
        if (tile_rows > most_tile_rows(element)) continue;
        for (int64_t power = 1; power <= device.processors; power *= 2) {
            consider(power, tile_rows);
            if (power > 1 && power / 2 * 3 <= device.processors) consider(power / 2 * 3, tile_rows);
        }
        consider(device.processors, tile_rows);
    }
    return best;
}

// ---- The kernel.

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

    // weights (kWarpUnits, GATES, depth), rows (ROWS, depth)
    static TATAMI_DEVICE void multiply(const T* weights, const T* rows, int depth,
                                       V (&acc)[kCells][GATES]) {
        using Pack = Elements<T, kPack>;
        weights += first_unit() * GATES * depth;
        for (int k = share() * kPack; k < depth; k += kLanes * kPack) {
            Pack w[kEach][GATES];
            TATAMI_UNROLL
            for (int i = 0; i < kEach; i++) TATAMI_UNROLL
            for (int gate = 0; gate < GATES; gate++)
                w[i][gate] =
                    *reinterpret_cast<const Pack*>(weights + (i * GATES + gate) * depth + k);
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

// weights (units, GATES, padded), zeros past the depth and the last unit = those of the units from
// `first` on.
template <class T, class Phase>
TATAMI_DEVICE void keep_weights(const Phase& phase, int64_t first, int64_t all_units, int units,
                                int padded, T* weights) {
    const auto factor = phase.weights();
    constexpr bool kAlong = decltype(factor)::kAlongDepth;
    constexpr int kGates = Phase::kGates;
    // Neighbours in memory go to neighbours: along the depth, or along the units of a gate.
    for (int i = int(threadIdx.x); i < units * kGates * padded; i += kPersistentThreads) {
        const int line = kAlong ? i / padded : i % (units * kGates);
        const int k = kAlong ? i % padded : i / (units * kGates);
        const int gate = line / units, unit = line % units;
        const bool inside = first + unit < all_units && k < phase.depth();
        weights[(unit * kGates + gate) * padded + k] =
            inside ? factor.at(factor.column(gate * all_units + first + unit), k) : T(0);
    }
}

inline constexpr int kStageLoads = 4;  // of a thread, in flight

// stage (count, padded), zeros past the depth = `count` rows.
template <class T>
TATAMI_DEVICE void stage_rows(Rows<T> from, int count, int depth, int padded, T* stage) {
    constexpr int kPack = 16 / int(sizeof(T));
    using Pack = Elements<T, kPack>;
    const bool wide = reinterpret_cast<uintptr_t>(from.data) % 16 == 0 && from.row % kPack == 0;
    const int packs = padded / kPack, all = count * packs;
    int row = int(threadIdx.x) / packs, pack = int(threadIdx.x) % packs;
    for (int first = int(threadIdx.x); first < all; first += kStageLoads * kPersistentThreads) {
        Pack value[kStageLoads];
        TATAMI_UNROLL
        for (int i = 0; i < kStageLoads; i++) {
            if (row < count)
                value[i] = load_elements<kPack>(from.data + row * from.row, int64_t(pack) * kPack,
                                                depth, wide);
            row += kPersistentThreads / packs, pack += kPersistentThreads % packs;
            if (pack >= packs) row++, pack -= packs;
        }
        TATAMI_UNROLL
        for (int i = 0; i < kStageLoads; i++) {
            const int at = first + i * kPersistentThreads;
            if (at < all) reinterpret_cast<Pack*>(stage)[at] = value[i];
        }
    }
}

// A block of the kernel: its part of the whole, and what it shares.
template <class T, int ROWS>
struct PersistentBlock {
    const Sequence& all;
    int64_t unit, row, end;  // the first ones, and the end of the rows
    int units, staged;
    T *kept, *stage;    // the weights of all phases; rows of the left factor
    uint64_t* counter;  // of the blocks of these rows
    uint64_t meetings = 0;

    template <class Phase>
    static TATAMI_DEVICE int padded(const Phase& phase) {
        return int(padded_depth(phase.depth(), sizeof(T)));
    }

    // Brings the weights of a phase; the next ones, and at last the stage, lie behind them.
    template <class Phase>
    TATAMI_DEVICE void keep(const Phase& phase) {
        keep_weights(phase, unit, all.units, units, padded(phase), stage);
        stage += units * Phase::kGates * padded(phase);
    }

    // Goes on when the other blocks of these rows have written what this one is to read.
    TATAMI_DEVICE void meet() {
        if (gridDim.x == 1)
            sync_block();
        else
            wait_for(counter, meetings * gridDim.x);
    }
    TATAMI_DEVICE void written() {
        meetings++;
        if (gridDim.x > 1) arrive(counter);
    }

    // A phase at time t. `weights` goes on to the next phase's.
    template <class Phase>
    TATAMI_DEVICE void run(const Phase& phase, int64_t t, const T*& weights) {
        if (meetings) meet();
        const Rows<T> left = phase.left(t);
        const int depth = padded(phase);
        for (int64_t first = row; first < end; first += staged) {
            const int count = int(end - first < staged ? end - first : staged);
            if (left.data) {
                if (first > row) sync_block();  // nobody reads the rows before any more
                stage_rows(Rows<T>{left.data + first * left.row, left.row}, count,
                           int(phase.depth()), depth, stage);
                sync_block();
            }
            work(phase, {t, first, unit}, count, left.data != nullptr, weights);
        }
        weights += units * Phase::kGates * depth;
        written();
    }

    // The sums and the work for `count` rows from `at` on.
    template <class Phase>
    TATAMI_DEVICE void work(const Phase& phase, Place at, int count, bool some, const T* weights) {
        using Product = WarpProduct<T, Phase::kGates, ROWS>;
        const int depth = padded(phase), groups = units / kWarpUnits;
        const int tiles = groups * ((count + ROWS - 1) / ROWS);
        for (int tile = int(threadIdx.x) / kWarp; tile < tiles; tile += kPersistentWarps) {
            const int down = tile / groups * ROWS, across = tile % groups * kWarpUnits;
            // Other lanes read what an owner reads.
            Place own{at.t, at.row + down + Product::row(), at.unit + across + Product::unit()};
            const bool inside = own.row < end && own.unit < all.units;
            if (own.row >= end) own.row = end - 1;
            if (own.unit >= all.units) own.unit = all.units - 1;
            const auto finish = phase.begin(own);  // its loads are on their way meanwhile
            Real<T> acc[Product::kCells][Phase::kGates] = {};
            if (some)
                Product::multiply(weights + across * Phase::kGates * depth, stage + down * depth,
                                  depth, acc);
            Product::gather(acc);
            if (Product::owns() && inside) finish(acc[0]);
        }
    }

    // Asks for what the work at time t will read, while others still write the rest.
    template <class Phase>
    TATAMI_DEVICE void fetch(const Phase& phase, int64_t t) const {
        TATAMI_ROLL
        for (int i = int(threadIdx.x); i < int(end - row) * units; i += kPersistentThreads) {
            const Place at{t, row + i / units, unit + i % units};
            if (at.unit < all.units) phase.fetch(at);
        }
    }
};

inline constexpr int kCounterStride = 16;  // a line of the cache for each

template <class T, int ROWS, class First, class... Next>
__global__ void __launch_bounds__(kPersistentThreads, 1)
    persistent_kernel(Sequence all, Persistent plan, uint64_t* counters, First phase,
                      Next... next) {
    const int64_t row = int64_t(blockIdx.y) * plan.rows, rest = all.rows - row;
    T* const shared = shared_memory<T>();
    PersistentBlock<T, ROWS> block{all,
                                   int64_t(blockIdx.x) * plan.units,
                                   row,
                                   row + (rest < plan.rows ? rest : plan.rows),
                                   int(plan.units),
                                   int(plan.staged),
                                   shared,
                                   shared,
                                   counters + blockIdx.y * kCounterStride};
    block.keep(phase);
    (block.keep(next), ...);
    sync_block();
    for (int64_t s = 0; s < all.steps; s++) {
        const int64_t t = all.time(s);
        const T* weights = block.kept;
        block.run(phase, t, weights);
        (block.run(next, t, weights), ...);
        if (s + 1 < all.steps) block.fetch(phase, all.time(s + 1));
    }
}

template <class T, class... Phase>
void run_persistent(const Sequence& all, const Persistent& plan, const Phase&... phases) {
    const int64_t words = plan.down * kCounterStride;
    const Workspace counters(size_t(words) * sizeof(uint64_t));
    fill(words, uint64_t(0), counters.as<uint64_t>());
    const Grid grid{dim3(unsigned(plan.across), unsigned(plan.down)), dim3(kPersistentThreads),
                    size_t(plan.shared_bytes), plan.across > 1};
    constexpr int kMost = most_tile_rows(sizeof(T));
    launch(grid,
           plan.tile_rows == kMost ? &persistent_kernel<T, kMost, Phase...>
                                   : &persistent_kernel<T, 4, Phase...>,
           all, plan, counters.as<uint64_t>(), phases...);
}

}  // namespace tatami::cuda
