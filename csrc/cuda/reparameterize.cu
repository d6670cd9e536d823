// Gaussian draws: four elements a thread, which share a counter.
#include <utility>

#include "cuda/elementwise.cuh"
#include "cuda/philox.cuh"
#include "cuda/table.h"
#include "ops/normal_quantile.h"
#include "ops/reparameterize.h"

namespace tatami::cuda {

// c[0] + c[1] x + ...; coefficient(i) gives c[i], known to the compiler.
template <class T, size_t... I, class Coefficient>
TATAMI_DEVICE T polynomial(T x, std::index_sequence<I...>, Coefficient coefficient) {
    T y = T(0);
    ((y = fma(y, x, coefficient(std::integral_constant<size_t, sizeof...(I) - 1 - I>{}))), ...);
    return y;
}

template <class T>
struct Ratio {
    T top, bottom;
};

template <class T>
TATAMI_DEVICE Ratio<T> central(T q) {
    using Fit = QuantileFit<T>;
    const std::make_index_sequence<sizeof(Fit::kTop) / sizeof(T)> top{};
    const std::make_index_sequence<sizeof(Fit::kBottom) / sizeof(T)> bottom{};
    const T x = T(0.180625) - q * q;
    return {q * polynomial(x, top, [](auto i) { return Fit::kTop[decltype(i)::value]; }),
            polynomial(x, bottom, [](auto i) { return Fit::kBottom[decltype(i)::value]; })};
}

template <class T>
TATAMI_DEVICE Ratio<T> outer(T p) {
    using Fit = QuantileFit<T>;
    const std::make_index_sequence<sizeof(Fit::kTailTop) / sizeof(T)> top{};
    const std::make_index_sequence<sizeof(Fit::kTailBottom) / sizeof(T)> bottom{};
    const T x = sqrt(-log(p)) - T(1.6);
    return {polynomial(x, top, [](auto i) { return Fit::kTailTop[decltype(i)::value]; }),
            polynomial(x, bottom, [](auto i) { return Fit::kTailBottom[decltype(i)::value]; })};
}

// Phi^-1(1/2 + (s + 1/2) / 2^32), both sides counted in whole steps from where they are small.
template <class T>
TATAMI_DEVICE T normal_quantile(uint32_t word) {
    constexpr T kUnit = T(0x1p-32);
    const int32_t s = int32_t(word), steps = s < 0 ? ~s : s;
    const T centre = (T(steps) + T(0.5)) * kUnit;
    const T tail = (T(INT32_MAX - steps) + T(0.5)) * kUnit;
    const Ratio<T> x = centre <= T(0.425) ? central(centre) : outer(tail);
    return s < 0 ? -x.top / x.bottom : x.top / x.bottom;
}

// y[i] = use(x[i], exp(log_variance[i] / 2) eps[i])
template <class T, class Use>
__global__ void scaled_noise(uint64_t seed, int64_t n, const T* x, const T* log_variance, T* y,
                             Use use) {
    using V = Real<T>;
    const int64_t counter = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    const Words words = philox(seed, uint64_t(counter));
    for (int k = 0; k < 4; k++) {
        const int64_t i = 4 * counter + k;
        if (i >= n) return;
        const V spread = exp(log_variance[i] * V(0.5));
        y[i] = use(V(x[i]), spread * normal_quantile<V>(words.at[k]));
    }
}

struct Moved {
    template <class T>
    TATAMI_DEVICE T operator()(T mean, T noise) const {
        return mean + noise;
    }
};

struct Slope {
    template <class T>
    TATAMI_DEVICE T operator()(T dz, T noise) const {
        return dz * noise * T(0.5);
    }
};

template <class T, class Use>
static void draw(uint64_t seed, int64_t n, const T* x, const T* log_variance, T* y) {
    if (n <= 0) return;
    const int64_t blocks = (n + 4 * kMapThreads - 1) / (4 * kMapThreads);
    launch({dim3(unsigned(blocks)), dim3(kMapThreads)}, &scaled_noise<T, Use>, seed, n, x,
           log_variance, y, Use{});
}

template <class T>
ReparameterizeKernels<T> reparameterize_kernels() {
    return {&draw<T, Moved>, &draw<T, Slope>};
}
template ReparameterizeKernels<float> reparameterize_kernels();
template ReparameterizeKernels<double> reparameterize_kernels();
template ReparameterizeKernels<Half> reparameterize_kernels();
template ReparameterizeKernels<Bfloat16> reparameterize_kernels();

}  // namespace tatami::cuda
