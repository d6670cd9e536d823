// Optimizer steps: elementwise, in place, over a whole list of parameters in one call. PyTorch's
// formulas; p parameter, g its gradient (its negative to maximize), which weight_decay turns into
// g + weight_decay p first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/array.h"
#include "ops/loss.h"

namespace tatami {

// momentum buffer b, if given: b = momentum b + (1 - dampening) g, then g = b, or with nesterov
// g + momentum b.    p -= lr g
struct Sgd {
    Sgd(double lr, double momentum, double dampening, double weight_decay, bool nesterov,
        bool has_buffers);
    double lr, momentum, dampening, weight_decay;
    bool nesterov;
};

// s += g²    p -= lr g / (sqrt(s) + eps)
struct Adagrad {
    Adagrad(double lr, double eps, double weight_decay);
    double lr, eps, weight_decay;
};

// v = rho v + (1 - rho) g²    d = g sqrt(a + eps) / sqrt(v + eps)
// a = rho a + (1 - rho) d²    p -= lr d
struct Adadelta {
    Adadelta(double lr, double rho, double eps, double weight_decay);
    double lr, rho, eps, weight_decay;
};

// v = alpha v + (1 - alpha) g²    d = g / (sqrt(v) + eps)    p -= lr d
// momentum buffer b, if given: b = momentum b + d, then d = b
// gradient average m, if given: m = alpha m + (1 - alpha) g, and v - m² stands in the root for v
struct Rmsprop {
    Rmsprop(double lr, double alpha, double eps, double momentum, double weight_decay,
            bool has_buffers);
    double lr, alpha, eps, momentum, weight_decay;
    bool has_momentum;
};

// m = beta1 m + (1 - beta1) g    v = beta2 v + (1 - beta2) g²
// p -= lr m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps)
// greatest v so far, if given, stands in the root for v (AMSGrad); decoupled: p (1 - lr
// weight_decay) first in place of the decay of g (AdamW).
struct Adam {
    Adam(const char* op, int64_t step, double lr, double beta1, double beta2, double eps,
         double weight_decay, bool decoupled);
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled;
    double step_size;      // lr / (1 - beta1^step)
    double inverse_scale;  // 1 / sqrt(1 - beta2^step)
};

// m = beta1 m + (1 - beta1) g    u = max(beta2 u, |g| + eps)    p -= lr m / (1 - beta1^step) / u
struct Adamax {
    Adamax(int64_t step, double lr, double beta1, double beta2, double eps, double weight_decay);
    double beta1, beta2, eps, weight_decay;
    double step_size;  // lr / (1 - beta1^step)
};

// Adam with Nesterov's momentum: m and v as there, d = sqrt(v / (1 - beta2^step)) + eps,
// mu(t) = beta1 (1 - 0.96^(t momentum_decay) / 2), M the product of mu(1) ... mu(step):
// p -= lr ((1 - mu(step)) / (1 - M) g + mu(step + 1) / (1 - M mu(step + 1)) m) / d
struct Nadam {
    // mu_product: M of the step before.
    Nadam(int64_t step, double mu_product, double lr, double beta1, double beta2, double eps,
          double weight_decay, double momentum_decay, bool decoupled);
    double lr, beta1, beta2, eps, weight_decay;
    bool decoupled;
    double mu_product;            // M
    double grad_size, mean_size;  // the factors of g and m, lr in them
    double inverse_scale;         // 1 / sqrt(1 - beta2^step)
};

// p = decay p + (1 - decay) g: p averages, g the parameters that are averaged
struct Ema {
    explicit Ema(double decay);
    double decay;
};

// The sizes of a list of parameters, cut into chunks of at most kStepChunk elements, numbered
// through the whole list so that threads share it evenly.
inline constexpr int64_t kStepChunk = 1 << 13;

struct StepSizes {
    void append(const Shape& shape);
    std::vector<int64_t> size;         // elements of each tensor
    std::vector<int64_t> first_chunk;  // its first chunk's number
    int64_t elements = 0, chunks = 0;
};

// ValueError unless the array `name` (params[3], say) has its parameter's shape.
void check_step_shape(const char* op, const char* name, const Shape& shape, const Shape& param);

// A checked list. Every array of tensor i has size[i] elements of one type.
struct Steps {
    int64_t tensors, elements, chunks;
    const int64_t* size;         // (tensors)
    const int64_t* first_chunk;  // (tensors)
    void* const* params;         // (tensors), as all below; in-out
    const void* const* grads;
    static constexpr int kStates = 3;
    void* const* states[kStates];  // in-out: those that were given, in the order of the formula
    int states_given;
    bool maximize;
};

struct OptimKernels {
    void (*sgd)(const Sgd& rule, const Steps& steps);            // states: b or none
    void (*adagrad)(const Adagrad& rule, const Steps& steps);    // s
    void (*adadelta)(const Adadelta& rule, const Steps& steps);  // v, a
    void (*rmsprop)(const Rmsprop& rule, const Steps& steps);    // v, [b], [m]
    void (*adam)(const Adam& rule, const Steps& steps);          // m, v, [greatest v]
    void (*adamax)(const Adamax& rule, const Steps& steps);      // m, u
    void (*nadam)(const Nadam& rule, const Steps& steps);        // m, v
    void (*ema)(const Ema& rule, const Steps& steps);            // none
    // norm (1), where the arrays are, = sqrt(Σ p²) over the whole list
    void (*global_norm)(const Steps& steps, double* norm);
    void (*scale)(const Factor<double>& factor, const Steps& steps);  // p *= factor
    void (*clip)(double limit, const Steps& steps);                   // p to [-limit, limit]
};

}  // namespace tatami
