// Gaussian draws: the noise of a block that stays in L1, then the sweep over it.
#include "ops/reparameterize.h"

#include "cpu/copy.h"
#include "cpu/normal_quantile.h"
#include "cpu/parallel.h"
#include "cpu/philox.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kNoiseCost = 128;  // vector operations that a vector costs

// y[i] = use(i, n - i, exp(log_variance[i] / 2) eps[i]), a vector at a time.
template <class T, class Use>
TATAMI_INLINE void scaled_noise(uint64_t seed, int64_t n, T* y, const T* log_variance,
                                const Use& use) {
    parallel_ranges(n, 4096, n / kLanes<T> * kNoiseCost, [&](int64_t begin, int64_t end) {
        uint32_t words[kWordBlock];
        for (int64_t block = begin; block < end; block += kWordBlock) {
            random_words(seed, block, words);
            const int64_t count = min(kWordBlock, end - block);
            store_row(y + block, count, false, [&](int64_t i) {
                const Vec<T> sigma =
                    exp<T>(load_some(log_variance + block + i, count - i) * T(0.5));
                return use(block + i, count - i, sigma * normal_quantile<T>(words + i));
            });
        }
    });
}

template <class T>
static void forward(uint64_t seed, int64_t n, const T* mean, const T* log_variance, T* z) {
    scaled_noise(seed, n, z, log_variance, [=](int64_t i, int64_t left, Vec<T> noise) {
        return load_some(mean + i, left) + noise;
    });
}

template <class T>
static void backward(uint64_t seed, int64_t n, const T* dz, const T* log_variance,
                     T* dlog_variance) {
    scaled_noise(seed, n, dlog_variance, log_variance, [=](int64_t i, int64_t left, Vec<T> noise) {
        return load_some(dz + i, left) * noise * T(0.5);
    });
}

template <class T>
ReparameterizeKernels<T> reparameterize_kernels() {
    return {&forward<T>, &backward<T>};
}
template ReparameterizeKernels<float> reparameterize_kernels();
template ReparameterizeKernels<double> reparameterize_kernels();

}  // namespace tatami::TATAMI_ISA
