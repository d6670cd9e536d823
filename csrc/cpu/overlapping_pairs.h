// The gradient of max pooling by windows of 3x3 that stand two apart. A row of windows owns two
// rows of pixels, its upper and its middle one; its lower one is the next row's upper one, so what
// it gets is carried there. Likewise along the columns: of each pair of pixels one belongs to a
// window alone and one is shared with its neighbour. Every pixel is written once.
#pragma once

#include "cpu/expand.h"

namespace tatami::TATAMI_ISA {

// No window reaches past the end, and rows fill their vectors well.
template <class T>
TATAMI_INLINE bool in_overlapping_pairs(const Pool2d& p) {
    const auto along = [](const WindowAxis& a) {
        return a.kernel == 3 && a.stride == 2 && a.dilation == 1 && a.before <= 1 &&
               2 * a.out - a.before < a.size;
    };
    const int64_t out = p.columns.out;
    return along(p.rows) && along(p.columns) && out > kLanes<T> &&
           4 * out >= 3 * round_up(out, kLanes<T>);
}

// kLanes windows: dy and how far behind their first pixels the indices are, -1 for none.
template <class T>
struct Chosen {
    Mask<T> distance = Mask<T>{} - 1;
    Vec<T> value{};
};

// Lanes First, First + 1, ... of both.
template <class T, int First>
TATAMI_INLINE Chosen<T> joined(const Chosen<T>& a, const Chosen<T>& b) {
    const auto lanes = [](Vec<T> low, Vec<T> high) {
        return detail::joined<T, First>(low, high, detail::Lanes<T>{});
    };
    return {(Mask<T>)lanes((Vec<T>)a.distance, (Vec<T>)b.distance), lanes(a.value, b.value)};
}

// A row of windows: dy (count), indices (count), the first window's first pixel.
template <class T>
struct WindowLine {
    const T* dy;
    const int64_t* indices;
    int64_t count, base;

    // Windows q, q + 1, ...
    TATAMI_INLINE Chosen<T> read(int64_t q, Named<T>& named) const {
        const int64_t n = max<int64_t>(0, min<int64_t>(kLanes<T>, count - q)), first = base + 2 * q;
        if (n == 0) return {};
        const auto pixels = [=](int64_t lane) {
            return 2 * detail::lane_numbers<double>(detail::Lanes<double>{}) + (first + 2 * lane);
        };
        const Mask<T> distance = distances<T>(indices + q, n, pixels, named);
        return {first_lanes<T>(n) ? distance : Mask<T>{} - 1, load_some(dy + q, n)};
    }
};

// Writes the upper and the middle row of pixels, (size) each, where there are such rows. carried
// (2 · kLanes for each kLanes pairs of pixels): what the row of windows before gives to the upper
// one; then what this one gives to the next.
template <class T, int Before>
TATAMI_INLINE void expand_line(const WindowLine<T>& line, int64_t size, T* carried, T* upper,
                               T* middle, Named<T>& all_named) {
    constexpr int n = kLanes<T>;
    Named<T> named = all_named;  // stores cannot change a local
    Chosen<T> last, now = line.read(0, named);
    for (int64_t m = 0; 2 * m < size; m += n, carried += 2 * n) {
        const Chosen<T> next = line.read(m + n, named);
        // Whose last, and whose first tap the shared pixels are.
        const Chosen<T> left = Before ? now : joined<T, n - 1>(last, now);
        const Chosen<T> right = Before ? joined<T, 1>(now, next) : now;
        const auto add = [&](const Chosen<T>& chosen, int64_t tap, Vec<T> sum) {
            const Mask<T> here = chosen.distance == Int<T>(tap);
            named.hits += here;
            return select<T>(here, sum + chosen.value, sum);
        };
        const auto alone = [&](int64_t row, Vec<T> sum) { return add(now, row * size + 1, sum); };
        const auto shared = [&](int64_t row, Vec<T> sum) {
            return add(right, row * size, add(left, row * size + 2, sum));
        };
        const auto write = [&](T* to, Vec<T> of_one, Vec<T> of_two) {
            store_pairs<T>(to + 2 * m, size - 2 * m, Before ? of_one : of_two,
                           Before ? of_two : of_one);
        };
        if (upper) write(upper, alone(0, load(carried)), shared(0, load(carried + n)));
        if (middle) write(middle, alone(1, Vec<T>{}), shared(1, Vec<T>{}));
        store(carried, alone(2, Vec<T>{}));
        store(carried + n, shared(2, Vec<T>{}));
        last = now;
        now = next;
    }
    all_named = named;
}

// Pairs [begin, end) of rows of pixels of all planes, the first pair of a plane begins
// p.rows.before rows in front of it. False where an index names a pixel outside its window.
template <class T, int Before>
static bool expand_overlapping(const Pool2d& p, const T* dy, const int64_t* indices, T* dx,
                               bool streamed, int64_t begin, int64_t end) {
    const WindowAxis rows = p.rows, columns = p.columns;
    const int64_t pairs = ceil_div(rows.size + rows.before, 2), size = columns.size;
    const int64_t room = 2 * round_up(ceil_div(size, 2), kLanes<T>);
    const memory::Scratch scratch(size_t(room) * sizeof(T));
    T* const carried = scratch.as<T>();
    const auto line = [&](int64_t plane, int64_t o) {
        const int64_t at = (plane * rows.out + o) * columns.out;
        return WindowLine<T>{dy + at, indices + at, o < rows.out ? columns.out : 0,
                             (2 * o - rows.before) * size - Before};
    };
    const int64_t first = max<int64_t>(0, begin % pairs * 2 - rows.before);
    RowStream<T> results(dx + (begin / pairs * rows.size + first) * size, size, streamed, 2);
    Named<T> named, before;
    int64_t windows = 0;
    for (int64_t i = begin; i < end; i++) {
        const int64_t plane = i / pairs, o = i % pairs;
        if (o == 0) std::memset(carried, 0, size_t(room) * sizeof(T));
        if (o > 0 && i == begin)
            expand_line<T, Before>(line(plane, o - 1), size, carried, nullptr, nullptr, before);
        const bool upper = 2 * o >= rows.before, middle = 2 * o + 1 - rows.before < rows.size;
        T* const to = results.next(upper + middle);
        const WindowLine<T> own = line(plane, o);
        expand_line<T, Before>(own, size, carried, upper ? to : nullptr,
                               middle ? (upper ? to + size : to) : nullptr, named);
        windows += own.count;
    }
    return named.all(windows);
}

// As expand_planes.
template <class T>
static bool expand_overlapping_planes(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    const int64_t pixels = p.planes * p.rows.size * p.columns.size;
    const bool streamed = pixels * int64_t(sizeof(T)) >= kStreamBytes;
    bool strayed = false;
    parallel_ranges(p.planes * ceil_div(p.rows.size + p.rows.before, 2), 1, pixels / kLanes<T> * 12,
                    [&](int64_t begin, int64_t end) {
                        const auto run =
                            p.columns.before ? expand_overlapping<T, 1> : expand_overlapping<T, 0>;
                        if (!run(p, dy, indices, dx, streamed, begin, end))
                            __atomic_store_n(&strayed, true, __ATOMIC_RELAXED);
                    });
    return !strayed;
}

}  // namespace tatami::TATAMI_ISA
