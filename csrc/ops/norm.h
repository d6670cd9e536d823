// Normalisations: y = (x - mean) / sqrt(var + eps) · weight + bias, where each group of elements of
// x has its own mean and biased variance. RMS norm is not centred: its mean is 0, its variance the
// mean square. Batch norm may add a residual and apply an activation as it writes y.
#pragma once

#include <cstdint>

#include "core/array.h"
#include "core/kernel.h"
#include "ops/activation.h"

namespace tatami {

// One view serves all five operators: x is (runs, length), contiguous.
//   batch norm      runs (n, c), length s    group c: the runs r with r % groups = c    (across)
//   instance norm   runs (n, c), length s    group r
//   group norm      runs (n, c), length s    group r / group_runs
//   layer, RMS norm runs (m),    length d    group r (per_element)
// Short runs would waste vectors, so that where s is small
//   group norm      runs (n, g), length c/g · s    group r (per_element)
//   batch norm      runs (n),    length c · s      group: `repeat` columns              (columns)
struct Norm {
    static Norm batch(const char* op, const Shape& x, bool fixed, double eps);
    static Norm instance(const Shape& x, double eps);
    static Norm group(const Shape& x, int64_t groups, double eps);
    static Norm layer(const char* op, const Shape& x, const Shape& normalized, bool centred,
                      double eps);

    // What follows the normalisation; ValueError for others than relu and leaky_relu.
    void activate(Activation f, double slope);
    // ValueError unless the array `name` has the shape of weight and bias.
    void check_parameter(const char* name, const Shape& shape) const;

    const char* op;
    Shape x, parameter;
    int64_t runs, length;
    int64_t groups, group_runs;  // runs of a group
    int64_t count;               // elements of a group
    double inverse_count;        // 1 / count, 0 for none
    bool across, per_element, columns;
    int64_t period;      // run r has the weights number r % period: one, or `length` per element
    int64_t repeat;      // consecutive elements that share a weight, where weights go by element
    int64_t parameters;  // elements of weight
    bool fixed;          // mean and var are given, not computed of x
    bool centred;
    double eps;
    Activation activation;  // none, relu or leaky_relu; none but for batch norm
    double alpha;           // leaky_relu's slope
};

template <class T>
struct NormKernels {
    // mean, var (groups) = the running statistics.
    Kernel<void(const Norm& p, const T* running_mean, const T* running_var, double* mean,
                double* var)>
        read_running;
    // running += momentum (statistics of x - running): means over the batch, variances unbiased.
    // mean, var (groups), running_mean, running_var (parameters).
    Kernel<void(const Norm& p, double momentum, const double* mean, const double* var,
                T* running_mean, T* running_var)>
        update_running;
    // mean, var (groups): read where p.fixed, else written.  weight, bias (parameters) or nullptr.
    // y (runs, length) = activation(normalised x + residual); residual like y, nullptr but for
    // batch norm.
    Kernel<void(const Norm& p, const T* x, const T* weight, const T* bias, const T* residual,
                double* mean, double* var, T* y)>
        forward;
    // dx (runs, length), dweight, dbias (parameters), the last two or nullptr; no residual was
    // added. The activation's mask is found anew from x.
    Kernel<void(const Norm& p, const T* dy, const T* x, const T* weight, const T* bias,
                const double* mean, const double* var, T* dx, T* dweight, T* dbias)>
        backward;
};

}  // namespace tatami
