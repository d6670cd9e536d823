// Dropout: random words for a block that stays in L1, then the choice.
#include "ops/dropout.h"

#include "cpu/parallel.h"
#include "cpu/philox.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kWordBlock = 256;   // elements whose words are made at a time
inline constexpr int64_t kDropoutCost = 32;  // vector operations that a vector costs

// One lane of LANE width for each byte or word: what a mask of T is compared with.
template <class T, class From>
TATAMI_INLINE Mask<T> widen(const From* p) {
    typedef From Narrow __attribute__((vector_size(kLanes<T> * sizeof(From))));
    Narrow v;
    std::memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, Mask<T>);
}

// mask[i] = words[i] >= threshold, as bytes 0 and 1, and y. Reads and writes n elements only.
template <class T>
static void choose(const Dropout& d, int64_t n, const uint32_t* words, const T* x, T* y,
                   bool* mask) {
    uint8_t keep[kWordBlock];
    const uint32_t least = uint32_t(d.threshold);  // p = 1 never comes here
    for (int64_t i = 0; i < kWordBlock; i++) keep[i] = words[i] >= least;
    const Vec<T> scale = broadcast(T(d.scale));
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>)
        store(y + i, select<T>(widen<T>(keep + i) != 0, load(x + i) * scale, Vec<T>{}));
    for (; i < n; i++) y[i] = keep[i] ? x[i] * T(d.scale) : T(0);
    std::memcpy(mask, keep, size_t(n));
}

template <class T>
static void forward(const Dropout& d, uint64_t seed, int64_t n, const T* x, T* y, bool* mask) {
    const bool none = d.threshold >> 32;  // p = 1
    parallel_ranges(n, 4096, n / kLanes<T> * kDropoutCost, [&](int64_t begin, int64_t end) {
        if (none) {
            std::memset(y + begin, 0, size_t(end - begin) * sizeof(T));
            std::memset(mask + begin, 0, size_t(end - begin));
            return;
        }
        uint32_t words[kWordBlock];
        for (int64_t i = begin; i < end; i += kWordBlock) {
            for (int64_t w = 0; w < kWordBlock; w += 4 * kWideLanes)
                philox(seed, uint64_t(i + w) / 4, words + w);
            choose(d, min(kWordBlock, end - i), words, x + i, y + i, mask + i);
        }
    });
}

template <class T>
static void backward(const Dropout& d, int64_t n, const T* dy, const bool* mask, T* dx) {
    const auto* keep = reinterpret_cast<const uint8_t*>(mask);
    const Vec<T> scale = broadcast(T(d.scale));
    parallel_ranges(n, 4096, n / kLanes<T> * 4, [&](int64_t begin, int64_t end) {
        int64_t i = begin;
        for (; i + kLanes<T> <= end; i += kLanes<T>)
            store(dx + i, select<T>(widen<T>(keep + i) != 0, load(dy + i) * scale, Vec<T>{}));
        for (; i < end; i++) dx[i] = keep[i] ? dy[i] * T(d.scale) : T(0);
    });
}

template <class T>
DropoutKernels<T> dropout_kernels() {
    return {&forward<T>, &backward<T>};
}
template DropoutKernels<float> dropout_kernels();
template DropoutKernels<double> dropout_kernels();

}  // namespace tatami::TATAMI_ISA
