// Backward pass where a run is a group and has a weight for each element (layer norm, RMS norm):
// dx and the sums behind dweight and dbias in one sweep over memory.
#include "cpu/norm.h"

namespace tatami::TATAMI_ISA {

// With d = (x - near) - rest: dx = w dy scale + d slope + level, and d scale is x's normalised
// value.
template <class T>
struct RowMap {
    T near, rest, scale, slope, level;
};

template <class T>
static RowMap<T> row_map(const Norm& p, Two sum, double mean, double var) {
    const double s = inverse_deviation(p, var), n = p.inverse_count;
    const Center<T> m = center_of<T>(mean);
    const double slope = -s * s * s * sum.second * n, level = p.centred ? -s * sum.first * n : 0;
    return {m.near, T(m.rest), T(s), T(slope), T(level)};
}

// Where the elements of a row's piece are.
template <class T>
struct RowPiece {
    int64_t n;
    const T *dy, *x, *w;
    T *dx, *dw, *db;  // dw, db: sums that its part of dweight and dbias is added to
};

// The gradients of ROWS rows, `apart` elements apart.
template <int ROWS, class T>
TATAMI_INLINE void row_gradients(const RowPiece<T>& q, const RowMap<T>* map, int64_t apart,
                                 int64_t ahead, bool streamed) {
    Vec<T> near[ROWS], rest[ROWS], scale[ROWS], slope[ROWS], level[ROWS];
    for (int r = 0; r < ROWS; r++) {
        near[r] = broadcast(map[r].near);
        rest[r] = broadcast(map[r].rest);
        scale[r] = broadcast(map[r].scale);
        slope[r] = broadcast(map[r].slope);
        level[r] = broadcast(map[r].level);
    }
    sweep<ROWS>(q.dx, apart, q.n, streamed, [=](int64_t i, auto read, auto write) {
        const Vec<T> w = read(q.w + i);
        Vec<T> dw = read(q.dw + i), db = read(q.db + i);
        Results<T, ROWS> dx;
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            const int64_t j = i + r * apart;
            fetch(q.dy + j + ahead);
            fetch(q.x + j + ahead);
            const Vec<T> dy = read(q.dy + j), d = (read(q.x + j) - near[r]) - rest[r];
            const Vec<T> scaled = dy * scale[r];
            db += dy;
            dw = fma(scaled, d, dw);
            dx.line[r] = fma(scaled, w, fma(d, slope[r], level[r]));
        }
        write(q.dw + i, dw);
        write(q.db + i, db);
        return dx;
    });
}

inline constexpr int64_t kFoldWidth = 64;

// The next `count` elements of fold_slots, in double; whole weights.
template <class T, class Count>
TATAMI_INLINE void fold_block(int64_t slots, int64_t stride, const T* sums, int64_t repeat,
                              Count count, T* to) {
    double total[kFoldWidth];
    for (int64_t j = 0; j < count; j++) total[j] = slots ? double(sums[j]) : 0;
    for (int64_t slot = 1; slot < slots; slot++)
        for (int64_t j = 0; j < count; j++) total[j] += double(sums[slot * stride + j]);
    if (repeat == 1)
        for (int64_t j = 0; j < count; j++) to[j] = T(total[j]);
    else
        for (int64_t j = 0; j < count; j += repeat) {
            double sum = 0;
            for (int64_t i = j; i < j + repeat; i++) sum += total[i];
            to[j / repeat] = T(sum);
        }
}

// to[c] = the sum over all slots of the elements of weight c; a slot is `stride` past the last one.
template <class T>
static void fold_slots(const Norm& p, int64_t slots, int64_t stride, const T* sums, T* to) {
    if (!to) return;
    const int64_t repeat = p.repeat, block = max<int64_t>(kFoldWidth / repeat, 1);
    parallel_ranges(p.parameters, block, slots * p.parameters, [=](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c += block) {
            const int64_t count = min(block, end - c) * repeat;
            const T* const from = sums + c * repeat;
            if (count == kFoldWidth)
                fold_block(slots, stride, from, repeat,
                           std::integral_constant<int64_t, kFoldWidth>{}, to + c);
            else
                fold_block(slots, stride, from, repeat, count, to + c);
        }
    });
}

// Rows that add to one slot of sums: bounds the rounding, and the slots' share of the traffic.
static int64_t rows_of_slot(const Norm& p) {
    return round_up(max<int64_t>(min<int64_t>(p.runs / 32, 256), 16), p.period);
}

template <class T>
void rows_backward(const Norm& p, const T* dy, const T* x, const T* weight, const T*,
                   const double* mean, const double* var, T* dx, T* dweight, T* dbias) {
    const int64_t pieces = ceil_div(p.length, kPiece<T>), elements = p.period * p.length;
    const bool whole = 3 * p.length * int64_t(sizeof(T)) <= kCachedBytes, streamed = streams(p, dx);
    const int64_t slot_rows = whole ? rows_of_slot(p) : max<int64_t>(p.runs, 1);
    const int64_t slots = ceil_div(p.runs, slot_rows);
    const int64_t work = p.runs * (p.length / kLanes<T> + 8) * 16;
    const memory::Scratch space(size_t(slots * 2 + 1) * size_t(elements) * sizeof(T));
    T* const sums = space.as<T>();  // (slots, 2, elements)
    const T* const w = by_element(weight, T(1), p.repeat, elements, sums + slots * 2 * elements);

    const auto piece = [&](int64_t run, int64_t k) {
        const int64_t from = k * kPiece<T>, at = run * p.length + from;
        const int64_t column = run % p.period * p.length + from;
        T* const sum = sums + run / slot_rows * 2 * elements + column;
        return RowPiece<T>{min(kPiece<T>, p.length - from),
                           dy + at,
                           x + at,
                           w + column,
                           dx + at,
                           sum,
                           sum + elements};
    };
    const auto sum_of = [&](int64_t run, int64_t k) {
        const RowPiece<T> q = piece(run, k);
        Two sum;
        gradient_sums<true, 1>(Tile{0, 1, 0, q.n}, q.dy, q.x, 0, q.w, mean + run, &sum, 1);
        return sum;
    };
    const auto clear = [&](int64_t from, int64_t n) {
        __builtin_memset(sums + from, 0, size_t(n) * sizeof(T));
    };
    if (whole) {
        parallel_for(slots, work, [&](int64_t slot, int) {
            clear(slot * 2 * elements, 2 * elements);
            const int64_t end = min((slot + 1) * slot_rows, p.runs);
            int64_t run = slot * slot_rows;
            if (pieces == 1 && p.period == 1)  // short rows: together
                for (; run + kLinesAtOnce <= end; run += kLinesAtOnce) {
                    const RowPiece<T> q = piece(run, 0);
                    Two sum[kLinesAtOnce];
                    RowMap<T> map[kLinesAtOnce];
                    gradient_sums<true, kLinesAtOnce>(Tile{0, 1, 0, q.n}, q.dy, q.x, p.length, q.w,
                                                      mean + run, sum, 1);
                    for (int r = 0; r < kLinesAtOnce; r++)
                        map[r] = row_map<T>(p, sum[r], mean[run + r], var[run + r]);
                    const int64_t ahead = 2 * kLinesAtOnce * p.length;
                    if (!streamed)
                        row_gradients<kLinesAtOnce>(q, map, p.length, ahead, false);
                    else  // several streams at once are slower
                        for (int r = 0; r < kLinesAtOnce; r++)
                            row_gradients<1>(piece(run + r, 0), map + r, 0, ahead, true);
                }
            for (; run < end; run++) {
                Two sum{0, 0};
                for (int64_t k = 0; k < pieces; k++) sum += sum_of(run, k);
                const RowMap<T> map = row_map<T>(p, sum, mean[run], var[run]);
                for (int64_t k = 0; k < pieces; k++)
                    row_gradients<1>(piece(run, k), &map, 0, p.length, streamed);
            }
            stream_fence();
        });
    } else {  // long rows: cut by pieces, each of which takes all rows in order
        const memory::Scratch pairs(size_t(p.runs * pieces) * sizeof(Two));
        Two* const sum = pairs.as<Two>();
        parallel_for(p.runs * pieces, work,
                     [&](int64_t i, int) { sum[i] = sum_of(i / pieces, i % pieces); });
        for (int64_t run = 0; run < p.runs; run++)
            for (int64_t k = 1; k < pieces; k++) sum[run * pieces] += sum[run * pieces + k];
        parallel_for(p.runs ? pieces : 0, work, [&](int64_t k, int) {
            for (int64_t row = 0; row < p.period; row++) {
                const RowPiece<T> q = piece(row, k);
                clear(q.dw - sums, q.n);
                clear(q.db - sums, q.n);
            }
            for (int64_t run = 0; run < p.runs; run++) {
                const RowMap<T> map = row_map<T>(p, sum[run * pieces], mean[run], var[run]);
                row_gradients<1>(piece(run, k), &map, 0, p.length, streamed);
            }
            stream_fence();
        });
    }
    fold_slots(p, slots, 2 * elements, sums, dweight);
    fold_slots(p, slots, 2 * elements, sums + elements, dbias);
}

template void rows_backward(const Norm&, const float*, const float*, const float*, const float*,
                            const double*, const double*, float*, float*, float*);
template void rows_backward(const Norm&, const double*, const double*, const double*, const double*,
                            const double*, const double*, double*, double*, double*);

}  // namespace tatami::TATAMI_ISA
