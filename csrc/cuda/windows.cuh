// The windows of pooling along one axis, as kernels see them:
//
//   int64_t size, out         pixels and windows
//   Taps taps(o)              the taps of window o that lie inside the image
//   int64_t divisor(o)        what the mean divides by along this axis
//   Range over(pixel)         the windows that reach over a pixel
//   bool holds(o, pixel)      whether one of these has a tap there
//   bool begins(o, pixel)     whether that tap is its first inside the image
#pragma once

#include "cuda/divide.cuh"
#include "ops/pool2d.h"

namespace tatami::cuda {

struct Taps {
    int64_t first, count, step;  // pixels first, first + step, ...
};

struct Range {
    int64_t begin, end;
};

// Windows of one kernel, `stride` apart.
struct SteppedWindows {
    int64_t size, out, kernel, stride, dilation, before, after;
    Divisor kind;
    Divider by_stride, by_dilation;

    SteppedWindows(const WindowAxis& a, Divisor kind)
        : size(a.size),
          out(a.out),
          kernel(a.kernel),
          stride(a.stride),
          dilation(a.dilation),
          before(a.before),
          after(a.after),
          kind(kind),
          by_stride(a.stride),
          by_dilation(a.dilation) {}

    // Whether all windows have one divisor, and so the first one's.
    bool uniform() const {
        const int64_t room = size + (kind == Divisor::padded ? before + after : 0);
        const bool whole = (out - 1) * stride + (kernel - 1) * dilation < room;
        return kind == Divisor::one || (whole && (kind == Divisor::padded || before == 0));
    }
    int64_t first_divisor() const { return kind == Divisor::one ? 1 : kernel; }

    TATAMI_DEVICE Taps taps(int64_t o) const {
        const int64_t start = o * stride - before;
        const int64_t skipped = start < 0 ? by_dilation.up(-start) : 0;
        const int64_t fitting = by_dilation.up(size - start);
        const int64_t end = fitting < kernel ? fitting : kernel;
        return {start + skipped * dilation, end - skipped, dilation};
    }
    TATAMI_DEVICE int64_t divisor(int64_t o) const {
        if (kind == Divisor::one) return 1;
        if (kind == Divisor::image) return taps(o).count;
        const int64_t fitting = by_dilation.up(size + after + before - o * stride);
        return fitting < kernel ? fitting : kernel;
    }
    TATAMI_DEVICE Range over(int64_t pixel) const {
        const int64_t at = pixel + before, behind = at - (kernel - 1) * dilation - 1;
        const int64_t end = by_stride(at) + 1;
        return {behind < 0 ? 0 : by_stride(behind) + 1, end < out ? end : out};
    }
    TATAMI_DEVICE bool holds(int64_t o, int64_t pixel) const {
        return by_dilation.divides(pixel + before - o * stride);
    }
    TATAMI_DEVICE bool begins(int64_t o, int64_t pixel) const {
        return pixel < dilation || pixel - dilation < o * stride - before;
    }
};

// Window o covers [o · size / out, (o + 1) · size / out), the begin rounded down and the end up.
struct SharedWindows {
    int64_t size, out;
    Divider by_size, by_out;

    SharedWindows(int64_t size, int64_t out) : size(size), out(out), by_size(size), by_out(out) {}

    bool uniform() const { return out > 0 && size % out == 0; }
    int64_t first_divisor() const { return size / out; }

    TATAMI_DEVICE Taps taps(int64_t o) const {
        const int64_t first = by_out(o * size);
        return {first, by_out.up((o + 1) * size) - first, 1};
    }
    TATAMI_DEVICE int64_t divisor(int64_t o) const { return taps(o).count; }
    TATAMI_DEVICE Range over(int64_t pixel) const {
        return {by_size(pixel * out), by_size.up((pixel + 1) * out)};
    }
    TATAMI_DEVICE bool holds(int64_t, int64_t) const { return true; }
    TATAMI_DEVICE bool begins(int64_t o, int64_t pixel) const { return pixel == by_out(o * size); }
};

}  // namespace tatami::cuda
