// Images read at any places, a vector of places at a time: where they lie is found once and serves
// all channels. Pixels are fetched one by one, which is as fast as the gathers of this hardware.
#include "ops/grid_sample.h"

#include "cpu/parallel.h"
#include "cpu/strided.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
using Lane = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

// Vector operations for a vector of places, and of one channel there, roughly.
inline constexpr int64_t kPlaceCost = 40, kFetchCost = 50;

// Where places lie along one axis.
template <class T>
struct Place {
    Mask<T> low, high;          // the pixels on both sides, 0 for those outside the image
    Mask<T> has_low, has_high;  // which of them are inside
    Mask<T> moves;              // where the place decides: not past the border
    Vec<T> above;               // the share of the higher pixel; NaN where the place is
};

template <class T>
TATAMI_INLINE Place<T> find(const GridSample& p, const GridSample::Axis& axis, Vec<T> place) {
    const T least = p.border ? T(0) : T(-2);  // where no pixel is near
    const T most = T(p.border ? axis.size - 1 : axis.size + 1);
    const Vec<T> wanted = fma(place, broadcast(T(axis.scale)), broadcast(T(axis.shift)));
    Vec<T> at = at_most<T>(at_least<T>(wanted, least), most);
    if (p.nearest) {
        const T rounder = T(sizeof(T) == 4 ? 0x1.8p23 : 0x1.8p52);
        at = (at + rounder) - rounder;
    }
    const Vec<T> number = detail::larger_or_second<T>(at, broadcast(least));  // not NaN
    Mask<T> low = __builtin_convertvector(number, Mask<T>);
    low += __builtin_convertvector(low, Vec<T>) > number;  // towards zero so far; true is -1
    const Mask<T> high = low + 1;
    const auto size = Lane<T>(axis.size);
    const Mask<T> has_low = (low >= 0) & (low < size), has_high = (high >= 0) & (high < size);
    return {low & has_low,
            high & has_high,
            has_low,
            has_high,
            (wanted > least) & (wanted < most),
            at - __builtin_convertvector(low, Vec<T>)};
}

// A vector of places in the image: its four pixels and their weights.
template <class T>
struct Corners {
    Place<T> v, h;
    Lane<T> index[4][kLanes<T>];  // above left, above right, below left, below right
    Mask<T> inside[4];

    // count <= kLanes places from `grid` on.
    TATAMI_INLINE Corners(const GridSample& p, const T* grid, int64_t count) {
        const Vec<T> a = load_first(grid, min<int64_t>(2 * count, kLanes<T>));
        const Vec<T> b = load_first(grid + kLanes<T>, max<int64_t>(2 * count - kLanes<T>, 0));
        h = find<T>(p, p.horizontal, detail::even_lanes<T>(a, b, detail::Lanes<T>{}));
        v = find<T>(p, p.vertical, detail::odd_lanes<T>(a, b, detail::Lanes<T>{}));
        const auto width = Lane<T>(p.horizontal.size);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            const Mask<T> at = (k & 2 ? v.high : v.low) * width + (k & 1 ? h.high : h.low);
            std::memcpy(index[k], &at, sizeof at);
            inside[k] = (k & 2 ? v.has_high : v.has_low) & (k & 1 ? h.has_high : h.has_low);
        }
    }

    TATAMI_INLINE Vec<T> fetch(const T* plane, int k) const {
        T lane[kLanes<T>];
#pragma GCC unroll 16
        for (int i = 0; i < kLanes<T>; i++) lane[i] = plane[index[k][i]];
        return select<T>(inside[k], load(lane), Vec<T>{});
    }

    TATAMI_INLINE Vec<T> weight(int k) const {
        return (k & 2 ? v.above : T(1) - v.above) * (k & 1 ? h.above : T(1) - h.above);
    }
};

// body(image, first, count) for the vectors of all images' places, shared among threads.
template <class T, class Body>
TATAMI_INLINE void each_vector(const GridSample& p, const Body& body) {
    const int64_t vectors = ceil_div(p.pixels, kLanes<T>), all = p.images * vectors;
    const int64_t work = all * (kPlaceCost + p.channels * kFetchCost);
    parallel_ranges(all, 1, work, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            const int64_t first = i % vectors * kLanes<T>;
            body(i / vectors, first, min<int64_t>(kLanes<T>, p.pixels - first));
        }
    });
}

template <class T>
static void forward(const GridSample& p, const T* x, const T* grid, T* y) {
    const int64_t plane = p.vertical.size * p.horizontal.size;
    each_vector<T>(p, [&](int64_t image, int64_t first, int64_t count) {
        const Corners<T> at(p, grid + (image * p.pixels + first) * 2, count);
        Vec<T> weight[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) weight[k] = at.weight(k);
        for (int64_t c = image * p.channels; c < (image + 1) * p.channels; c++) {
            Vec<T> sum = at.fetch(x + c * plane, 0) * weight[0];
#pragma GCC unroll 4
            for (int k = 1; k < 4; k++) sum = fma(at.fetch(x + c * plane, k), weight[k], sum);
            store_first(y + c * p.pixels + first, sum, count);
        }
    });
}

template <class T>
static void input_grad(const GridSample& p, const T* dy, const T* grid, T* dx) {
    const int64_t plane = p.vertical.size * p.horizontal.size, planes = p.images * p.channels;
    const int64_t vectors = ceil_div(p.pixels, kLanes<T>);
    parallel_for(planes, planes * vectors * (kPlaceCost + 2 * kFetchCost), [&](int64_t c, int) {
        T* to = dx + c * plane;
        for (int64_t i = 0; i < plane; i++) to[i] = 0;
        for (int64_t first = 0; first < p.pixels; first += kLanes<T>) {
            const int64_t count = min<int64_t>(kLanes<T>, p.pixels - first);
            const Corners<T> at(p, grid + (c / p.channels * p.pixels + first) * 2, count);
            const Vec<T> g = load_first(dy + c * p.pixels + first, count);
            T share[4][kLanes<T>];
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                store(share[k], select<T>(at.inside[k], g * at.weight(k), Vec<T>{}));
            for (int64_t i = 0; i < count;
                 i++)  // a place after the other, for any width of vectors
                for (int k = 0; k < 4; k++) to[at.index[k][i]] += share[k][i];
        }
    });
}

template <class T>
static void grid_grad(const GridSample& p, const T* dy, const T* x, const T* grid, T* dgrid) {
    const int64_t plane = p.vertical.size * p.horizontal.size;
    each_vector<T>(p, [&](int64_t image, int64_t first, int64_t count) {
        const int64_t place = (image * p.pixels + first) * 2;
        const Corners<T> at(p, grid + place, count);
        const Vec<T> down = at.v.above, right = at.h.above;
        Vec<T> by_row{}, by_column{};
        for (int64_t c = image * p.channels; c < (image + 1) * p.channels; c++) {
            const Vec<T> g = load_first(dy + c * p.pixels + first, count);
            const T* from = x + c * plane;
            const Vec<T> a = at.fetch(from, 0), b = at.fetch(from, 1);
            const Vec<T> d = at.fetch(from, 2), e = at.fetch(from, 3);
            by_column = fma(g, (b - a) * (T(1) - down) + (e - d) * down, by_column);
            by_row = fma(g, (d - a) * (T(1) - right) + (e - b) * right, by_row);
        }
        const Mask<T> decides = p.nearest ? Mask<T>{} : ~Mask<T>{};
        T both[2 * kLanes<T>];
        store_interleaved<T>(
            both, select<T>(at.h.moves & decides, by_column * T(p.horizontal.scale), Vec<T>{}),
            select<T>(at.v.moves & decides, by_row * T(p.vertical.scale), Vec<T>{}));
        std::memcpy(dgrid + place, both, size_t(2 * count) * sizeof(T));
    });
}

template <class T>
GridSampleKernels<T> grid_sample_kernels() {
    return {&forward<T>, &input_grad<T>, &grid_grad<T>};
}
template GridSampleKernels<float> grid_sample_kernels();
template GridSampleKernels<double> grid_sample_kernels();

}  // namespace tatami::TATAMI_ISA
