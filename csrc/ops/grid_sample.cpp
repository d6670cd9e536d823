#include "ops/grid_sample.h"

#include "core/check.h"

namespace tatami {

static GridSample::Axis axis(int64_t size, bool align_corners) {
    const double middle = double(size - 1) / 2;
    return {size, align_corners ? middle : double(size) / 2, middle};
}

static Shape sampled(const char* op, const Shape& x, const Shape& grid) {
    check(x.rank == 4, op, ": x must be (N, C, H, W), got shape ", x);
    check(grid.rank == 4 && grid[3] == 2 && grid[0] == x[0], op, ": grid must be (", x[0],
          ", I, J, 2) for x ", x, ", got shape ", grid);
    constexpr int64_t most = 1 << 22;  // where float32 still tells half a pixel
    check(x[2] > 0 && x[3] > 0, op, ": x ", x, " has no pixels");
    check(x[2] <= most && x[3] <= most && x[2] * x[3] < int64_t(1) << 31, op, ": x ", x,
          " is too large an image; a side may have ", most, " pixels and the whole 2^31");
    return {x[0], x[1], grid[1], grid[2]};
}

GridSample::GridSample(const char* op, const Shape& x, const Shape& grid, bool nearest, bool border,
                       bool align_corners)
    : nearest(nearest), border(border), x(x), grid(grid), y(sampled(op, x, grid)) {
    images = x[0];
    channels = x[1];
    pixels = y.elements(2, 4);
    vertical = axis(x[2], align_corners);
    horizontal = axis(x[3], align_corners);
}

void GridSample::check_output(const char* op, const char* name, const Shape& shape) const {
    check(shape == y, op, ": ", name, " has shape ", shape, " but sampling x ", x, " at grid ",
          grid, " gives ", y);
}

}  // namespace tatami
