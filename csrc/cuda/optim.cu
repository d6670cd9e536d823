// Optimizer steps: every element of a list of tensors read and written once, a launch for as many
// tensors as the arguments of a kernel can name. Adam in float32 moves 28 bytes a parameter.
#include <cmath>

#include "cuda/factor.cuh"
#include "cuda/sums.cuh"
#include "cuda/table.h"
#include "ops/optim.h"

namespace tatami::cuda {

inline constexpr int kStepThreads = 256;
inline constexpr size_t kTableBytes = 3800;  // of the 4096 that arguments may have

// Some tensors of a list, ARRAYS pointers each: parameters first, then gradients, then states.
template <int ARRAYS>
struct StepTable {
    static constexpr int kMost = int(kTableBytes / (8 * (ARRAYS + 2)));
    int tensors = 0;
    bool wide = true;               // all arrays aligned for loads of 16 bytes
    int64_t block[kMost + 1] = {};  // the first block of each tensor, and their number
    int64_t size[kMost];
    void* array[ARRAYS][kMost];
};

// Which of the table's tensors block b belongs to.
template <int ARRAYS>
TATAMI_DEVICE int tensor_of(const StepTable<ARRAYS>& table, int64_t b) {
    int low = 0, high = table.tensors;  // block[low] <= b < block[high]
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        (table.block[middle] <= b ? low : high) = middle;
    }
    return low;
}

// start(table) for the whole list; `each` elements a block.
template <int ARRAYS, class Start>
static void for_tables(const Steps& steps, int64_t each, const Start& start) {
    StepTable<ARRAYS> table;
    const auto flush = [&] {
        if (table.tensors) start(table);
        table.tensors = 0;
        table.wide = true;
    };
    for (int64_t i = 0; i < steps.tensors; i++) {
        if (steps.size[i] == 0) continue;
        const int at = table.tensors++;
        table.size[at] = steps.size[i];
        table.block[at + 1] = table.block[at] + (steps.size[i] + each - 1) / each;
        for (int k = 0; k < ARRAYS; k++) {
            table.array[k][at] = k == 0   ? steps.params[i]
                                 : k == 1 ? const_cast<void*>(steps.grads[i])
                                          : steps.states[k - 2][i];
            table.wide &= aligned_to(static_cast<const char*>(table.array[k][at]), 16);
        }
        if (table.tensors == StepTable<ARRAYS>::kMost) flush();
    }
    flush();
}

// ---- Steps: rule.step(p, g, s) turns a parameter and its states into the next ones.

inline constexpr int kStepPacks = 2;  // of a thread: loads in flight

template <class T, int ARRAYS, class Rule>
__global__ void step_kernel(const StepTable<ARRAYS> table, Rule rule) {
    constexpr int N = 16 / int(sizeof(T)), kStates = ARRAYS > 2 ? ARRAYS - 2 : 1;
    const int t = tensor_of(table, blockIdx.x);
    const int64_t n = table.size[t], block = blockIdx.x - table.block[t];
    Elements<T, N> own[kStepPacks][ARRAYS];
    const auto place = [&](int p) {
        return ((block * kStepPacks + p) * kStepThreads + threadIdx.x) * N;
    };
    TATAMI_UNROLL
    for (int p = 0; p < kStepPacks; p++) TATAMI_UNROLL
    for (int a = 0; a < ARRAYS; a++)
        own[p][a] =
            load_elements<N>(static_cast<const T*>(table.array[a][t]), place(p), n, table.wide);
    TATAMI_UNROLL
    for (int p = 0; p < kStepPacks; p++) {
        TATAMI_UNROLL
        for (int k = 0; k < N; k++) {
            Real<T> states[kStates], param = own[p][0].at[k];
            for (int a = 2; a < ARRAYS; a++) states[a - 2] = own[p][a].at[k];
            rule.step(param, ARRAYS > 1 ? own[p][ARRAYS > 1].at[k] : T(0), states);
            own[p][0].at[k] = param;
            for (int a = 2; a < ARRAYS; a++) own[p][a].at[k] = states[a - 2];
        }
        TATAMI_UNROLL
        for (int a = 0; a < ARRAYS; a++)
            if (a != 1)
                store_elements<N>(static_cast<T*>(table.array[a][t]), place(p), n, table.wide,
                                  own[p][a]);
    }
}

template <class T, int ARRAYS, class Rule>
static void walk(const Steps& steps, const Rule& rule) {
    constexpr int64_t kEach = kStepThreads * kStepPacks * (16 / int(sizeof(T)));
    for_tables<ARRAYS>(steps, kEach, [&](const StepTable<ARRAYS>& table) {
        launch({dim3(unsigned(table.block[table.tensors])), dim3(kStepThreads)},
               &step_kernel<T, ARRAYS, Rule>, table, rule);
    });
}

// g, turned round to maximize, and decayed. A decay of 0 leaves it alone, whatever p is.
template <class T>
struct Decay {
    T sign, decay;
    Decay(const Steps& steps, double weight_decay)
        : sign(steps.maximize ? T(-1) : T(1)), decay(T(weight_decay)) {}
    TATAMI_DEVICE T operator()(T g, T p) const {
        return decay == T(0) ? g * sign : fma(decay, p, g * sign);
    }
};

// rate a + (1 - rate) b
template <class T>
struct Average {
    explicit Average(double rate) : keep(T(rate)), take(T(1 - rate)) {}
    T keep, take;
    TATAMI_DEVICE T operator()(T a, T b) const { return fma(a, keep, b * take); }
};

template <class T>
struct SgdStep {
    Decay<T> decayed;
    T lr;
    TATAMI_DEVICE void step(T& p, T g, T*) const { p = fma(-lr, decayed(g, p), p); }
};

template <class T>
struct MomentumStep {
    Decay<T> decayed;
    T lr, momentum, take;
    bool nesterov;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = fma(s[0], momentum, g * take);
        p = fma(-lr, nesterov ? fma(s[0], momentum, g) : s[0], p);
    }
};

template <class T>
static void sgd(const Sgd& rule, const Steps& steps) {
    using V = Real<T>;
    const Decay<V> decayed(steps, rule.weight_decay);
    if (steps.states_given)
        walk<T, 3>(steps, MomentumStep<V>{decayed, V(rule.lr), V(rule.momentum),
                                          V(1 - rule.dampening), rule.nesterov});
    else
        walk<T, 2>(steps, SgdStep<V>{decayed, V(rule.lr)});
}

template <class T>
struct AdagradStep {
    Decay<T> decayed;
    T lr, eps;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = fma(g, g, s[0]);
        p -= lr * g / (sqrt(s[0]) + eps);
    }
};

template <class T>
static void adagrad(const Adagrad& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 3>(steps, AdagradStep<V>{{steps, rule.weight_decay}, V(rule.lr), V(rule.eps)});
}

template <class T>
struct AdadeltaStep {
    Decay<T> decayed;
    Average<T> average;
    T lr, eps;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = average(s[0], g * g);
        const T d = sqrt(s[1] + eps) / sqrt(s[0] + eps) * g;
        s[1] = average(s[1], d * d);
        p = fma(-lr, d, p);
    }
};

template <class T>
static void adadelta(const Adadelta& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 4>(
        steps,
        AdadeltaStep<V>{{steps, rule.weight_decay}, Average<V>(rule.rho), V(rule.lr), V(rule.eps)});
}

template <class T, bool MOMENTUM, bool CENTRED>
struct RmspropStep {
    Decay<T> decayed;
    Average<T> average;
    T lr, eps, momentum;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = average(s[0], g * g);
        T variance = s[0];
        if constexpr (CENTRED) {
            T& mean = s[1 + MOMENTUM];
            mean = average(mean, g);
            variance = fma(-mean, mean, variance);
            variance = variance < T(0) ? T(0) : variance;  // rounding, when g stands still
        }
        T d = g / (sqrt(variance) + eps);
        if constexpr (MOMENTUM) d = s[1] = fma(s[1], momentum, d);
        p = fma(-lr, d, p);
    }
};

template <class T, bool MOMENTUM, bool CENTRED>
static void rmsprop_as(const Rmsprop& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 3 + MOMENTUM + CENTRED>(steps,
                                    RmspropStep<V, MOMENTUM, CENTRED>{{steps, rule.weight_decay},
                                                                      Average<V>(rule.alpha),
                                                                      V(rule.lr),
                                                                      V(rule.eps),
                                                                      V(rule.momentum)});
}

template <class T>
static void rmsprop(const Rmsprop& rule, const Steps& steps) {
    const bool centred = steps.states_given - rule.has_momentum == 2;
    if (rule.has_momentum)
        return centred ? rmsprop_as<T, true, true>(rule, steps)
                       : rmsprop_as<T, true, false>(rule, steps);
    return centred ? rmsprop_as<T, false, true>(rule, steps)
                   : rmsprop_as<T, false, false>(rule, steps);
}

// What Adam and Nadam do alike: decay, averages, the root they divide by.
template <class T>
struct AdamStates {
    template <class Rule>
    AdamStates(const Rule& rule, const Steps& steps)
        : decayed(steps, rule.decoupled ? 0 : rule.weight_decay),
          first(rule.beta1),
          second(rule.beta2),
          shrink(T(rule.decoupled ? 1 - rule.lr * rule.weight_decay : 1)),
          inverse(T(rule.inverse_scale)),
          eps(T(rule.eps)) {}
    Decay<T> decayed;
    Average<T> first, second;
    T shrink, inverse, eps;

    TATAMI_DEVICE T advance(T p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = first(s[0], g);
        s[1] = second(s[1], g * g);
        return g;
    }
    TATAMI_DEVICE T root(T v) const { return fma(sqrt(v), inverse, eps); }
};

template <class T, bool AMSGRAD>
struct AdamStep {
    AdamStates<T> states;
    T step_size;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        states.advance(p, g, s);
        if constexpr (AMSGRAD) s[2] = largest(s[1], s[2]);
        p = p * states.shrink - s[0] * step_size / states.root(s[AMSGRAD ? 2 : 1]);
    }
};

template <class T>
static void adam(const Adam& rule, const Steps& steps) {
    using V = Real<T>;
    const AdamStates<V> states(rule, steps);
    if (steps.states_given == 3)
        walk<T, 5>(steps, AdamStep<V, true>{states, V(rule.step_size)});
    else
        walk<T, 4>(steps, AdamStep<V, false>{states, V(rule.step_size)});
}

template <class T>
struct NadamStep {
    AdamStates<T> states;
    T grad_size, mean_size;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = states.advance(p, g, s);
        p = p * states.shrink - fma(s[0], mean_size, g * grad_size) / states.root(s[1]);
    }
};

template <class T>
static void nadam(const Nadam& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 4>(steps, NadamStep<V>{{rule, steps}, V(rule.grad_size), V(rule.mean_size)});
}

template <class T>
struct AdamaxStep {
    Decay<T> decayed;
    Average<T> mean;
    T beta2, eps, step_size;
    TATAMI_DEVICE void step(T& p, T g, T* s) const {
        g = decayed(g, p);
        s[0] = mean(s[0], g);
        s[1] = largest(s[1] * beta2, abs(g) + eps);
        p -= s[0] * step_size / s[1];
    }
};

template <class T>
static void adamax(const Adamax& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 4>(steps, AdamaxStep<V>{{steps, rule.weight_decay},
                                    Average<V>(rule.beta1),
                                    V(rule.beta2),
                                    V(rule.eps),
                                    V(rule.step_size)});
}

template <class T>
struct EmaStep {
    Average<T> average;
    TATAMI_DEVICE void step(T& p, T g, T*) const { p = average(p, g); }
};

template <class T>
static void ema(const Ema& rule, const Steps& steps) {
    using V = Real<T>;
    walk<T, 2>(steps, EmaStep<V>{Average<V>(rule.decay)});
}

template <class T>
struct ScaleStep {
    Factor<double> factor;
    TATAMI_DEVICE void step(T& p, T, T*) const { p *= T(value_of(factor)); }
};

template <class T>
static void scale(const Factor<double>& factor, const Steps& steps) {
    walk<T, 1>(steps, ScaleStep<Real<T>>{factor});
}

template <class T>
struct ClipStep {
    T most;
    TATAMI_DEVICE void step(T& p, T, T*) const { p = p > most ? most : p < -most ? -most : p; }
};

template <class T>
static void clip(double limit, const Steps& steps) {
    using V = Real<T>;
    walk<T, 1>(steps, ClipStep<V>{V(limit)});
}

// ---- The norm of a whole list: a sum a chunk, whose numbers go through the list, then their sum.

template <class T>
__global__ void square_chunks(const StepTable<1> table, double* part) {
    constexpr int N = 16 / int(sizeof(T));
    const int t = tensor_of(table, blockIdx.x);
    const int64_t n = table.size[t], first = (blockIdx.x - table.block[t]) * kStepChunk;
    const T* const x = static_cast<const T*>(table.array[0][t]);
    Real<T> own[N] = {};
    TATAMI_UNROLL
    for (int k = 0; k < int(kStepChunk) / (N * kStepThreads); k++) {
        const auto v =
            load_elements<N>(x, first + (k * kStepThreads + int(threadIdx.x)) * N, n, table.wide);
        for (int j = 0; j < N; j++) {
            const Real<T> each = v.at[j];
            own[j] = fma(each, each, own[j]);
        }
    }
    for (int j = 1; j < N; j++) own[0] += own[j];
    const double sum = reduce_block(double(own[0]), shared_memory<double>(), Plus{});
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

struct StoreRoot {
    double* norm;
    TATAMI_DEVICE void operator()(double sum) const { norm[0] = sqrt(sum); }
};

template <class T>
static void global_norm(const Steps& steps, double* norm) {
    const Workspace space(size_t(steps.chunks) * sizeof(double));
    double* part = space.as<double>();
    for_tables<1>(steps, kStepChunk, [&](const StepTable<1>& table) {
        const int64_t blocks = table.block[table.tensors];
        launch({dim3(unsigned(blocks)), dim3(kStepThreads), kReduceRoom * sizeof(double)},
               &square_chunks<T>, table, part);
        part += blocks;
    });
    store_total(steps.chunks, space.as<double>(), StoreRoot{norm});
}

template <class T>
OptimKernels optim_kernels() {
    return {&sgd<T>,   &adagrad<T>, &adadelta<T>,    &rmsprop<T>, &adam<T>, &adamax<T>,
            &nadam<T>, &ema<T>,     &global_norm<T>, &scale<T>,   &clip<T>};
}
template OptimKernels optim_kernels<float>();
template OptimKernels optim_kernels<double>();
template OptimKernels optim_kernels<Half>();
template OptimKernels optim_kernels<Bfloat16>();

}  // namespace tatami::cuda
