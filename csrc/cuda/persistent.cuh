// One kernel for all steps of a sequence (steps.cuh says what a step is). The blocks form a grid of
// units by rows: each keeps the weights of its units in shared memory all the time, and in every
// phase multiplies them with its rows of the left factor, which other blocks have computed. Only
// blocks of the same rows wait for each other, at a counter of theirs.
//
// Numbers of 16 bits are multiplied by block_product.cuh, others by warp_product.cuh. How the grid
// is cut changes no bit of a sum.
#pragma once

#include "cuda/block_product.cuh"
#include "cuda/gemm_factor.cuh"
#include "cuda/warp_product.cuh"

namespace tatami::cuda {

// ---- The kernel.

// weights (units, GATES, padded), zeros past the depth and the last unit = those of the units from
// `first` on. Units that a product takes at once lie together, gate by gate.
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
        constexpr int kTogether = by_blocks(sizeof(T)) ? kBlockUnits : kWarpUnits;
        const int begin = unit / kTogether * kTogether, rest = units - begin;
        const int width = rest < kTogether ? rest : kTogether;
        weights[(begin * kGates + gate * width + unit - begin) * padded + k] =
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
    float* sums;        // of all warps, where they multiply together
    uint64_t* counter;  // of the blocks of these rows
    uint64_t meetings = 0;

    template <class Phase>
    static TATAMI_DEVICE int padded(const Phase& phase) {
        return int(padded_depth(phase.depth(), sizeof(T)));
    }
    template <class Phase>
    TATAMI_DEVICE int weights_of(const Phase& phase) const {
        return units * Phase::kGates * padded(phase);
    }

    // Brings the weights of a phase; the next ones, and at last the stage, lie behind them.
    template <class Phase>
    TATAMI_DEVICE void keep(const Phase& phase) {
        keep_weights(phase, unit, all.units, units, padded(phase), stage);
        stage += weights_of(phase);
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
        weights += weights_of(phase);
        written();
    }

    // The nearest place that there is: where there is no work, others' numbers are read.
    TATAMI_DEVICE Place within(Place at) const {
        if (at.row >= end) at.row = end - 1;
        if (at.unit >= all.units) at.unit = all.units - 1;
        return at;
    }

    // The sums and the work for `count` rows from `at` on.
    template <class Phase>
    TATAMI_DEVICE void work(const Phase& phase, Place at, int count, bool some, const T* weights) {
        if constexpr (by_blocks(sizeof(T)))
            work_together(phase, at, count, some, weights);
        else
            work_by_warps(phase, at, count, some, weights);
    }

    template <class Phase>
    TATAMI_DEVICE void work_by_warps(const Phase& phase, Place at, int count, bool some,
                                     const T* weights) {
        using Product = WarpProduct<T, Phase::kGates, ROWS>;
        const int depth = padded(phase), groups = units / kWarpUnits;
        const int tiles = groups * ((count + ROWS - 1) / ROWS);
        for (int tile = int(threadIdx.x) / kWarp; tile < tiles; tile += kPersistentWarps) {
            const int down = tile / groups * ROWS, across = tile % groups * kWarpUnits;
            const Place own{at.t, at.row + down + Product::row(),
                            at.unit + across + Product::unit()};
            const bool inside = own.row < end && own.unit < all.units;
            const auto finish = phase.begin(within(own));  // its loads are on their way meanwhile
            Real<T> acc[Product::kCells][Phase::kGates] = {};
            if (some)
                Product::multiply(weights + across * Phase::kGates * depth, stage + down * depth,
                                  depth, acc);
            Product::gather(acc);
            if (Product::owns() && inside) finish(acc[0]);
        }
    }

    template <class Phase>
    TATAMI_DEVICE void work_together(const Phase& phase, Place at, int count, bool some,
                                     const T* weights) {
        using Product = BlockProduct<T, Phase::kGates>;
        const int depth = padded(phase), groups = (units + kBlockUnits - 1) / kBlockUnits;
        const int products = groups * ((count + kBlockRows - 1) / kBlockRows);
        for (int i = 0; i < products; i++) {
            const int down = i / groups * kBlockRows, across = i % groups * kBlockUnits;
            const Product product(units - across, count - down);
            const Place own{at.t, at.row + down + Product::row(),
                            at.unit + across + Product::unit()};
            const bool inside =
                own.row < end && Product::unit() < product.width() && own.unit < all.units;
            const auto finish = phase.begin(within(own));
            float acc[Phase::kGates] = {};
            if (some) {
                if (i > 0) sync_block();  // nobody reads the sums before any more
                product.multiply(weights + across * Phase::kGates * depth, stage + down * depth,
                                 depth, sums);
                sync_block();
                if (inside) product.gather(sums, acc);
            }
            if (inside) finish(acc);
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
                                   reinterpret_cast<float*>(shared + plan.sums_at / sizeof(T)),
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
    constexpr int kFew = by_blocks(sizeof(T)) ? kMost : least_tile_rows(sizeof(T));
    launch(grid,
           plan.tile_rows == kMost ? &persistent_kernel<T, kMost, Phase...>
                                   : &persistent_kernel<T, kFew, Phase...>,
           all, plan, counters.as<uint64_t>(), phases...);
}

}  // namespace tatami::cuda
