#include "ops/optim.h"

#include <cmath>

#include "core/check.h"

namespace tatami {

static void at_least_zero(const char* op, const char* name, double value) {
    check(value >= 0, op, ": ", name, " is ", value, "; it must not be negative");
}

static void fraction(const char* op, const char* name, double value) {
    check(value >= 0 && value <= 1, op, ": ", name, " is ", value, "; it must lie between 0 and 1");
}

static void decay_and_rate(const char* op, double lr, double weight_decay) {
    at_least_zero(op, "lr", lr);
    at_least_zero(op, "weight_decay", weight_decay);
}

Sgd::Sgd(double lr, double momentum, double dampening, double weight_decay, bool nesterov,
         bool has_buffers)
    : lr(lr),
      momentum(momentum),
      dampening(dampening),
      weight_decay(weight_decay),
      nesterov(nesterov) {
    decay_and_rate("sgd_step", lr, weight_decay);
    at_least_zero("sgd_step", "momentum", momentum);
    check(has_buffers || momentum == 0, "sgd_step: momentum is ", momentum,
          " but momentum_buffers is None; give one array of zeros for each parameter");
    check(!nesterov || (momentum > 0 && dampening == 0),
          "sgd_step: nesterov needs momentum > 0 and dampening 0, got ", momentum, " and ",
          dampening);
}

Adagrad::Adagrad(double lr, double eps, double weight_decay)
    : lr(lr), eps(eps), weight_decay(weight_decay) {
    decay_and_rate("adagrad_step", lr, weight_decay);
    at_least_zero("adagrad_step", "eps", eps);
}

Adadelta::Adadelta(double lr, double rho, double eps, double weight_decay)
    : lr(lr), rho(rho), eps(eps), weight_decay(weight_decay) {
    decay_and_rate("adadelta_step", lr, weight_decay);
    fraction("adadelta_step", "rho", rho);
    at_least_zero("adadelta_step", "eps", eps);
}

Rmsprop::Rmsprop(double lr, double alpha, double eps, double momentum, double weight_decay,
                 bool has_buffers)
    : lr(lr),
      alpha(alpha),
      eps(eps),
      momentum(momentum),
      weight_decay(weight_decay),
      has_momentum(has_buffers) {
    decay_and_rate("rmsprop_step", lr, weight_decay);
    fraction("rmsprop_step", "alpha", alpha);
    at_least_zero("rmsprop_step", "eps", eps);
    at_least_zero("rmsprop_step", "momentum", momentum);
    check(has_buffers || momentum == 0, "rmsprop_step: momentum is ", momentum,
          " but momentum_buffers is None; give one array of zeros for each parameter");
}

static void averages(const char* op, double beta1, double beta2, int64_t step) {
    check(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, op, ": betas are (", beta1, ", ",
          beta2, "); both must be at least 0 and less than 1");
    check(step >= 1, op, ": step is ", step, "; it counts from 1");
}

Adam::Adam(const char* op, int64_t step, double lr, double beta1, double beta2, double eps,
           double weight_decay, bool decoupled)
    : lr(lr),
      beta1(beta1),
      beta2(beta2),
      eps(eps),
      weight_decay(weight_decay),
      decoupled(decoupled),
      step_size(lr / (1 - std::pow(beta1, double(step)))),
      inverse_scale(1 / std::sqrt(1 - std::pow(beta2, double(step)))) {
    decay_and_rate(op, lr, weight_decay);
    averages(op, beta1, beta2, step);
    at_least_zero(op, "eps", eps);
}

Adamax::Adamax(int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay)
    : beta1(beta1),
      beta2(beta2),
      eps(eps),
      weight_decay(weight_decay),
      step_size(lr / (1 - std::pow(beta1, double(step)))) {
    decay_and_rate("adamax_step", lr, weight_decay);
    averages("adamax_step", beta1, beta2, step);
    at_least_zero("adamax_step", "eps", eps);
}

Nadam::Nadam(int64_t step, double product, double lr, double beta1, double beta2, double eps,
             double weight_decay, double momentum_decay, bool decoupled)
    : lr(lr),
      beta1(beta1),
      beta2(beta2),
      eps(eps),
      weight_decay(weight_decay),
      decoupled(decoupled),
      inverse_scale(1 / std::sqrt(1 - std::pow(beta2, double(step)))) {
    decay_and_rate("nadam_step", lr, weight_decay);
    averages("nadam_step", beta1, beta2, step);
    at_least_zero("nadam_step", "eps", eps);
    at_least_zero("nadam_step", "momentum_decay", momentum_decay);
    fraction("nadam_step", "mu_product", product);
    const auto mu = [&](double t) { return beta1 * (1 - std::pow(0.96, t * momentum_decay) / 2); };
    const double now = mu(double(step)), next = mu(double(step) + 1);
    mu_product = product * now;
    grad_size = lr * (1 - now) / (1 - mu_product);
    mean_size = lr * next / (1 - mu_product * next);
}

Ema::Ema(double decay) : decay(decay) {
    fraction("ema_step", "decay", decay);
}

void StepSizes::append(const Shape& shape) {
    size.push_back(shape.elements());
    first_chunk.push_back(chunks);
    elements += size.back();
    chunks += (size.back() + kStepChunk - 1) / kStepChunk;
}

void check_step_shape(const char* op, const char* name, const Shape& shape, const Shape& param) {
    check(shape == param, op, ": ", name, " has shape ", shape, " but its parameter has shape ",
          param);
}

}  // namespace tatami
