// bfloat16 in memory, float32 in vectors.
#pragma once

#include "core/half.h"
#include "cpu/parallel.h"

namespace tatami::TATAMI_ISA {

namespace detail {
typedef uint16_t Halves __attribute__((vector_size(kVectorBytes / 2)));
typedef uint32_t Words __attribute__((vector_size(kVectorBytes)));

TATAMI_INLINE Vec<float> widened(Halves h) {
    return (Vec<float>)(__builtin_convertvector(h, Words) << 16);
}

// To nearest even, NaN as half.h makes it.
TATAMI_INLINE Halves rounded(Vec<float> v) {
    const Words u = (Words)v, number = (u + 0x7FFF + (u >> 16 & 1)) >> 16;
    return __builtin_convertvector(v == v ? number : Words{} + bits::kNan, Halves);
}
}  // namespace detail

TATAMI_INLINE Vec<float> load(const Bfloat16* p) {
    detail::Halves h;
    std::memcpy(&h, p, sizeof h);
    return detail::widened(h);
}

TATAMI_INLINE void store(Bfloat16* p, Vec<float> v) {
    const detail::Halves h = detail::rounded(v);
    std::memcpy(p, &h, sizeof h);
}

// The first n lanes; nothing else is read or written. 0 <= n <= kLanes.
TATAMI_INLINE Vec<float> load_first(const Bfloat16* p, int64_t n) {
#if defined(__AVX512F__)
    return detail::widened((detail::Halves)_mm256_maskz_loadu_epi16((1u << n) - 1, p));
#else
    detail::Halves h{};
    std::memcpy(&h, p, size_t(n) * sizeof(Bfloat16));
    return detail::widened(h);
#endif
}

TATAMI_INLINE void store_first(Bfloat16* p, Vec<float> v, int64_t n) {
    const detail::Halves h = detail::rounded(v);
#if defined(__AVX512F__)
    _mm256_mask_storeu_epi16(p, (1u << n) - 1, (__m256i)h);
#else
    std::memcpy(p, &h, size_t(n) * sizeof(Bfloat16));
#endif
}

// to (n) = from (n), of which one is bfloat16
template <class From, class To>
TATAMI_INLINE void convert(const From* from, To* to, int64_t n) {
    constexpr int64_t lanes = kLanes<float>;
    for (; n >= lanes; n -= lanes, from += lanes, to += lanes) store(to, load(from));
    if (n > 0) store_first(to, load_first(from, n), n);
}

// The same, on all threads.
TATAMI_INLINE void narrow_all(const float* from, Bfloat16* to, int64_t n) {
    parallel_ranges(n, 1024, n / kLanes<float>, [&](int64_t begin, int64_t end) {
        convert(from + begin, to + begin, end - begin);
    });
}

// An array as float32; nullptr stays.
class Widened {
  public:
    TATAMI_INLINE Widened(const Bfloat16* from, int64_t n)
        : given_(from), scratch_(from ? size_t(n) * sizeof(float) : 0) {
        if (from)
            parallel_ranges(n, 1024, n / kLanes<float>, [&](int64_t begin, int64_t end) {
                convert(from + begin, data() + begin, end - begin);
            });
    }
    TATAMI_INLINE operator const float*() const { return given_ ? data() : nullptr; }

  private:
    TATAMI_INLINE float* data() const { return scratch_.as<float>(); }

    const Bfloat16* given_;
    const memory::Scratch scratch_;
};

// What is computed in float32 for an array of bfloat16; nullptr stays.
class Narrowed {
  public:
    TATAMI_INLINE Narrowed(Bfloat16* to, int64_t n)
        : to_(to), n_(to ? n : 0), scratch_(size_t(n_) * sizeof(float)) {}
    TATAMI_INLINE ~Narrowed() { narrow_all(scratch_.as<float>(), to_, n_); }
    TATAMI_INLINE operator float*() const { return to_ ? scratch_.as<float>() : nullptr; }

  private:
    Bfloat16* const to_;
    const int64_t n_;
    const memory::Scratch scratch_;
};

}  // namespace tatami::TATAMI_ISA
