// One step of a recurrent layer, forward or backward: a product of the batch's rows with weights
// packed once a sequence, whose sums are used while they are in L1.
#pragma once

#include "cpu/bfloat16.h"
#include "cpu/product.h"

namespace tatami::TATAMI_ISA {

// A panel holds all gates of kLanes units side by side, or the one gate of twice as many.
template <int GATES>
inline constexpr int kStepVectors = GATES == 1 ? 2 : GATES;
template <class T, int GATES>
inline constexpr int kStepUnits = kStepVectors<GATES> / GATES * kLanes<T>;
// As many rows as the registers hold beside a panel's row and a broadcast.
template <int GATES>
inline constexpr int kStepRows = (kRegisters == 32 ? 24 : 12) / kStepVectors<GATES>;

struct RowRange {
    int64_t begin, end;
};

// What one task does of a step: these rows, and of their products part `part` of `parts`.
struct StepShare {
    RowRange rows;
    int64_t part, parts;
};

// Which rows take part in step t.
struct Live {
    const int64_t* lengths;  // or nullptr: all
    int64_t t;

    TATAMI_INLINE bool operator()(int64_t row) const { return !lengths || t < lengths[row]; }
    TATAMI_INLINE bool any(int64_t row, int64_t rows) const {
        bool found = false;
        for (int64_t r = row; r < row + rows; r++) found |= (*this)(r);
        return found;
    }
};

// Up to kLanes neighbouring hidden units of a row, of T or, for float, of bfloat16.
template <class T>
struct Units {
    int64_t first, count;

    template <class S>
    TATAMI_INLINE Vec<T> load(const S* row) const {
        return count == kLanes<T> ? TATAMI_ISA::load(row + first) : load_first(row + first, count);
    }
    template <class S>
    TATAMI_INLINE void store(S* row, Vec<T> v) const {
        if (count == kLanes<T>)
            TATAMI_ISA::store(row + first, v);
        else
            store_first(row + first, v, count);
    }
    // The units may lie on two cache lines.
    template <class S>
    TATAMI_INLINE void fetch(const S* row) const {
        __builtin_prefetch(row + first);
        __builtin_prefetch(row + first + count - 1);
    }
};

// a (n, depth) · W^T for W (GATES units, depth).
template <class T>
struct StepProduct {
    int64_t units, depth;
    const T* a;
    int64_t a_row;        // row stride of a
    const T* panels;      // W packed by pack_panels, from the first of `depth` on, or nullptr:
    const T* weights;     // W as it is, for a single step
    int64_t panel_depth;  // of a whole panel
    Live live;            // rows of a that matter: the sums of others are not used or are zero
};

template <class T, int GATES>
TATAMI_INLINE int64_t panels_size(int64_t units, int64_t depth) {
    return ceil_div(units, kStepUnits<T, GATES>) * depth * kStepVectors<GATES> * kLanes<T>;
}

// to (panels; depth, kStepVectors vectors) = W (GATES units, depth), zeros past the last unit; as a
// part of panels that are panel_depth deep.
template <class T, int GATES>
void pack_panels(T* to, const MatrixB<T>& w, int64_t units, int64_t depth, int64_t panel_depth) {
    constexpr int64_t width = kStepUnits<T, GATES>, columns = kStepVectors<GATES> * kLanes<T>;
    constexpr int64_t kVector = 8;  // to read, turn and write one
    const int64_t work = GATES * units * depth / kLanes<T> * kVector;
    parallel_for(ceil_div(units, width), work, [&](int64_t p, int) {
        T* const panel = to + p * panel_depth * columns;
        const int64_t unit = p * width, count = min(width, units - unit);
        if constexpr (GATES == 1)
            w.pack(panel, unit, count, 0, depth);
        else
            for (int g = 0; g < GATES; g++)
                transpose_strip(panel + g * kLanes<T>, columns,
                                w.data + (g * units + unit) * w.column_stride, w.column_stride,
                                count, depth);
    });
}

template <class T, int GATES>
void pack_panels(T* to, const MatrixB<T>& w, int64_t units, int64_t depth) {
    pack_panels<T, GATES>(to, w, units, depth, depth);
}

namespace detail {

// sums (ROWS, NV vectors) = a (ROWS, depth; row stride a_row) · b (depth, NV vectors)
template <class T, int NV, int ROWS>
void step_tile(int64_t depth, const T* a, int64_t a_row, const T* b, SumOf<T>* sums) {
    Vec<T> acc[ROWS][NV] = {};
    accumulate<T, ROWS, NV>(acc, depth, a, a_row, 1, b, NV * kLanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) store(sums + (i * NV + j) * kLanes<T>, acc[i][j]);
}

template <class T>
using StepTileFn = void (*)(int64_t depth, const T* a, int64_t a_row, const T* b, SumOf<T>* sums);

template <class T, int GATES>
struct StepTileTable {
    StepTileFn<T> fn[kStepRows<GATES>];
};

template <class T, int GATES, int... I>
constexpr StepTileTable<T, GATES> make_step_tile_table(std::integer_sequence<int, I...>) {
    return {{&step_tile<T, kStepVectors<GATES>, I + 1>...}};
}

template <class T, int GATES>
TATAMI_INLINE StepTileFn<T> step_tile_for(int64_t rows) {
    static constexpr StepTileTable<T, GATES> table =
        make_step_tile_table<T, GATES>(std::make_integer_sequence<int, kStepRows<GATES>>{});
    return table.fn[rows - 1];
}

// Starts reading what finish will need of the tile, while its sums are computed.
template <class T, int GATES, class Finish>
TATAMI_INLINE void fetch_tile(int64_t row, int64_t rows, int64_t unit, int64_t units,
                              const Finish& finish) {
    const int64_t end = min(units, unit + kStepUnits<T, GATES>);
    for (; unit < end; unit += kLanes<T>)
        for (int64_t i = 0; i < rows; i++)
            finish.fetch(row + i, Units<SumOf<T>>{unit, min<int64_t>(kLanes<T>, end - unit)});
}

// The sums of one panel for `rows` rows, handed to finish row by row while they are in L1: inlined
// once for every tile height, so that the code stays small.
template <class T, int GATES, class Finish>
TATAMI_INLINE void finish_tile(const SumOf<T>* sums, int64_t row, int64_t rows, int64_t unit,
                               int64_t units, const Finish& finish) {
    constexpr int NV = kStepVectors<GATES>;
    for (int part = 0; part < NV / GATES; part++, sums += GATES * kLanes<T>, unit += kLanes<T>) {
        const Units<SumOf<T>> group{unit, min<int64_t>(kLanes<T>, units - unit)};
        for (int64_t i = 0; i < rows && group.count > 0; i++) {
            Vec<T> gate[GATES];
#pragma GCC unroll 4
            for (int g = 0; g < GATES; g++) gate[g] = load(sums + (i * NV + g) * kLanes<T>);
            finish(row + i, group, gate);
        }
    }
}

// One panel for `rows` rows, at most kStepRows of them.
template <class T, int GATES, class Finish>
TATAMI_INLINE void step_panel(const StepProduct<T>& s, int64_t row, int64_t rows, int64_t panel,
                              const Finish& finish) {
    constexpr int kColumns = kStepVectors<GATES> * kLanes<T>;
    alignas(64) SumOf<T> sums[kStepRows<GATES> * kColumns];
    const int64_t unit = panel * kStepUnits<T, GATES>;
    fetch_tile<T, GATES>(row, rows, unit, s.units, finish);
    step_tile_for<T, GATES>(rows)(s.live.any(row, rows) ? s.depth : 0, s.a + row * s.a_row, s.a_row,
                                  s.panels + panel * s.panel_depth * kColumns, sums);
    finish_tile<T, GATES>(sums, row, rows, unit, s.units, finish);
}

}  // namespace detail

// A single step: packing would cost more than the product.
template <class T, int GATES, class Finish>
void step_once(const StepProduct<T>& s, RowRange rows, const Finish& finish) {
    const int64_t count = rows.end - rows.begin, columns = GATES * s.units;
    const memory::Scratch scratch(count * columns * sizeof(T));
    T* const sums = scratch.as<T>();
    product<T>(count, columns, s.depth, {s.a + rows.begin * s.a_row, s.a_row, 1},
               {s.weights, 1, s.depth}, {sums, columns, nullptr, Activation::none});
    parallel_for(count, count * columns * 32 / kLanes<T>, [&](int64_t row, int) {
        for (int64_t unit = 0; unit < s.units; unit += kLanes<T>) {
            const Units<T> group{unit, min<int64_t>(kLanes<T>, s.units - unit)};
            Vec<T> gate[GATES];
            for (int g = 0; g < GATES; g++)
                gate[g] = group.load(sums + row * columns + g * s.units);
            finish(rows.begin + row, group, gate);
        }
    });
}

// For one share of a step, finish.fetch(row, units) where finish will wait for cache lines, then
// finish(row, units, gate), where the vector gate[g] holds these units of the sums of gate g.
template <class T, int GATES, class Finish>
void step(const StepProduct<T>& s, const StepShare& share, const Finish& finish) {
    const int64_t count = share.rows.end - share.rows.begin;
    if constexpr (!std::is_same_v<T, Twin>)
        if (!s.panels) return step_once<T, GATES>(s, share.rows, finish);
    const Blocks tiles = even_blocks(count, kStepRows<GATES>, 1);
    // Neighbours read the same panel.
    const int64_t all = count > 0 ? ceil_div(s.units, kStepUnits<T, GATES>) * tiles.count : 0;
    const int64_t end = all * (share.part + 1) / share.parts;
    for (int64_t i = all * share.part / share.parts; i < end; i++) {
        const int64_t row = share.rows.begin + i % tiles.count * tiles.size;
        detail::step_panel<T, GATES>(s, row, min(tiles.size, share.rows.end - row), i / tiles.count,
                                     finish);
    }
}

// The same product for all rows of `steps` steps at once, n each, which lie one after the other.
template <class T, int GATES, class Finish>
void over_steps(const StepProduct<T>& product, int64_t steps, int64_t n, const StepShare& share,
                const Finish& finish) {
    const auto [begin, end] = share.rows;
    if (end - begin == n)
        return step<T, GATES>(product, {{0, steps * n}, share.part, share.parts}, finish);
    for (int64_t s = 0; s < steps; s++)
        step<T, GATES>(product, {{s * n + begin, s * n + end}, share.part, share.parts}, finish);
}

}  // namespace tatami::TATAMI_ISA
