// Convolutions of bfloat16 by way of float32: widened, computed, rounded.
#include "cpu/bfloat16.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

static int64_t x_size(const Conv2d& p) {
    return p.n * p.c * p.h * p.w;
}
static int64_t y_size(const Conv2d& p) {
    return p.n * p.o * p.oh * p.ow;
}
static int64_t weight_size(const Conv2d& p) {
    return p.o * p.group_c * p.kh * p.kw;
}

static void forward(const Conv2d& p, const Bfloat16* x, const Bfloat16* weight,
                    const Bfloat16* bias, Bfloat16* y) {
    const Widened wide_x(x, x_size(p)), wide_weight(weight, weight_size(p)), wide_bias(bias, p.o);
    const Narrowed wide_y(y, y_size(p));
    conv2d_kernels<float>().forward.call(p, wide_x, wide_weight, wide_bias, wide_y);
}

static void input_grad(const Conv2d& p, const Bfloat16* dy, const Bfloat16* weight,
                       const Bfloat16* bias, Bfloat16* dx) {
    const Widened wide_dy(dy, y_size(p)), wide_weight(weight, weight_size(p)), wide_bias(bias, p.c);
    const Narrowed wide_dx(dx, x_size(p));
    conv2d_kernels<float>().input_grad.call(p, wide_dy, wide_weight, wide_bias, wide_dx);
}

static void weight_grad(const Conv2d& p, const Bfloat16* dy, const Bfloat16* x, Bfloat16* dweight) {
    const Widened wide_dy(dy, y_size(p)), wide_x(x, x_size(p));
    const Narrowed wide_dweight(dweight, weight_size(p));
    conv2d_kernels<float>().weight_grad.call(p, wide_dy, wide_x, wide_dweight);
}

static void bias_grad(int64_t n, int64_t channels, int64_t pixels, const Bfloat16* dy,
                      Bfloat16* dbias) {
    const Widened wide_dy(dy, n * channels * pixels);
    const Narrowed wide_dbias(dbias, channels);
    conv2d_kernels<float>().bias_grad.call(n, channels, pixels, wide_dy, wide_dbias);
}

template <>
Conv2dKernels<Bfloat16> conv2d_kernels() {
    return {&forward, &input_grad, &weight_grad, &bias_grad};
}

}  // namespace tatami::TATAMI_ISA
