#include "ops/norm.h"

#include "core/check.h"

namespace tatami {

// Runs shorter than this go by whole rows of channels instead.
static constexpr int64_t kShortRun = 32;

static Norm blank(const char* op, const Shape& x, double eps) {
    check(eps >= 0, op, ": eps is ", eps, "; it must not be negative");
    Norm p{};
    p.op = op;
    p.x = x;
    p.group_runs = p.period = p.repeat = 1;
    p.centred = true;
    p.eps = eps;
    return p;
}

// x (N, C, ...) as N · C runs.
static Norm channels(const char* op, const Shape& x, double eps) {
    check(x.rank >= 2, op, ": x must be (N, C, ...), got shape ", x);
    Norm p = blank(op, x, eps);
    p.runs = x[0] * x[1];
    p.length = x.elements(2);
    p.groups = p.runs;
    p.period = p.parameters = x[1];
    p.parameter = Shape{x[1]};
    return p;
}

static Norm counted(Norm p) {
    p.count = p.columns ? p.runs * p.repeat : p.group_runs * p.length;
    p.inverse_count = p.count ? 1 / double(p.count) : 0;
    return p;
}

Norm Norm::batch(const char* op, const Shape& x, bool fixed, double eps) {
    Norm p = channels(op, x, eps);
    p.fixed = fixed;
    p.across = true;
    p.groups = x[1];
    p.group_runs = x[0];
    if (p.length < kShortRun) {
        p.columns = true;
        p.runs = x[0];
        p.repeat = p.length;
        p.length *= x[1];
    }
    return counted(p);
}

Norm Norm::instance(const Shape& x, double eps) {
    return counted(channels("instance_norm", x, eps));
}

Norm Norm::group(const Shape& x, int64_t groups, double eps) {
    Norm p = channels("group_norm", x, eps);
    check(groups >= 1 && x[1] % groups == 0, "group_norm: num_groups ", groups,
          " does not divide the ", x[1], " channels of x ", x);
    p.groups = x[0] * groups;
    if (p.length < kShortRun) {
        p.per_element = true;
        p.period = groups;
        p.repeat = p.length;
        p.runs = p.groups;
        p.length *= x[1] / groups;
    } else {
        p.group_runs = x[1] / groups;
    }
    return counted(p);
}

Norm Norm::layer(const char* op, const Shape& x, const Shape& normalized, bool centred,
                 double eps) {
    const int outer = x.rank - normalized.rank;
    check(normalized.rank >= 1, op, ": normalized_shape must have at least one size");
    check(outer >= 0 && x.slice(outer, x.rank) == normalized, op, ": normalized_shape is ",
          normalized, " but x has shape ", x, "; it must be the last sizes of x");
    Norm p = blank(op, x, eps);
    p.runs = p.groups = x.elements(0, outer);
    p.length = p.parameters = normalized.elements();
    p.parameter = normalized;
    p.per_element = true;
    p.centred = centred;
    return counted(p);
}

void Norm::activate(Activation f, double slope) {
    check(f == Activation::none || f == Activation::relu || f == Activation::leaky_relu, op,
          ": only None, 'relu' and 'leaky_relu' are computed with it; apply other activations to "
          "its result");
    check(slope >= 0, op, ": negative_slope is ", slope, "; it must not be negative");
    activation = f;
    alpha = slope;
}

void Norm::check_parameter(const char* name, const Shape& shape) const {
    check(shape == parameter, op, ": ", name, " has shape ", shape, " but x ", x, " needs ",
          parameter);
}

}  // namespace tatami
