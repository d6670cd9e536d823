// Backward pass where a run is a group and has a weight for each element (layer norm, RMS norm):
// dx and the sums behind dweight and dbias in one sweep over memory.
#include "cpu/norm.h"

namespace tatami::TATAMI_ISA {

// dx = w dy scale + (x - near) slope + level, and x's normalised value is (x - near) scale + shift.
template <class T>
struct RowMap {
    T near, scale, shift, slope, level;
};

template <class T>
static RowMap<T> row_map(const Norm& p, Pair sum, double mean, double var) {
    const double s = inverse_deviation(p, var), n = p.inverse_count;
    const Center<T> m = center_of<T>(mean);
    const double slope = -s * s * s * sum.second * n, level = p.centred ? -s * sum.first * n : 0;
    return {m.near, T(s), T(-m.rest * s), T(slope), T(level - m.rest * slope)};
}

// Where the elements of a row's piece are.
template <class T>
struct RowPiece {
    int64_t n;
    const T *dy, *x, *w;
    T *dx, *dw, *db;  // dw, db: sums that its part of dweight and dbias is added to
};

template <class T>
TATAMI_INLINE void row_gradient(const RowPiece<T>& q, const RowMap<T>& m, int64_t ahead,
                                bool streamed) {
    const Vec<T> shift = broadcast(m.shift), scale = broadcast(m.scale);
    const Vec<T> slope = broadcast(m.slope), level = broadcast(m.level);
    sweep(q.n, q.dx, streamed, [=](int64_t i, auto read, auto write) {
        fetch(q.dy + i + ahead);
        fetch(q.x + i + ahead);
        const Vec<T> dy = read(q.dy + i), d = read(q.x + i) - m.near;
        write(q.dw + i, fma(dy, fma(d, scale, shift), read(q.dw + i)));
        write(q.db + i, read(q.db + i) + dy);
        return fma(dy * read(q.w + i), scale, fma(d, slope, level));
    });
}

// to[c] = the sum over all slots of the elements of weight c; a slot is `stride` past the last one.
template <class T>
static void fold_slots(const Norm& p, int64_t slots, int64_t stride, const T* sums, T* to) {
    if (!to) return;
    constexpr int64_t width = 64;
    const int64_t block = max<int64_t>(width / p.repeat, 1), work = slots * p.parameters;
    parallel_ranges(p.parameters, block, work, [&](int64_t begin, int64_t end) {
        for (int64_t c = begin; c < end; c += block) {
            const int64_t count = min(block, end - c), n = count * p.repeat;
            double total[width] = {};
            for (int64_t slot = 0; slot < slots; slot++)
                for (int64_t j = 0; j < n; j++)
                    total[j] += double(sums[slot * stride + c * p.repeat + j]);
            for (int64_t j = 0; j < count; j++) {
                double sum = 0;
                for (int64_t i = 0; i < p.repeat; i++) sum += total[j * p.repeat + i];
                to[c + j] = T(sum);
            }
        }
    });
}

// Rows that add to one slot of sums: bounds the rounding, and the slots' share of the traffic.
static int64_t rows_of_slot(const Norm& p) {
    return round_up(max<int64_t>(min<int64_t>(p.runs / 32, 256), 16), p.period);
}

template <class T>
void rows_backward(const Norm& p, const T* dy, const T* x, const T* weight, const double* mean,
                   const double* var, T* dx, T* dweight, T* dbias) {
    const int64_t pieces = ceil_div(p.length, kPiece<T>), elements = p.period * p.length;
    const bool whole = 3 * p.length * int64_t(sizeof(T)) <= kCachedBytes, streamed = streams(p, dx);
    const int64_t slot_rows = whole ? rows_of_slot(p) : max<int64_t>(p.runs, 1);
    const int64_t slots = ceil_div(p.runs, slot_rows);
    const int64_t work = p.runs * (p.length / kLanes<T> + 8) * 8;
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
        Pair sum;
        gradient_sums<true, 1>(q.dy, q.x, 0, q.w, 0, q.n, mean + run, &sum);
        return sum;
    };
    const auto clear = [&](int64_t from, int64_t n) {
        __builtin_memset(sums + from, 0, size_t(n) * sizeof(T));
    };
    const auto finish = [&](int64_t run, Pair sum) {
        const RowMap<T> map = row_map<T>(p, sum, mean[run], var[run]);
        for (int64_t k = 0; k < pieces; k++)
            row_gradient(piece(run, k), map, kRowsAtOnce * p.length, streamed);
    };
    if (whole) {
        parallel_for(slots, work, [&](int64_t slot, int) {
            clear(slot * 2 * elements, 2 * elements);
            const int64_t end = min((slot + 1) * slot_rows, p.runs);
            int64_t run = slot * slot_rows;
            if (pieces == 1 && p.period == 1)  // short rows: together
                for (; run + kRowsAtOnce <= end; run += kRowsAtOnce) {
                    const RowPiece<T> q = piece(run, 0);
                    Pair sum[kRowsAtOnce];
                    gradient_sums<true, kRowsAtOnce>(q.dy, q.x, p.length, q.w, 0, q.n, mean + run,
                                                     sum);
                    for (int r = 0; r < kRowsAtOnce; r++) finish(run + r, sum[r]);
                }
            for (; run < end; run++) {
                Pair sum{0, 0};
                for (int64_t k = 0; k < pieces; k++) sum += sum_of(run, k);
                finish(run, sum);
            }
            stream_fence();
        });
    } else {  // long rows: cut by pieces, each of which takes all rows in order
        const memory::Scratch pairs(size_t(p.runs * pieces) * sizeof(Pair));
        Pair* const sum = pairs.as<Pair>();
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
                row_gradient(piece(run, k), map, p.length, streamed);
            }
            stream_fence();
        });
    }
    fold_slots(p, slots, 2 * elements, sums, dweight);
    fold_slots(p, slots, 2 * elements, sums + elements, dbias);
}

template void rows_backward(const Norm&, const float*, const float*, const float*, const double*,
                            const double*, float*, float*, float*);
template void rows_backward(const Norm&, const double*, const double*, const double*, const double*,
                            const double*, double*, double*, double*);

}  // namespace tatami::TATAMI_ISA
