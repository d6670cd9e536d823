// Pooling whose one window is the whole plane: a run of memory.
#pragma once

#include <cstring>

#include "cpu/argmax.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct JoinMax {
    static constexpr T kStart = -T(__builtin_inf());
    TATAMI_INLINE static Vec<T> join(Vec<T> a, Vec<T> b) { return max_nan<T>(a, b); }
    TATAMI_INLINE static T join(T a, T b) { return ((a > b) | (a != a)) ? a : b; }
};

template <class T>
struct JoinSum {
    static constexpr T kStart = 0;
    TATAMI_INLINE static Vec<T> join(Vec<T> a, Vec<T> b) { return a + b; }
    TATAMI_INLINE static T join(T a, T b) { return a + b; }
};

// The fold of x (n): four chains of packs, joined pairwise, so that its tree depends on n alone.
template <class T, class Op>
TATAMI_INLINE T fold_run(const T* x, int64_t n) {
    constexpr int64_t step = kPack<T>;
    const auto join = [](Vec<T> a, Vec<T> b) { return Op::join(a, b); };
    Pack<T> chain[4];
    for (Pack<T>& c : chain) c = broadcast_pack(Op::kStart);
    int64_t i = 0;
    for (; i + 4 * step <= n; i += 4 * step)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) chain[k] = map<T>(join, chain[k], load_pack(x + i + k * step));
    for (int k = 0; i < n; i += step, k++)
        chain[k] = map<T>(join, chain[k], load_pack_first(x + i, min(step, n - i), T(Op::kStart)));
    const Pack<T> all =
        map<T>(join, map<T>(join, chain[0], chain[1]), map<T>(join, chain[2], chain[3]));
    return fold_pack(all, join);
}

// use(plane) for each, on all threads.
template <class T, class Use>
TATAMI_INLINE void for_planes(int64_t planes, int64_t size, const Use& use) {
    const int64_t work = planes * (size / kLanes<T> + 8);
    parallel_ranges(planes, 1, work, [&](int64_t begin, int64_t end) {
        for (int64_t plane = begin; plane < end; plane++) use(plane);
    });
}

// The first element that hit(vector) is true of; there is one. Lanes remember their own first one,
// so that only blocks of vectors end in a branch.
template <class T, class Hit>
TATAMI_INLINE int64_t first_hit(const T* x, int64_t n, const Hit& hit) {
    constexpr int64_t kBlock = 16 * kLanes<T>;
    for (int64_t begin = 0;; begin += kBlock) {
        Mask<T> place = detail::lane_numbers<T>(detail::Lanes<T>{});
        Mask<T> first = Mask<T>{} + Int<T>(kBlock);
        for (int64_t i = begin; i < min(n, begin + kBlock); i += kLanes<T>) {
            const Mask<T> better = hit(load_some(x + i, n - i)) & (place < first);
            first = better ? place : first;
            place += Int<T>(kLanes<T>);
        }
        int64_t least = kBlock;
        for (int i = 0; i < kLanes<T>; i++) least = min<int64_t>(least, first[i]);
        if (least < kBlock) return begin + least;
    }
}

// x (planes, size) -> y (planes) and, unless nullptr, where in its plane the first maximum stands.
template <class T>
void max_of_planes(int64_t planes, int64_t size, const T* x, T* y, int64_t* indices) {
    for_planes<T>(planes, size, [&](int64_t plane) {
        const T* const from = x + plane * size;
        const T most = y[plane] = fold_run<T, JoinMax<T>>(from, size);
        if (!indices) return;
        indices[plane] = most == most
                             ? first_hit(from, size, [=](Vec<T> v) { return v == broadcast(most); })
                             : first_hit(from, size, [](Vec<T> v) { return v != v; });
    });
}

// x (planes, size) -> y (planes) = sum / divisor
template <class T>
void mean_of_planes(int64_t planes, int64_t size, T divisor, const T* x, T* y) {
    for_planes<T>(planes, size, [&](int64_t plane) {
        y[plane] = fold_run<T, JoinSum<T>>(x + plane * size, size) / divisor;
    });
}

// dx (planes, size) = dy (planes) / divisor
template <class T>
void spread_over_planes(int64_t planes, int64_t size, T divisor, const T* dy, T* dx) {
    for_planes<T>(planes, size, [&](int64_t plane) {
        const Vec<T> each = broadcast(dy[plane] / divisor);
        T* const to = dx + plane * size;
        int64_t i = 0;
        for (; i + kLanes<T> <= size; i += kLanes<T>) store(to + i, each);
        if (i < size) store_first(to + i, each, size - i);
    });
}

// dx (planes, size) = 0 but for dy (planes) where indices (planes) say; false where one is outside.
template <class T>
bool place_in_planes(int64_t planes, int64_t size, const T* dy, const int64_t* indices, T* dx) {
    bool inside = true;
    for_planes<T>(planes, size, [&](int64_t plane) {
        T* const to = dx + plane * size;
        std::memset(to, 0, size_t(size) * sizeof(T));
        const uint64_t at = uint64_t(indices[plane]);
        if (at < uint64_t(size))
            to[at] += dy[plane];
        else
            __atomic_store_n(&inside, false, __ATOMIC_RELAXED);
    });
    return inside;
}

}  // namespace tatami::TATAMI_ISA
