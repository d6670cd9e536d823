// Weight gradients of few channels as dot products over pixels: rows of dy times rows of a strip of
// x, a lane for each column of pixels. Nothing is transposed or packed, where through gemm.h both
// factors would be, for few products each.
//
// Lanes are those of a Pack and every cut is made by shape: the same bits on any number of threads
// and for any width of vectors.
#pragma once

#include "cpu/conv2d.h"
#include "cpu/parallel.h"
#include "cpu/strip.h"

namespace tatami::TATAMI_ISA {

// A tile's rows of dy by columns (c, tap) of x: as many chains as the registers hold beside a
// vector of each row and one of x.
inline constexpr int kDotRows = kRegisters == 32 ? 6 : 3;
inline constexpr int kMostDotColumns = 8;
TATAMI_INLINE constexpr int dot_columns(int64_t rows) {
    return min(kMostDotColumns, (kRegisters - 1) / int(rows) - 1);
}

// How one group's pixels are cut: a unit is a strip of an image.
struct DotPlan {
    Strip strip;
    int64_t strips, size;   // of an image, elements of one
    int64_t most;           // units at a time
    const int64_t* offset;  // (group_c, taps): where a column lies in a strip
};

// Few images are cut lower, but for strips of little more than their margins: units for all
// threads. The offset is left to dot_offsets.
template <class T>
TATAMI_INLINE DotPlan plan_dots(const GatherShape& g, int64_t images) {
    constexpr int64_t kUnits = 8, kLowest = 4;
    Strip strip = plan_strip<T>(g);
    const int64_t margin = strip.source_rows - strip.rows;
    const int64_t wanted =
        min(ceil_div(kUnits, max<int64_t>(images, 1)), g.rows / (kLowest + margin));
    if (wanted > ceil_div(g.rows, strip.rows)) strip = strip_of(g, ceil_div(g.rows, wanted));
    const int64_t size = round_up(g.channels * strip.channel_stride, kPack<T>) + kPack<T>;
    const int64_t most = max<int64_t>(kStripBytes / (size * int64_t(sizeof(T))), 1);
    return {strip, ceil_div(g.rows, strip.rows), size, most, nullptr};
}

// memory: taps · (1 + group_c).
TATAMI_INLINE const int64_t* dot_offsets(const GatherShape& g, const Strip& s, int64_t* memory) {
    int64_t *const tap = memory, *const offset = memory + g.taps;
    strip_offsets(g, s, tap);
    for (int64_t i = 0; i < g.channels * g.taps; i++)
        offset[i] = i / g.taps * s.channel_stride + tap[i % g.taps];
    return offset;
}

// Into how many parts the pixels are cut. By shape alone: small weights over many pixels, where
// the parts' own weights stay in cache and every thread finds work.
TATAMI_INLINE int64_t pixel_parts(int64_t pixels, int64_t weight_bytes) {
    int64_t parts = 1;
    while (parts < 16 && pixels / (2 * parts) >= 1024 && 2 * parts * weight_bytes <= (4 << 20))
        parts *= 2;
    return parts;
}

// Some units next to each other: dy of the group, the units' strips one after the other.
template <class T>
struct DotUnits {
    const DotPlan& plan;
    int64_t first, count;
    const T *dy, *strips;
};

// How a tile walks: the lanes of a Pack that one register holds, [begin, begin + kLanes) of every
// kPack columns, whole vectors up to `last` and `left` columns from there on.
template <class T, int C>
struct DotWalk {
    int64_t plane, columns, pitch;  // of dy, of dy, of the strip
    int64_t begin, last, left;
    int64_t offset[C];
};

// chain += the products of a unit's rows, those of O channels of dy by C columns of x.
template <class T, int O, int C>
TATAMI_INLINE void dot_rows(Vec<T> (&chain)[O][C], const DotWalk<T, C>& w, int64_t rows,
                            const T* dy, const T* x) {
    const auto add = [&](const T* dy, const T* x, const auto& read) {
        Vec<T> a[O];
#pragma GCC unroll 8
        for (int o = 0; o < O; o++) a[o] = read(dy + o * w.plane);
#pragma GCC unroll 8
        for (int c = 0; c < C; c++) {
            const Vec<T> b = read(x + w.offset[c]);
#pragma GCC unroll 8
            for (int o = 0; o < O; o++) chain[o][c] = fma(a[o], b, chain[o][c]);
        }
    };
    for (int64_t i = 0; i < rows; i++, dy += w.columns, x += w.pitch) {
        for (int64_t j = w.begin; j < w.last; j += kPack<T>)
            add(dy + j, x + j, [](const T* from) { return load(from); });
        // neither reads more: a pixel past them might be NaN
        if (w.left > 0)
            add(dy + w.last, x + w.last, [&](const T* from) { return load_first(from, w.left); });
    }
}

// to (O, C; row stride group_c · kh · kw) += the products of O rows of dy with C columns of x.
template <class T, int O, int C>
void dot_tile(const Conv2d& p, const DotUnits<T>& units, int64_t row, int64_t column, T* to) {
    const DotPlan& plan = units.plan;
    DotWalk<T, C> walk{p.oh * p.ow, p.ow, plan.strip.pitch, 0, 0, 0, {}};
    for (int c = 0; c < C; c++) walk.offset[c] = plan.offset[column + c];
    constexpr int kSums = min(8, kLanes<T>);  // at once
    Pack<T> sum[ceil_div(O * C, kSums)][kSums] = {};
    for (int part = 0; part < Pack<T>::kParts; part++) {
        walk.begin = walk.last = part * kLanes<T>;
        while (walk.last + kLanes<T> <= p.ow) walk.last += kPack<T>;
        walk.left = p.ow - walk.last;
        Vec<T> chain[O][C] = {};
        for (int64_t u = 0; u < units.count; u++) {
            const int64_t image = (units.first + u) / plan.strips;
            const int64_t top = (units.first + u) % plan.strips * plan.strip.rows;
            dot_rows(chain, walk, min(plan.strip.rows, p.oh - top),
                     units.dy + (image * p.o + row) * walk.plane + top * p.ow,
                     units.strips + u * plan.size);
        }
#pragma GCC unroll 32
        for (int i = 0; i < O * C; i++) sum[i / kSums][i % kSums].part[part] = chain[i / C][i % C];
    }
    T total[ceil_div(O * C, kSums)][kSums];
    for (int i = 0; i < ceil_div(O * C, kSums); i++) sum_packs(sum[i], total[i]);
    const int64_t width = p.group_c * p.kh * p.kw;
    for (int i = 0; i < O * C; i++) to[i / C * width + i % C] += total[i / kSums][i % kSums];
}

template <class T>
using DotTile = void (*)(const Conv2d& p, const DotUnits<T>& units, int64_t row, int64_t column,
                         T* to);

template <class T, int... I>
TATAMI_INLINE DotTile<T> dot_tile_for(int64_t rows, int64_t columns,
                                      std::integer_sequence<int, I...>) {
    constexpr int n = kMostDotColumns;
    static constexpr DotTile<T> table[] = {
        &dot_tile<T, I / n + 1, min(I % n + 1, dot_columns(I / n + 1))>...};
    return table[(rows - 1) * n + columns - 1];
}

// dweight (group_o, width) += the units' products, by tiles of even size.
template <class T>
void dot_units(const Conv2d& p, const DotUnits<T>& units, T* dweight) {
    const int64_t width = p.group_c * p.kh * p.kw, down = ceil_div(p.group_o, kDotRows);
    for (int64_t i = 0; i < down; i++) {
        const int64_t row = i * p.group_o / down, rows = (i + 1) * p.group_o / down - row;
        const int64_t across = ceil_div(width, dot_columns(rows));
        for (int64_t j = 0; j < across; j++) {
            const int64_t column = j * width / across, end = (j + 1) * width / across;
            const DotTile<T> tile = dot_tile_for<T>(
                rows, end - column, std::make_integer_sequence<int, kDotRows * kMostDotColumns>{});
            tile(p, units, row, column, dweight + row * width + column);
        }
    }
}

// dweight (group_o, group_c, kh, kw) = the products of one group's units [first, end).
template <class T>
void pixel_dots(const Conv2d& p, const GatherShape& g, const DotPlan& plan, int64_t first,
                int64_t end, const T* dy, const T* x, T* dweight) {
    const memory::Scratch strips(min(plan.most, end - first) * plan.size * sizeof(T));
    for (int64_t i = 0; i < p.group_o * p.group_c * p.kh * p.kw; i++) dweight[i] = T(0);
    for (; first < end; first += plan.most) {
        const DotUnits<T> units{plan, first, min(plan.most, end - first), dy, strips.as<T>()};
        for (int64_t u = 0; u < units.count; u++)
            fill_strip(g, plan.strip, x + (first + u) / plan.strips * g.image_stride,
                       (first + u) % plan.strips * plan.strip.rows, strips.as<T>() + u * plan.size);
        dot_units(p, units, dweight);
    }
}

}  // namespace tatami::TATAMI_ISA
