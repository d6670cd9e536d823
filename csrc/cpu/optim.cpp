// Optimizer steps: one walk over the chunks of all tensors, each element read and written once.
#include "ops/optim.h"

#include "cpu/factor.h"
#include "cpu/math.h"
#include "cpu/reduce.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Vector operations that a vector of parameters costs, roughly.
inline constexpr int64_t kStepCost = 16;

// A vector of a parameter and its states.
template <class T, int STATES>
struct Element {
    Vec<T> p, s[STATES ? STATES : 1];
};

// update(p, g, s) turns one vector of parameters p and its states s (STATES) into the next ones.
// Each is written after the next one is read (see store_row in copy.h).
template <class T, int STATES, class Update>
TATAMI_INLINE void step_span(int64_t n, T sign, T* p, const T* g,
                             T* const (&s)[STATES ? STATES : 1], const Update& update) {
    using E = Element<T, STATES>;
    const auto stepped = [&](int64_t i, auto read) {
        E e{read(p + i), {}};
#pragma GCC unroll 3
        for (int k = 0; k < STATES; k++) e.s[k] = read(s[k] + i);
        update(e.p, read(g + i) * sign, e.s);
        return e;
    };
    const auto put = [&](int64_t i, const E& e, auto write) {
        write(p + i, e.p);
#pragma GCC unroll 3
        for (int k = 0; k < STATES; k++) write(s[k] + i, e.s[k]);
    };
    const auto all = [](const T* from) { return load(from); };
    const auto put_all = [](T* to, Vec<T> v) { store(to, v); };
    int64_t i = 0;
    if (n >= kLanes<T>) {
        E held = stepped(0, all);
        for (i = kLanes<T>; i + kLanes<T> <= n; i += kLanes<T>) {
            const E next = stepped(i, all);
            put(i - kLanes<T>, held, put_all);
            held = next;
        }
        put(i - kLanes<T>, held, put_all);
    }
    if (const int64_t left = n - i; left > 0)
        put(i, stepped(i, [=](const T* from) { return load_first(from, left); }),
            [=](T* to, Vec<T> v) { store_first(to, v, left); });
}

// span(i, from, to, chunk): elements [from, to) of tensor i, whole chunks from number `chunk` on.
// work: the whole list's vector operations, roughly.
template <class Span>
TATAMI_INLINE void each_span(const Steps& steps, int64_t work, const Span& span) {
    parallel_ranges(steps.chunks, 1, work, [&](int64_t chunk, int64_t end) {
        int64_t i = steps.tensors - 1;  // the tensor of `chunk`; empty ones own none
        while (steps.first_chunk[i] > chunk || steps.size[i] == 0) i--;
        for (; chunk < end; i++) {
            const int64_t first = steps.first_chunk[i];
            const int64_t until = min(end, first + ceil_div(steps.size[i], kStepChunk));
            span(i, (chunk - first) * kStepChunk, min((until - first) * kStepChunk, steps.size[i]),
                 chunk);
            chunk = until;
        }
    });
}

template <class T, int STATES, class Update>
void walk(const Steps& steps, const Update& update) {
    const int64_t work = (steps.elements / kLanes<T> + steps.tensors) * kStepCost;
    const T sign = steps.maximize ? T(-1) : T(1);
    each_span(steps, work, [&](int64_t i, int64_t from, int64_t to, int64_t) {
        T* s[STATES ? STATES : 1] = {};
        for (int k = 0; k < STATES; k++) s[k] = static_cast<T*>(steps.states[k][i]) + from;
        step_span<T, STATES>(to - from, sign, static_cast<T*>(steps.params[i]) + from,
                             static_cast<const T*>(steps.grads[i]) + from, s, update);
    });
}

// g, decayed. A decay of 0 leaves it alone, whatever p is.
template <class T>
TATAMI_INLINE Vec<T> decayed(Vec<T> g, Vec<T> p, T decay) {
    return decay == T(0) ? g : fma(broadcast(decay), p, g);
}

// rate a + (1 - rate) b
template <class T>
struct Average {
    explicit Average(double rate) : keep(T(rate)), take(T(1 - rate)) {}
    T keep, take;
    TATAMI_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const {
        return fma(a, broadcast(keep), b * take);
    }
};

template <class T>
void sgd(const Sgd& rule, const Steps& steps) {
    const T lr = T(rule.lr), decay = T(rule.weight_decay), momentum = T(rule.momentum);
    const T take = T(1 - rule.dampening);
    if (!steps.states_given)
        return walk<T, 0>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>*) {
            p = fma(broadcast(-lr), decayed(g, p, decay), p);
        });
    const bool nesterov = rule.nesterov;
    walk<T, 1>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = fma(s[0], broadcast(momentum), g * take);
        p = fma(broadcast(-lr), nesterov ? fma(s[0], broadcast(momentum), g) : s[0], p);
    });
}

template <class T>
void adagrad(const Adagrad& rule, const Steps& steps) {
    const T lr = T(rule.lr), decay = T(rule.weight_decay), eps = T(rule.eps);
    walk<T, 1>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = fma(g, g, s[0]);
        p -= lr * g / (sqrt<T>(s[0]) + eps);
    });
}

template <class T>
void adadelta(const Adadelta& rule, const Steps& steps) {
    const T lr = T(rule.lr), decay = T(rule.weight_decay), eps = T(rule.eps);
    const Average<T> average(rule.rho);
    walk<T, 2>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = average(s[0], g * g);
        const Vec<T> d = sqrt<T>(s[1] + eps) / sqrt<T>(s[0] + eps) * g;
        s[1] = average(s[1], d * d);
        p = fma(broadcast(-lr), d, p);
    });
}

template <class T, bool MOMENTUM, bool CENTRED>
void rmsprop_as(const Rmsprop& rule, const Steps& steps) {
    const T lr = T(rule.lr), decay = T(rule.weight_decay), eps = T(rule.eps);
    const T momentum = T(rule.momentum);
    const Average<T> average(rule.alpha);
    walk<T, 1 + MOMENTUM + CENTRED>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = average(s[0], g * g);
        Vec<T> variance = s[0];
        if constexpr (CENTRED) {
            Vec<T>& mean = s[1 + MOMENTUM];
            mean = average(mean, g);
            variance = fma(-mean, mean, variance);
            variance = variance < T(0) ? Vec<T>{} : variance;  // rounding, when g stands still
        }
        Vec<T> d = g / (sqrt<T>(variance) + eps);
        if constexpr (MOMENTUM) d = s[1] = fma(s[1], broadcast(momentum), d);
        p = fma(broadcast(-lr), d, p);
    });
}

template <class T>
void rmsprop(const Rmsprop& rule, const Steps& steps) {
    const bool centred = steps.states_given - rule.has_momentum == 2;
    if (rule.has_momentum)
        return centred ? rmsprop_as<T, true, true>(rule, steps)
                       : rmsprop_as<T, true, false>(rule, steps);
    return centred ? rmsprop_as<T, false, true>(rule, steps)
                   : rmsprop_as<T, false, false>(rule, steps);
}

template <class T, bool AMSGRAD>
void adam_as(const Adam& rule, const Steps& steps) {
    const T decay = rule.decoupled ? T(0) : T(rule.weight_decay);
    const T shrink = rule.decoupled ? T(1 - rule.lr * rule.weight_decay) : T(1);
    const T step_size = T(rule.step_size), inverse = T(rule.inverse_scale), eps = T(rule.eps);
    const Average<T> first(rule.beta1), second(rule.beta2);
    walk<T, 2 + AMSGRAD>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = first(s[0], g);
        s[1] = second(s[1], g * g);
        if constexpr (AMSGRAD) s[2] = max_nan<T>(s[1], s[2]);
        const Vec<T> root = sqrt<T>(s[AMSGRAD ? 2 : 1]);
        p = p * shrink - s[0] * step_size / fma(root, broadcast(inverse), broadcast(eps));
    });
}

template <class T>
void adam(const Adam& rule, const Steps& steps) {
    return steps.states_given == 3 ? adam_as<T, true>(rule, steps) : adam_as<T, false>(rule, steps);
}

template <class T>
void adamax(const Adamax& rule, const Steps& steps) {
    const T decay = T(rule.weight_decay), eps = T(rule.eps), step_size = T(rule.step_size);
    const T beta2 = T(rule.beta2);
    const Average<T> mean(rule.beta1);
    walk<T, 2>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = mean(s[0], g);
        s[1] = max_nan<T>(s[1] * beta2, abs<T>(g) + eps);
        p -= s[0] * step_size / s[1];
    });
}

template <class T>
void nadam(const Nadam& rule, const Steps& steps) {
    const T decay = rule.decoupled ? T(0) : T(rule.weight_decay);
    const T shrink = rule.decoupled ? T(1 - rule.lr * rule.weight_decay) : T(1);
    const T grad_size = T(rule.grad_size), mean_size = T(rule.mean_size);
    const T inverse = T(rule.inverse_scale), eps = T(rule.eps);
    const Average<T> first(rule.beta1), second(rule.beta2);
    walk<T, 2>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>* s) {
        g = decayed(g, p, decay);
        s[0] = first(s[0], g);
        s[1] = second(s[1], g * g);
        const Vec<T> d = fma(sqrt<T>(s[1]), broadcast(inverse), broadcast(eps));
        p = p * shrink - fma(s[0], broadcast(mean_size), g * grad_size) / d;
    });
}

template <class T>
void ema(const Ema& rule, const Steps& steps) {
    const Average<T> average(rule.decay);
    walk<T, 0>(steps, [=](Vec<T>& p, Vec<T> g, Vec<T>*) { p = average(p, g); });
}

template <class T>
void scale(const Factor<double>& factor, const Steps& steps) {
    walk<T, 0>(steps, [f = T(value_of(factor))](Vec<T>& p, Vec<T>, Vec<T>*) { p *= f; });
}

template <class T>
void clip(double limit, const Steps& steps) {
    walk<T, 0>(steps, [=, most = T(limit)](Vec<T>& p, Vec<T>, Vec<T>*) {
        p = at_least<T>(at_most<T>(p, most), -most);
    });
}

template <class T>
void global_norm(const Steps& steps, double* norm) {
    const memory::Scratch scratch(size_t(steps.chunks) * sizeof(double));
    double* part = scratch.as<double>();
    const auto square = [](Vec<T> x) { return x * x; };
    each_span(steps, 2 * ceil_div(steps.elements, kLanes<T>),
              [&](int64_t i, int64_t from, int64_t to, int64_t chunk) {
                  const T* p = static_cast<const T*>(steps.params[i]);
                  for (; from < to; from += kStepChunk)
                      part[chunk++] = sum_row<T>(min(kStepChunk, to - from), square, p + from);
              });
    double sum = 0;
    for (int64_t c = 0; c < steps.chunks; c++) sum += part[c];
    *norm = __builtin_sqrt(sum);
}

template <class T>
OptimKernels optim_kernels() {
    return {&sgd<T>,   &adagrad<T>, &adadelta<T>,    &rmsprop<T>, &adam<T>, &adamax<T>,
            &nadam<T>, &ema<T>,     &global_norm<T>, &scale<T>,   &clip<T>};
}
template OptimKernels optim_kernels<float>();
template OptimKernels optim_kernels<double>();

}  // namespace tatami::TATAMI_ISA
