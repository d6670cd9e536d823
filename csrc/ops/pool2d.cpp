#include "ops/pool2d.h"

#include <algorithm>

#include "core/check.h"

namespace tatami {

namespace {

constexpr int64_t kLargest = (int64_t{1} << 31) - 1;  // keeps every product below inside int64

void check_least(const char* op, const char* name, Pair value, int64_t least) {
    check(value.vertical >= least && value.horizontal >= least, op, ": ", name, " is ", value,
          "; it must be at least ", least);
    check(value.vertical <= kLargest && value.horizontal <= kLargest, op, ": ", name, " is ", value,
          "; it may be at most ", kLargest);
}

int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

// The number of windows: a last one that the stride does not fill up counts in ceil_mode, if it
// starts inside the image or the padding before it.
int64_t windows(const WindowAxis& a, bool ceil_mode) {
    const int64_t room = a.size + a.before + a.after - a.span;
    const int64_t count = floor_div(room + (ceil_mode ? a.stride - 1 : 0), a.stride) + 1;
    const bool outside = ceil_mode && (count - 1) * a.stride >= a.size + a.before;
    return std::max<int64_t>(count - outside, 0);
}

// Whether every window has a tap inside the image.
bool all_touch(const WindowAxis& a) {
    for (int64_t o = 0; o < a.out; o++) {
        const int64_t start = o * a.stride - a.before;
        const int64_t skipped = start < 0 ? (-start + a.dilation - 1) / a.dilation : 0;
        if (skipped >= a.kernel || start + skipped * a.dilation >= a.size) return false;
    }
    return true;
}

// As much padding as leaves a window for every `stride` pixels.
int64_t same_padding(int64_t size, int64_t kernel, int64_t stride, int64_t dilation) {
    const int64_t last = size > 0 ? (size - 1) / stride * stride : 0;
    return std::max<int64_t>(last + (kernel - 1) * dilation + 1 - size, 0);
}

WindowAxis window_axis(int64_t size, int64_t kernel, int64_t stride, int64_t before, int64_t after,
                       int64_t dilation, bool ceil_mode) {
    WindowAxis a{};
    a.size = size;
    a.kernel = kernel;
    a.stride = stride;
    a.dilation = dilation;
    a.before = before;
    a.after = after;
    a.span = (kernel - 1) * dilation + 1;
    a.out = windows(a, ceil_mode);
    if (a.out == 1) a.stride = 1;  // of one window the stride is immaterial
    a.padded = a.before > 0 || (a.out - 1) * a.stride + a.span > size;
    return a;
}

}  // namespace

Pool2d::Pool2d(const char* op, const Shape& x, Pair kernel_size, Pair stride, const Padding& wanted,
               Pair dilation, bool ceil_mode)
    : x(x) {
    check(x.rank == 4, op, ": x must be (N, C, H, W), got shape ", x);
    check_least(op, "kernel_size", kernel_size, 1);
    check_least(op, "stride", stride, 1);
    check_least(op, "padding", {wanted.top, wanted.left}, 0);
    check_least(op, "padding", {wanted.bottom, wanted.right}, 0);
    check_least(op, "dilation", dilation, 1);
    planes = x[0] * x[1];
    Padding padding = wanted;
    if (wanted.same) {
        const int64_t height =
            same_padding(x[2], kernel_size.vertical, stride.vertical, dilation.vertical);
        const int64_t width =
            same_padding(x[3], kernel_size.horizontal, stride.horizontal, dilation.horizontal);
        padding = {height / 2, height - height / 2, width / 2, width - width / 2};
    }
    rows = window_axis(x[2], kernel_size.vertical, stride.vertical, padding.top, padding.bottom,
                       dilation.vertical, ceil_mode);
    columns = window_axis(x[3], kernel_size.horizontal, stride.horizontal, padding.left,
                          padding.right, dilation.horizontal, ceil_mode);
    y = {x[0], x[1], rows.out, columns.out};
    check(2 * std::max(padding.top, padding.bottom) <= rows.span &&
              2 * std::max(padding.left, padding.right) <= columns.span,
          op, ": padding is ", padding, "; it may be at most half the window, which covers ",
          Pair{rows.span, columns.span});
    check(rows.out > 0 && columns.out > 0, op, ": the window covers ",
          Pair{rows.span, columns.span}, " pixels, more than the image of x ", x, " with padding ",
          padding);
    check(all_touch(rows) && all_touch(columns), op, ": a window lies in the padding alone (x ", x,
          ", kernel_size ", kernel_size, ", padding ", padding, ", dilation ", dilation, ")");
    // Offsets inside a window are 32-bit numbers in the float32 kernel.
    check(std::min(rows.span, rows.size) * columns.size <= kLargest, op, ": a window of ",
          rows.span, " rows of x ", x, " covers more than 2**31 pixels");
}

void Pool2d::check_output(const char* op, const char* name, const Shape& shape) const {
    check(shape == y, op, ": ", name, " has shape ", shape, " but pooling x ", x, " gives ", y);
}

}  // namespace tatami
