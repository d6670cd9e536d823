// The gradient of max pooling: every dy is added to the pixel that its index names, in the order of
// the windows. Bands of a plane are independent tasks; each visits the windows that reach over it.
#pragma once

#include "cpu/copy.h"
#include "cpu/parallel.h"
#include "cpu/windows.h"

namespace tatami::TATAMI_ISA {

struct ScatterSizes {
    int64_t planes, rows, columns;  // of dx
    int64_t out_rows, out_columns;  // of dy and indices
};

// Pixels [begin, begin + pixels) of a plane.
template <class T>
struct Band {
    int64_t begin, pixels;
    T* dx;
};

// Which unexpected indices were met.
struct Strays {
    bool outside_plane = false;
    bool outside_window = false;  // legal, but maybe in a band that did not look at this window
};

// Adds a row of dy; `window`: the pixels that its windows reach over.
template <class T>
TATAMI_INLINE void scatter_row(const Band<T>& band, Range window, int64_t plane, int64_t n,
                               const T* dy, const int64_t* indices, Strays& strays) {
    for (int64_t q = 0; q < n; q++) {
        const int64_t index = indices[q];
        const uint64_t at = uint64_t(index) - uint64_t(band.begin);
        if (at < uint64_t(band.pixels)) [[likely]]
            band.dx[at] += dy[q];
        else if (uint64_t(index) >= uint64_t(plane))
            strays.outside_plane = true;
        else if (index < window.begin || index >= window.end)
            strays.outside_window = true;
    }
}

inline constexpr int64_t kStreamedPlane = 16 << 10;  // bytes

// Rows that a task handles: few enough for the L2 cache and to keep every thread busy.
template <class T>
static int64_t band_rows(const ScatterSizes& s) {
    const int64_t fitting = (int64_t{128} << 10) / (s.columns * int64_t(sizeof(T)));
    const int64_t bands = max(ceil_div(s.rows, max<int64_t>(fitting, 1)),
                              ceil_div(4 * int64_t(num_threads()), s.planes));
    return max<int64_t>(ceil_div(s.rows, bands), min<int64_t>(s.rows, 8));
}

// dx (rows [first, end)) past the caches, by steps that stay in the L1 while add(band, o) adds the
// rows of windows. The last ones of a step reach into the rows of the next, which are kept.
template <class T, class RowsUnder, class Add>
TATAMI_INLINE void scatter_streamed(int64_t columns, int64_t first, int64_t end, Range windows,
                                    const RowsUnder& rows_under, T* dx, const Add& add) {
    int64_t reach = 0;
    for (int64_t o = windows.begin; o < windows.end; o++)
        reach = max(reach, rows_under(o).end - rows_under(o).begin);
    const int64_t fitting = (int64_t{12} << 10) / (columns * int64_t(sizeof(T)));
    const int64_t step = fitting > reach ? fitting : end - first;
    const memory::Scratch scratch(size_t((step + reach) * columns) * sizeof(T));
    T* const rows = scratch.as<T>();
    int64_t kept = 0, o = windows.begin;
    for (int64_t at = first; at < end; at += step) {
        const int64_t last = min(at + step, end), held = min(last + reach, end) - at;
        std::memset(rows + kept * columns, 0, size_t((held - kept) * columns) * sizeof(T));
        for (; o < windows.end && (last == end || rows_under(o).begin < last); o++)
            add(Band<T>{at * columns, held * columns, rows}, o);
        copy_row(dx + at * columns, rows, (last - at) * columns, true);
        kept = held - (last - at);
        std::memmove(rows, rows + (last - at) * columns, size_t(kept * columns) * sizeof(T));
    }
    stream_fence();
}

// windows_over(first, end): the rows of windows that reach over the rows [first, end) of the image;
// rows_under(o): the rows of the image under row o of windows. Both may give a few too many.
// False where an index lies outside its plane.
template <class T, class WindowsOver, class RowsUnder>
static bool scatter_planes(const ScatterSizes& s, const T* dy, const int64_t* indices, T* dx,
                           const WindowsOver& windows_over, const RowsUnder& rows_under) {
    const int64_t plane = s.rows * s.columns, out_plane = s.out_rows * s.out_columns;
    if (s.planes == 0 || plane == 0) return s.planes == 0 || out_plane == 0;
    // The few lines of a small plane are not worth waiting until they are streamed.
    const bool streamed = s.planes * plane * int64_t(sizeof(T)) >= kStreamBytes &&
                          plane * int64_t(sizeof(T)) >= kStreamedPlane;
    Strays all;
    const auto scatter = [&](int64_t i, int64_t first, int64_t end, Range windows, bool direct) {
        Strays strays;
        const auto add = [&](const Band<T>& band, int64_t o) {
            const Range rows = rows_under(o);
            const int64_t at = i * out_plane + o * s.out_columns;
            scatter_row(band, {rows.begin * s.columns, rows.end * s.columns}, plane, s.out_columns,
                        dy + at, indices + at, strays);
        };
        if (direct) {
            const int64_t begin = first * s.columns, pixels = (end - first) * s.columns;
            const Band<T> band{begin, pixels, dx + i * plane + begin};
            std::memset(band.dx, 0, size_t(pixels) * sizeof(T));
            for (int64_t o = windows.begin; o < windows.end; o++) add(band, o);
        } else {
            scatter_streamed(s.columns, first, end, windows, rows_under, dx + i * plane, add);
        }
        if (strays.outside_plane) __atomic_store_n(&all.outside_plane, true, __ATOMIC_RELAXED);
        if (strays.outside_window) __atomic_store_n(&all.outside_window, true, __ATOMIC_RELAXED);
    };
    const int64_t rows = band_rows<T>(s), bands = ceil_div(s.rows, rows);
    parallel_ranges(s.planes * bands, 1, s.planes * (out_plane + plane / kLanes<T>),
                    [&](int64_t begin, int64_t end_task) {
                        for (int64_t task = begin; task < end_task; task++) {
                            const int64_t first = task % bands * rows;
                            const int64_t end = min(s.rows, first + rows);
                            scatter(task / bands, first, end, windows_over(first, end), !streamed);
                        }
                    });
    if (all.outside_window && !all.outside_plane)
        for (int64_t i = 0; i < s.planes; i++) scatter(i, 0, s.rows, {0, s.out_rows}, true);
    return !all.outside_plane;
}

}  // namespace tatami::TATAMI_ISA
