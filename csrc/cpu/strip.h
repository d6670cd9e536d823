// A source's rows copied with room for the padding, so that every tap reads at a fixed distance:
// (channels, phases of the stride, rows, pitch). Pixel (i, j) of the grid stands for element
// i·pitch + j, and tap t reads it at + offset[t].
#pragma once

#include "cpu/gather.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kStripBytes = 1 << 18;  // a quarter of L2

struct Strip {
    int64_t rows;                     // of the grid
    int64_t first_row, first_column;  // of the source, in steps of the stride: the least tap
    int64_t source_rows, pitch;
    int64_t phase_stride, channel_stride;
};

TATAMI_INLINE int64_t floor_div(int64_t a, int64_t b) {
    return (a >= 0 ? a : a - b + 1) / b;
}

// How far the taps reach from a pixel of the grid, in steps of the stride.
struct TapReach {
    int64_t low_h, high_h, low_w, high_w;
};

TATAMI_INLINE TapReach tap_reach(const GatherShape& g) {
    TapReach r{};
    for (int64_t t = 0; t < g.taps; t++) {
        const int64_t h = floor_div(g.tap[t].dh, g.stride_h),
                      w = floor_div(g.tap[t].dw, g.stride_w);
        r.low_h = t ? min(r.low_h, h) : h, r.high_h = t ? max(r.high_h, h) : h;
        r.low_w = t ? min(r.low_w, w) : w, r.high_w = t ? max(r.high_w, w) : w;
    }
    return r;
}

// Whether a strip for one row of the grid is of a sane size: a dilation into the padding may spread
// taps over any distance.
template <class T>
TATAMI_INLINE bool strip_fits(const GatherShape& g) {
    constexpr double kMostBytes = 1 << 26;
    const TapReach r = tap_reach(g);
    const double pixels = double(r.high_h - r.low_h + 1) * double(g.columns + r.high_w - r.low_w);
    return double(g.channels) * double(g.stride_h * g.stride_w) * pixels * sizeof(T) <= kMostBytes;
}

// Of so many rows of the grid.
TATAMI_INLINE Strip strip_of(const GatherShape& g, int64_t rows) {
    const auto [low_h, high_h, low_w, high_w] = tap_reach(g);
    const int64_t pitch = g.columns + high_w - low_w, source_rows = rows + high_h - low_h;
    const int64_t plane = source_rows * pitch;
    return {rows, low_h, low_w, source_rows, pitch, plane, g.stride_h * g.stride_w * plane};
}

// As many rows of the grid as fit kStripBytes, in strips of even height. Only where strip_fits.
template <class T>
TATAMI_INLINE Strip plan_strip(const GatherShape& g) {
    const Strip one = strip_of(g, 1);
    const int64_t reach = one.source_rows - 1;
    const int64_t row_bytes =
        max<int64_t>(g.channels, 1) * g.stride_h * g.stride_w * one.pitch * sizeof(T);
    const int64_t rows = max<int64_t>(min(g.rows, kStripBytes / row_bytes - reach), 1);
    return strip_of(g, ceil_div(g.rows, ceil_div(g.rows, rows)));
}

// The same in lower strips, where those of few images would leave a thread without work.
TATAMI_INLINE Strip shared_strip(const GatherShape& g, const Strip& s, int64_t images) {
    const int64_t threads = num_threads();
    const auto uneven = [&](int64_t rows) {
        const int64_t strips = images * ceil_div(g.rows, rows);
        return strips < 4 * threads && strips % threads != 0;
    };
    int64_t rows = s.rows;
    while (rows > 1 && uneven(rows)) rows--;
    if (uneven(rows)) return s;
    return strip_of(g, ceil_div(g.rows, ceil_div(g.rows, rows)));  // of even height
}

// offset (taps): where a tap of grid pixel 0 lies in a channel of the strip.
TATAMI_INLINE void strip_offsets(const GatherShape& g, const Strip& s, int64_t* offset) {
    for (int64_t t = 0; t < g.taps; t++) {
        const int64_t h = floor_div(g.tap[t].dh, g.stride_h),
                      w = floor_div(g.tap[t].dw, g.stride_w);
        const int64_t phase =
            (g.tap[t].dh - h * g.stride_h) * g.stride_w + g.tap[t].dw - w * g.stride_w;
        offset[t] = phase * s.phase_stride + (h - s.first_row) * s.pitch + w - s.first_column;
    }
}

// to (pitch): zeros but for [begin, end), which holds every stride-th of `from`. Whole vectors are
// stored: what lies past the pitch belongs to the next row.
template <class T>
TATAMI_INLINE void fill_row(T* to, int64_t pitch, const T* from, int64_t begin, int64_t end,
                            int64_t stride) {
    for (int64_t j = 0; j < begin; j += kLanes<T>) store(to + j, Vec<T>{});
    for (int64_t j = begin; j < end; j += kLanes<T>, from += kLanes<T> * stride) {
        const int64_t left = end - j;
        if (stride == 1)
            store(to + j, left >= kLanes<T> ? load(from) : load_first(from, left));
        else
            store(to + j, load_lanes_into(Vec<T>{}, from, stride,
                                          lane_bits(0, min<int64_t>(left, kLanes<T>))));
    }
    for (int64_t j = begin + round_up(end - begin, kLanes<T>); j < pitch; j += kLanes<T>)
        store(to + j, Vec<T>{});
}

// Fills a strip from grid row `row` of one image on, and one vector past it.
template <class T>
void fill_strip(const GatherShape& g, const Strip& s, const T* image, int64_t row, T* to) {
    for (int64_t c = 0; c < g.channels; c++, image += g.h * g.w)
        for (int64_t ph = 0; ph < g.stride_h; ph++)
            for (int64_t pw = 0; pw < g.stride_w; pw++) {
                const int64_t first = s.first_column * g.stride_w + pw;  // source column of pixel 0
                const int64_t begin = min(s.pitch, ceil_div(max<int64_t>(-first, 0), g.stride_w));
                const int64_t end =
                    min(s.pitch, ceil_div(max<int64_t>(g.w - first, 0), g.stride_w));
                for (int64_t r = 0; r < s.source_rows; r++, to += s.pitch) {
                    const int64_t source = (row + s.first_row + r) * g.stride_h + ph;
                    if (source < 0 || source >= g.h || begin >= end)
                        fill_row<T>(to, s.pitch, nullptr, 0, 0, 1);
                    else
                        fill_row(to, s.pitch, image + source * g.w + first + begin * g.stride_w,
                                 begin, end, g.stride_w);
                }
            }
    store(to, Vec<T>{});
}

}  // namespace tatami::TATAMI_ISA
