// Dropout: random words for a block that stays in L1, then the choice.
#include "ops/dropout.h"

#include "cpu/bytes.h"
#include "cpu/copy.h"
#include "cpu/parallel.h"
#include "cpu/philox.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

inline constexpr int64_t kDropoutCost = 32;  // vector operations that a vector costs

// Whole vectors of load_bytes where there are as many; nothing past the first n bytes is read.
template <class T>
TATAMI_INLINE Mask<T> load_bytes_some(const uint8_t* p, int64_t n) {
    if (n >= kLanes<T>) return load_bytes<T>(p);
    uint8_t bytes[kLanes<T>] = {};
    std::memcpy(bytes, p, size_t(n));
    return load_bytes<T>(bytes);
}

// y (n) = x scale where keep is 1, 0 where it is 0.
template <class T>
TATAMI_INLINE void choose(const Dropout& d, int64_t n, bool streamed, const uint8_t* keep,
                          const T* x, T* y) {
    const Vec<T> scale = broadcast(T(d.scale));
    store_row(y, n, streamed, [=](int64_t i) {
        const Mask<T> kept = load_bytes_some<T>(keep + i, n - i) != 0;
        return select<T>(kept, load_some(x + i, n - i) * scale, Vec<T>{});
    });
}

// A block's mask = words >= threshold as bytes, and y. Reads and writes n elements only.
template <class T>
static void drop_block(const Dropout& d, int64_t n, bool streamed, const uint32_t* words,
                       const T* x, T* y, bool* mask) {
    uint8_t keep[kWordBlock];
    const uint32_t least = uint32_t(d.threshold);  // p = 1 never comes here
    for (int64_t i = 0; i < kWordBlock; i++) keep[i] = words[i] >= least;
    choose(d, n, streamed, keep, x, y);
    std::memcpy(mask, keep, size_t(n));
}

template <class T>
static void forward(const Dropout& d, uint64_t seed, int64_t n, const T* x, T* y, bool* mask) {
    const bool none = d.threshold >> 32;  // p = 1
    const bool streamed = n * int64_t(sizeof(T)) >= kStreamBytes;
    parallel_ranges(n, 4096, n / kLanes<T> * kDropoutCost, [&](int64_t begin, int64_t end) {
        if (none) {
            std::memset(y + begin, 0, size_t(end - begin) * sizeof(T));
            std::memset(mask + begin, 0, size_t(end - begin));
            return;
        }
        uint32_t words[kWordBlock];
        for (int64_t i = begin; i < end; i += kWordBlock) {
            random_words(seed, i, words);
            drop_block(d, min(kWordBlock, end - i), streamed, words, x + i, y + i, mask + i);
        }
        if (streamed) stream_fence();
    });
}

template <class T>
static void backward(const Dropout& d, int64_t n, const T* dy, const bool* mask, T* dx) {
    const auto* keep = reinterpret_cast<const uint8_t*>(mask);
    const bool streamed = n * int64_t(sizeof(T)) >= kStreamBytes;
    parallel_ranges(n, 4096, n / kLanes<T> * 4, [&](int64_t begin, int64_t end) {
        choose(d, end - begin, streamed, keep + begin, dy + begin, dx + begin);
        if (streamed) stream_fence();
    });
}

template <class T>
DropoutKernels<T> dropout_kernels() {
    return {&forward<T>, &backward<T>};
}
template DropoutKernels<float> dropout_kernels();
template DropoutKernels<double> dropout_kernels();

}  // namespace tatami::TATAMI_ISA
