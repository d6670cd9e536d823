// The gradients of pooling by windows of 2x2 side by side: every row of windows writes its two rows
// of pixels once, each dy to the one of its pixels that the index names or its share to all four.
#pragma once

#include "cpu/argmax.h"

namespace tatami::TATAMI_ISA {

// What was met: how many indices named a pixel of their window (negative, by lanes), and all bits
// of the distances from the windows' first pixels.
template <class T>
struct Named {
    Mask<T> hits{};
    Mask<double> distances{};

    // v where the distance is that of a tap.
    TATAMI_INLINE Vec<T> at(Mask<T> distance, int64_t tap, Vec<T> v) {
        const Mask<T> here = distance == Int<T>(tap);
        hits += here;
        return select<T>(here, v, Vec<T>{});
    }

    // Whether all distances are numbers of 31 bits.
    TATAMI_INLINE bool near() const {
        int64_t bits = 0;
        for (int i = 0; i < kLanes<double>; i++) bits |= distances[i];
        return bits >> 31 == 0;
    }

    // Whether all of `count` did.
    TATAMI_INLINE bool all(int64_t count) const {
        int64_t sum = 0;
        for (int i = 0; i < kLanes<T>; i++) sum += hits[i];
        return sum == -count && near();
    }
};

// How far the first `n` indices lie behind the first pixels of their windows, 0 in the other lanes.
// pixels(lane): such pixels, as many as a vector of doubles has lanes.
template <class T, class Pixels>
TATAMI_INLINE Mask<T> distances(const int64_t* indices, int64_t n, const Pixels& pixels,
                                Named<T>& named) {
    constexpr int64_t half = kLanes<double>;
    const auto part = [&](int64_t first) {
        const Mask<double> own = pixels(first);
        const int64_t left = max<int64_t>(0, min(half, n - first));
        Mask<double> index = own;
        if (left == half)
            index = load_wide(indices + first);
        else if (left > 0)
            index = (Mask<double>)select<double>(
                first_lanes<double>(left),
                load_first(reinterpret_cast<const double*>(indices + first), left),
                (Vec<double>)own);
        index = (Mask<double>)((Wide)index - (Wide)own);  // wraps around where an index is wild
        named.distances |= index;
        return index;
    };
    if constexpr (sizeof(T) == 8)
        return part(0);
    else
        return (Mask<T>)detail::even_lanes<T>((Vec<T>)part(0), (Vec<T>)part(half),
                                              detail::Lanes<T>{});
}

// to (2, size): each dy where its index says; its window starts at base + 2q.
template <class T>
TATAMI_INLINE void expand_rows(const T* dy, const int64_t* indices, int64_t windows, int64_t base,
                               int64_t size, T* to, Named<T>& named) {
    constexpr int64_t n = kLanes<T>;
    for (int64_t q = 0; 2 * q < size; q += n) {
        const int64_t count = max<int64_t>(0, min(n, windows - q)), left = size - 2 * q;
        const auto pixels = [=](int64_t lane) {
            return 2 * detail::lane_numbers<double>(detail::Lanes<double>{}) +
                   (base + 2 * (q + lane));
        };
        const Mask<T> distance = distances<T>(indices + q, count, pixels, named);
        const Vec<T> v = load_some(dy + q, count);
        store_pairs<T>(to + 2 * q, left, named.at(distance, 0, v), named.at(distance, 1, v));
        store_pairs<T>(to + size + 2 * q, left, named.at(distance, size, v),
                       named.at(distance, size + 1, v));
    }
}

// Pairs [begin, end) of all planes' pairs of rows: rows(i, o, to) writes both rows of pixels of row
// i of all planes' rows of windows, which is row o in its plane.
template <class T, class Rows>
TATAMI_INLINE void expand_pairs(const Pool2d& p, T* dx, bool streamed, int64_t begin, int64_t end,
                                const Rows& rows) {
    const int64_t height = p.rows.size, size = p.columns.size, pairs = ceil_div(height, 2);
    const int64_t first = begin / pairs * height + begin % pairs * 2;
    RowStream<T> results(dx + first * size, size, streamed, 2);
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / pairs, o = i % pairs;
        if (o == p.rows.out)  // the last one of an odd number of rows
            std::memset(results.next(), 0, size_t(size) * sizeof(T));
        else
            rows(plane * p.rows.out + o, o, results.next(2));
    }
}

// The same for all pairs, in ranges that threads share: task(run) calls run(rows) for its range.
template <class T, class Task>
static void for_pairs(const Pool2d& p, T* dx, const Task& task) {
    const int64_t pixels = p.planes * p.rows.size * p.columns.size;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    parallel_ranges(
        p.planes * ceil_div(p.rows.size, 2), 1, pixels / kLanes<T> * 8,
        [&](int64_t begin, int64_t end) {
            task([&](const auto& rows) { expand_pairs(p, dx, streamed, begin, end, rows); });
        });
}

// False, with dx unspecified, where an index names a pixel outside its window.
template <class T>
static bool expand_planes(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    const int64_t windows = p.columns.out, size = p.columns.size;
    bool strayed = false;
    for_pairs(p, dx, [&](const auto& run) {
        Named<T> named;
        int64_t lanes = 0;
        run([&](int64_t i, int64_t o, T* to) {
            expand_rows(dy + i * windows, indices + i * windows, windows, 2 * o * size, size, to,
                        named);
            lanes += round_up(ceil_div(size, 2), kLanes<T>);
        });
        if (!named.all(lanes)) __atomic_store_n(&strayed, true, __ATOMIC_RELAXED);
    });
    return !strayed;
}

// dx = dy / divisor in all four pixels of each window.
template <class T>
static void share_planes(const Pool2d& p, const T* dy, T divisor, T* dx) {
    const int64_t windows = p.columns.out, size = p.columns.size;
    const Vec<T> scale = broadcast(T(1) / divisor);
    for_pairs(p, dx, [=](const auto& run) {
        run([=](int64_t i, int64_t, T* to) {
            for (int64_t q = 0; 2 * q < size; q += kLanes<T>) {
                const int64_t count = max<int64_t>(0, min<int64_t>(kLanes<T>, windows - q));
                const Vec<T> v = fma(load_some(dy + i * windows + q, count), scale, Vec<T>{});
                store_pairs<T>(to + 2 * q, size - 2 * q, v, v);
                store_pairs<T>(to + size + 2 * q, size - 2 * q, v, v);
            }
        });
    });
}

}  // namespace tatami::TATAMI_ISA
