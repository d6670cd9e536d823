#include "ops/conv2d.h"

#include <utility>

#include "core/check.h"
#include "ops/precision.h"

namespace tatami {

namespace {

constexpr int64_t kMost = int64_t(1)
                          << 31;  // of strides, paddings, dilations: sums cannot overflow

void check_range(const char* op, const char* name, int64_t value, int64_t least) {
    check(value >= least && value < kMost, op, ": ", name, " must be at least ", least,
          " and below 2**31, got ", value);
}

constinit thread_local bool exact_here = false;

}  // namespace

bool exchange_exact(bool exact) {
    return std::exchange(exact_here, exact);
}

// Everything but the output's size. `input` names the array whose channel count is `channels`.
void Conv2d::read(const char* op, const ConvWindow& window, const Shape& input, int64_t channels,
                  const Shape& weight_shape) {
    const int rank = window.rank + 2;
    check(input.rank == rank, op, ": x must have ", rank, " axes ",
          rank == 4 ? "(N, C, H, W)" : "(N, C, L)", ", got shape ", input);
    check(weight_shape.rank == rank, op, ": weight must have ", rank, " axes, got shape ",
          weight_shape);
    check_range(op, "stride", window.stride.vertical, 1);
    check_range(op, "stride", window.stride.horizontal, 1);
    check_range(op, "dilation", window.dilation.vertical, 1);
    check_range(op, "dilation", window.dilation.horizontal, 1);
    const Padding& pad = window.padding;
    for (const int64_t side : {pad.top, pad.bottom, pad.left, pad.right})
        check_range(op, "padding", side, 0);
    groups = window.groups;
    check(groups >= 1, op, ": groups must be at least 1, got ", groups);
    check(channels % groups == 0 && weight_shape[0] % groups == 0, op, ": groups=", groups,
          " must divide the ", channels, " channels of x and the ", weight_shape[0],
          " of weight (x ", input, ", weight ", weight_shape, ")");
    weight = weight_shape;
    o = weight[0];
    group_c = weight[1];
    group_o = o / groups;
    kh = rank == 4 ? weight[2] : 1;
    kw = weight[-1];
    check(kh >= 1 && kw >= 1, op, ": weight ", weight, " has an empty window");
    check(kh < kMost && kw < kMost, op, ": weight ", weight, " has too large a window");
    stride_h = rank == 4 ? window.stride.vertical : 1;
    stride_w = window.stride.horizontal;
    dilation_h = rank == 4 ? window.dilation.vertical : 1;
    dilation_w = window.dilation.horizontal;
    pad_top = pad.top;
    pad_left = pad.left;
    exact = window.exact || exact_here;
    tf32 = tf32_allowed();
}

// Of one window the stride is immaterial; a large one would only make empty phases.
void Conv2d::forget_idle_strides() {
    if (oh == 1) stride_h = 1;
    if (ow == 1) stride_w = 1;
}

static Shape images(int64_t n, int64_t channels, int64_t h, int64_t w, int rank) {
    return rank == 2 ? Shape{n, channels, h, w} : Shape{n, channels, w};
}

Conv2d::Conv2d(const char* op, const Shape& x_shape, const Shape& weight_shape,
               const ConvWindow& window) {
    read(op, window, x_shape, x_shape.rank > 1 ? x_shape[1] : 0, weight_shape);
    x = x_shape;
    n = x[0];
    c = x[1];
    h = window.rank == 2 ? x[2] : 1;
    w = x[-1];
    check(c == group_c * groups, op, ": x has ", c, " channels but weight expects ", group_c,
          " per group (x ", x, ", weight ", weight, ", groups=", groups, ")");
    const int64_t reach_h = dilation_h * (kh - 1), reach_w = dilation_w * (kw - 1);
    int64_t bottom = window.padding.bottom, right = window.padding.right;
    if (window.padding.same) {
        check(stride_h == 1 && stride_w == 1, op, ": padding='same' needs stride 1, got (",
              stride_h, ", ", stride_w, "); give the padding as numbers");
        pad_top = reach_h / 2;
        bottom = reach_h - pad_top;
        pad_left = reach_w / 2;
        right = reach_w - pad_left;
    }
    const int64_t room_h = h + pad_top + bottom - reach_h - 1;
    const int64_t room_w = w + pad_left + right - reach_w - 1;
    check(room_h >= 0 && room_w >= 0, op, ": the window does not fit the padded x (x ", x,
          ", weight ", weight, ", dilation (", dilation_h, ", ", dilation_w, "), padding ((",
          pad_top, ", ", bottom, "), (", pad_left, ", ", right, ")))");
    oh = room_h / stride_h + 1;
    ow = room_w / stride_w + 1;
    forget_idle_strides();
    y = images(n, o, oh, ow, window.rank);
}

Conv2d Conv2d::transposed(const char* op, const Shape& x_shape, const Shape& weight_shape,
                          const ConvWindow& window, Pair output_padding) {
    Conv2d p;
    p.read(op, window, x_shape, x_shape.rank > 1 ? x_shape[1] : 0, weight_shape);
    check(!window.padding.same, op,
          ": padding='same' is not defined here; give the padding as numbers");
    check(x_shape[1] == p.o, op, ": x has ", x_shape[1], " channels but weight expects ", p.o,
          " (x ", x_shape, ", weight ", weight_shape, ", groups=", p.groups, ")");
    const auto extra = [&](int64_t padding, int64_t stride, int64_t dilation) {
        check(padding >= 0 && (padding < stride || padding < dilation), op, ": output_padding ",
              padding, " must be smaller than stride ", stride, " or dilation ", dilation);
    };
    if (window.rank == 1) output_padding.vertical = 0;  // there is one row, whatever the pair says
    extra(output_padding.vertical, p.stride_h, p.dilation_h);
    extra(output_padding.horizontal, p.stride_w, p.dilation_w);
    p.n = x_shape[0];
    p.c = p.group_c * p.groups;
    p.oh = window.rank == 2 ? x_shape[2] : 1;
    p.ow = x_shape[-1];
    check(p.oh >= 1 && p.ow >= 1, op, ": x ", x_shape, " has no pixels");
    p.h = (p.oh - 1) * p.stride_h - window.padding.top - window.padding.bottom +
          p.dilation_h * (p.kh - 1) + output_padding.vertical + 1;
    p.w = (p.ow - 1) * p.stride_w - window.padding.left - window.padding.right +
          p.dilation_w * (p.kw - 1) + output_padding.horizontal + 1;
    check(p.h >= 1 && p.w >= 1, op, ": the result would be ", p.h, " by ", p.w,
          "; less padding is needed (x ", x_shape, ", weight ", weight_shape, ")");
    p.forget_idle_strides();
    p.x = images(p.n, p.c, p.h, p.w, window.rank);
    p.y = x_shape;
    return p;
}

void Conv2d::check_shape(const char* op, const char* name, const Shape& shape, const Shape& wanted,
                         const char* of) {
    check(shape == wanted, op, ": ", name, " has shape ", shape, " but ", of, " has shape ",
          wanted);
}

void Conv2d::check_bias(const char* op, const Shape& bias, int64_t channels) {
    check(bias.rank == 1 && bias[0] == channels, op, ": bias has shape ", bias,
          " but the result has ", channels, " channels: bias must be (", channels, ",)");
}

}  // namespace tatami
