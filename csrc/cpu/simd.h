// Vectors of T as wide as this instruction set's registers, from the compiler's vector extensions.
// Every kernel is written on these few operations; intrinsics live in this file only.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define TATAMI_INLINE inline __attribute__((always_inline))

namespace tatami::TATAMI_ISA {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64, kRegisters = 32;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32, kRegisters = 16;
#elif defined(__aarch64__)
inline constexpr int kVectorBytes = 16, kRegisters = 32;
#else
inline constexpr int kVectorBytes = 16, kRegisters = 16;
#endif

template <class T>
inline constexpr int kLanes = kVectorBytes / int(sizeof(T));

namespace detail {
template <class T>
struct VecOf;
template <>
struct VecOf<float> {
    typedef float type __attribute__((vector_size(kVectorBytes)));
    typedef int32_t mask __attribute__((vector_size(kVectorBytes)));
};
template <>
struct VecOf<double> {
    typedef double type __attribute__((vector_size(kVectorBytes)));
    typedef int64_t mask __attribute__((vector_size(kVectorBytes)));
};
}  // namespace detail

template <class T>
using Vec = typename detail::VecOf<T>::type;
// What a comparison of two Vec<T> gives: all bits set where true. Also the integer vector of T's
// width.
template <class T>
using Mask = typename detail::VecOf<T>::mask;

template <class T>
TATAMI_INLINE constexpr T min(T a, T b) {
    return b < a ? b : a;
}
template <class T>
TATAMI_INLINE constexpr T max(T a, T b) {
    return a < b ? b : a;
}
TATAMI_INLINE constexpr int64_t ceil_div(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}
TATAMI_INLINE constexpr int64_t round_up(int64_t a, int64_t b) {
    return ceil_div(a, b) * b;
}

template <class T>
TATAMI_INLINE Vec<T> broadcast(T x) {
    return x - Vec<T>{};  // not x + 0, which would lose the sign of -0
}

template <class T>
TATAMI_INLINE Vec<T> load(const T* p) {
    Vec<T> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
TATAMI_INLINE void store(T* p, std::type_identity_t<Vec<T>> v) {
    std::memcpy(p, &v, sizeof v);
}

// Outputs from this size on leave the caches before anyone reads them: they are streamed.
inline constexpr int64_t kStreamBytes = 8 << 20;

// Past the caches' size: writes without reading the line first. p is aligned to the vector.
template <class T>
TATAMI_INLINE void stream(T* p, std::type_identity_t<Vec<T>> v) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), reinterpret_cast<__m512i>(v));
#elif defined(__AVX2__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), reinterpret_cast<__m256i>(v));
#elif defined(__x86_64__)
    _mm_stream_si128(reinterpret_cast<__m128i*>(p), reinterpret_cast<__m128i>(v));
#else
    store(p, v);
#endif
}

// Orders streamed stores before what follows.
TATAMI_INLINE void stream_fence() {
#if defined(__x86_64__)
    _mm_sfence();
#endif
}

namespace detail {
template <class T, int... I>
TATAMI_INLINE Mask<T> lane_numbers(std::integer_sequence<int, I...>) {
    return Mask<T>{I...};
}
}  // namespace detail

// True in the first n lanes.
template <class T>
TATAMI_INLINE Mask<T> first_lanes(int64_t n) {
    using Lane = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
    return detail::lane_numbers<T>(std::make_integer_sequence<int, kLanes<T>>{}) < Lane(n);
}

// The first n lanes from p, zeros after them; nothing past p + n is read. 0 <= n <= kLanes.
template <class T>
TATAMI_INLINE Vec<T> load_first(const T* p, int64_t n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_maskz_loadu_ps((1u << n) - 1, p);
    if constexpr (sizeof(T) == 8) return _mm512_maskz_loadu_pd((1u << n) - 1, p);
#elif defined(__AVX2__)
    const __m256i mask = reinterpret_cast<__m256i>(first_lanes<T>(n));
    if constexpr (sizeof(T) == 4) return _mm256_maskload_ps(p, mask);
    if constexpr (sizeof(T) == 8) return _mm256_maskload_pd(p, mask);
#else
    Vec<T> v{};
    std::memcpy(&v, p, size_t(n) * sizeof(T));
    return v;
#endif
}

template <class T>
TATAMI_INLINE void store_first(T* p, std::type_identity_t<Vec<T>> v, int64_t n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) _mm512_mask_storeu_ps(p, (1u << n) - 1, v);
    if constexpr (sizeof(T) == 8) _mm512_mask_storeu_pd(p, (1u << n) - 1, v);
#elif defined(__AVX2__)
    const __m256i mask = reinterpret_cast<__m256i>(first_lanes<T>(n));
    if constexpr (sizeof(T) == 4) _mm256_maskstore_ps(p, mask, v);
    if constexpr (sizeof(T) == 8) _mm256_maskstore_pd(p, mask, v);
#else
    std::memcpy(p, &v, size_t(n) * sizeof(T));
#endif
}

// The set of lanes [begin, end) as bits; empty where begin >= end.
TATAMI_INLINE uint32_t lane_bits(int64_t begin, int64_t end) {
    return ((1u << end) - 1) & (~0u << begin);
}

// v with the lanes whose bit is set in `lanes` replaced by p[lane * stride]; nothing else is read.
template <class T>
TATAMI_INLINE Vec<T> load_lanes_into(Vec<T> v, const T* p, int64_t stride, uint32_t lanes) {
#if defined(__AVX512F__)
    if (stride == 1) {
        if constexpr (sizeof(T) == 4) return _mm512_mask_loadu_ps(v, __mmask16(lanes), p);
        if constexpr (sizeof(T) == 8) return _mm512_mask_loadu_pd(v, __mmask8(lanes), p);
    }
    if (stride == 2) {  // two vectors, their even elements kept
        const uint32_t spread = _pdep_u32(lanes, 0x55555555);
        if constexpr (sizeof(T) == 4) {
            const __m512 low = _mm512_maskz_loadu_ps(__mmask16(spread), p);
            const __m512 high = _mm512_maskz_loadu_ps(__mmask16(spread >> 16), p + 16);
            const __m512i even =
                _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            return _mm512_mask_mov_ps(v, __mmask16(lanes), _mm512_permutex2var_ps(low, even, high));
        }
        if constexpr (sizeof(T) == 8) {
            const __m512d low = _mm512_maskz_loadu_pd(__mmask8(spread), p);
            const __m512d high = _mm512_maskz_loadu_pd(__mmask8(spread >> 8), p + 8);
            const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
            return _mm512_mask_mov_pd(v, __mmask8(lanes), _mm512_permutex2var_pd(low, even, high));
        }
    }
#elif defined(__AVX2__)
    if (stride == 1) {
        if constexpr (sizeof(T) == 4) {
            const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            const __m256i on =
                _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(lanes), bit), bit);
            return _mm256_blendv_ps(v, _mm256_maskload_ps(p, on), _mm256_castsi256_ps(on));
        }
        if constexpr (sizeof(T) == 8) {
            const __m256i bit = _mm256_setr_epi64x(1, 2, 4, 8);
            const __m256i on =
                _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(lanes), bit), bit);
            return _mm256_blendv_pd(v, _mm256_maskload_pd(p, on), _mm256_castsi256_pd(on));
        }
    }
#endif
    T lane[kLanes<T>];
    store(lane, v);
    for (int i = 0; i < kLanes<T>; i++)
        if (lanes >> i & 1) lane[i] = p[i * stride];
    return load(lane);
}

// Lanes [begin, end) from p, `fill` in the others; nothing outside p[begin, end) is read.
// 0 <= begin, end <= kLanes.
template <class T>
TATAMI_INLINE Vec<T> load_lanes(const T* p, int64_t begin, int64_t end, T fill) {
    return load_lanes_into(broadcast(fill), p, 1, lane_bits(begin, end));
}

#if defined(__AVX2__) || defined(__aarch64__)
inline constexpr bool kFused = true;
#else
inline constexpr bool kFused = false;
#endif

// a * b + c, rounded once wherever the instruction set has FMA (all but portable).
template <class V>
TATAMI_INLINE V fma(V a, V b, V c) {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<V, Vec<float>>) return _mm512_fmadd_ps(a, b, c);
    if constexpr (std::is_same_v<V, Vec<double>>) return _mm512_fmadd_pd(a, b, c);
#elif defined(__AVX2__)
    if constexpr (std::is_same_v<V, Vec<float>>) return _mm256_fmadd_ps(a, b, c);
    if constexpr (std::is_same_v<V, Vec<double>>) return _mm256_fmadd_pd(a, b, c);
#elif defined(__aarch64__)
    if constexpr (std::is_same_v<V, Vec<float>>) return vfmaq_f32(c, a, b);
    if constexpr (std::is_same_v<V, Vec<double>>) return vfmaq_f64(c, a, b);
#else
    return a * b + c;
#endif
}

#if defined(__AVX512F__)
// y * 2^n, rounded once; n holds integers. One instruction, which only this instruction set has.
template <class V>
TATAMI_INLINE V scale_by_power(V y, V n) {
    if constexpr (std::is_same_v<V, Vec<float>>) return _mm512_maskz_scalef_ps(-1, y, n);
    if constexpr (std::is_same_v<V, Vec<double>>) return _mm512_maskz_scalef_pd(-1, y, n);
}
#endif

template <class T>
TATAMI_INLINE Vec<T> sqrt(Vec<T> x) {
#if defined(__AVX512F__)  // the unmasked forms make GCC 12 warn of an unset operand
    if constexpr (sizeof(T) == 4) return _mm512_maskz_sqrt_ps(0xFFFF, x);
    if constexpr (sizeof(T) == 8) return _mm512_maskz_sqrt_pd(0xFF, x);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_sqrt_ps(x);
    if constexpr (sizeof(T) == 8) return _mm256_sqrt_pd(x);
#elif defined(__aarch64__)
    if constexpr (sizeof(T) == 4) return vsqrtq_f32(x);
    if constexpr (sizeof(T) == 8) return vsqrtq_f64(x);
#else
    if constexpr (sizeof(T) == 4) return _mm_sqrt_ps(x);
    if constexpr (sizeof(T) == 8) return _mm_sqrt_pd(x);
#endif
}

// As many integers as a vector of 64-bit lanes holds, widened to them.
TATAMI_INLINE Mask<double> load_wide(const int32_t* p) {
#if defined(__AVX512F__)
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return Mask<double>(_mm512_maskz_cvtepi32_epi64(0xFF, v));
#elif defined(__AVX2__)
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return Mask<double>(_mm256_cvtepi32_epi64(v));
#else
    return Mask<double>{p[0], p[1]};
#endif
}
TATAMI_INLINE Mask<double> load_wide(const int64_t* p) {
    Mask<double> v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

// As many bytes as a Vec<T> has lanes, each widened to a lane. GCC takes the plain conversion apart
// into single bytes.
template <class T>
TATAMI_INLINE Mask<T> load_bytes(const uint8_t* p) {
#if defined(__AVX512F__)
    const __m128i v =
        sizeof(T) == 4 ? _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)) : _mm_loadu_si64(p);
    if constexpr (sizeof(T) == 4) return Mask<T>(_mm512_maskz_cvtepu8_epi32(0xFFFF, v));
    if constexpr (sizeof(T) == 8) return Mask<T>(_mm512_maskz_cvtepu8_epi64(0xFF, v));
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return Mask<T>(_mm256_cvtepu8_epi32(_mm_loadu_si64(p)));
    if constexpr (sizeof(T) == 8) return Mask<T>(_mm256_cvtepu8_epi64(_mm_loadu_si32(p)));
#else
    typedef uint8_t Bytes __attribute__((vector_size(kLanes<T>)));
    Bytes v;
    std::memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, Mask<T>);
#endif
}

// Unsigned lanes of 64 bits.
using Wide = uint64_t __attribute__((vector_size(kVectorBytes)));

// The product of the low halves of each lane.
TATAMI_INLINE Wide multiply_low(Wide a, Wide b) {
#if defined(__AVX512F__)
    return Wide(_mm512_maskz_mul_epu32(0xFF, __m512i(a), __m512i(b)));
#elif defined(__AVX2__)
    return Wide(_mm256_mul_epu32(__m256i(a), __m256i(b)));
#elif defined(__x86_64__)
    return Wide(_mm_mul_epu32(__m128i(a), __m128i(b)));
#else
    return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

// mask ? a : b, lane by lane.
template <class T>
TATAMI_INLINE Vec<T> select(Mask<T> mask, std::type_identity_t<Vec<T>> a,
                            std::type_identity_t<Vec<T>> b) {
    return mask ? a : b;
}

namespace detail {
// a > b ? a : b, so b where either is NaN.
template <class T>
TATAMI_INLINE Vec<T> larger_or_second(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_maskz_max_ps(0xffff, a, b);
    if constexpr (sizeof(T) == 8) return _mm512_maskz_max_pd(0xff, a, b);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_max_ps(a, b);
    if constexpr (sizeof(T) == 8) return _mm256_max_pd(a, b);
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) return _mm_max_ps(a, b);
    if constexpr (sizeof(T) == 8) return _mm_max_pd(a, b);
#else
    return a > b ? a : b;
#endif
}

// a < b ? a : b, so b where either is NaN.
template <class T>
TATAMI_INLINE Vec<T> smaller_or_second(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_maskz_min_ps(0xffff, a, b);
    if constexpr (sizeof(T) == 8) return _mm512_maskz_min_pd(0xff, a, b);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_min_ps(a, b);
    if constexpr (sizeof(T) == 8) return _mm256_min_pd(a, b);
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) return _mm_min_ps(a, b);
    if constexpr (sizeof(T) == 8) return _mm_min_pd(a, b);
#else
    return a < b ? a : b;
#endif
}
}  // namespace detail

// The larger one, NaN where either is: both orders agree but for NaN, whose bits the | keeps.
template <class T>
TATAMI_INLINE Vec<T> max_nan(Vec<T> a, Vec<T> b) {
    return (Vec<T>)((Mask<T>)detail::larger_or_second<T>(a, b) |
                    (Mask<T>)detail::larger_or_second<T>(b, a));
}

// x, but no less than `least`, no more than `most`; NaN stays.
template <class T>
TATAMI_INLINE Vec<T> at_least(Vec<T> x, T least) {
    return detail::larger_or_second<T>(broadcast(least), x);
}
template <class T>
TATAMI_INLINE Vec<T> at_most(Vec<T> x, T most) {
    return detail::smaller_or_second<T>(broadcast(most), x);
}

// Keeps v in a register, where there are enough: the compiler would read it anew for each product.
template <class V>
TATAMI_INLINE void hold([[maybe_unused]] V& v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__aarch64__)
    asm("" : "+w"(v));
#endif
}

// The lanes of a and b by number, b's from the number of lanes on.
template <int... I, class V>
TATAMI_INLINE V shuffle(V a, V b) {
#if defined(__clang__)
    return __builtin_shufflevector(a, b, I...);
#else
    return __builtin_shuffle(a, b, decltype(a < b){I...});
#endif
}

// ---- 64 bytes on every instruction set, so that a reduction has the same tree everywhere.

template <class T>
struct Pack {
    static constexpr int kParts = 64 / kVectorBytes;
    static constexpr int kSize = 64 / int(sizeof(T));  // 16 floats, 8 doubles
    Vec<T> part[kParts];
};

template <class T>
inline constexpr int kPack = Pack<T>::kSize;

// r[i] = f(a[i], b[i]...) register by register.
template <class T, class F, class... Packs>
TATAMI_INLINE Pack<T> map(F f, const Pack<T>& a, const Packs&... b) {
    Pack<T> r;
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) r.part[i] = f(a.part[i], b.part[i]...);
    return r;
}

template <class T>
TATAMI_INLINE Pack<T> load_pack(const T* p) {
    Pack<T> r;
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) r.part[i] = load(p + i * kLanes<T>);
    return r;
}

// The first n elements, `fill` after them.
template <class T>
TATAMI_INLINE Pack<T> load_pack_first(const T* p, int64_t n, T fill = T(0)) {
    Pack<T> r;
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) {
        const int64_t left = max<int64_t>(min<int64_t>(n - i * kLanes<T>, kLanes<T>), 0);
        r.part[i] =
            select<T>(first_lanes<T>(left), load_first(p + i * kLanes<T>, left), broadcast(fill));
    }
    return r;
}

// The first n lanes of x, `fill` in the others.
template <class T>
TATAMI_INLINE Pack<T> first_of_pack(const Pack<T>& x, int64_t n, T fill) {
    Pack<T> r;
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) {
        const int64_t left = max<int64_t>(min<int64_t>(n - i * kLanes<T>, kLanes<T>), 0);
        r.part[i] = select<T>(first_lanes<T>(left), x.part[i], broadcast(fill));
    }
    return r;
}

template <class T>
TATAMI_INLINE void store_pack(T* p, const Pack<T>& x) {
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) store(p + i * kLanes<T>, x.part[i]);
}

template <class T>
TATAMI_INLINE void store_pack_first(T* p, const Pack<T>& x, int64_t n) {
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) {
        const int64_t left = max<int64_t>(min<int64_t>(n - i * kLanes<T>, kLanes<T>), 0);
        store_first(p + i * kLanes<T>, x.part[i], left);
    }
}

template <class T>
TATAMI_INLINE Pack<T> broadcast_pack(T x) {
    Pack<T> r;
#pragma GCC unroll 4
    for (int i = 0; i < Pack<T>::kParts; i++) r.part[i] = broadcast(x);
    return r;
}

namespace detail {
template <class T, int FIRST, int... I>
TATAMI_INLINE Vec<T> lanes_from(Vec<T> x, std::integer_sequence<int, I...>) {
    return shuffle<((I + FIRST) % kLanes<T>)...>(x, x);
}

template <class T, int HALF, class F>
TATAMI_INLINE T fold_lanes(Vec<T> x, F f) {
    x = f(x, lanes_from<T, HALF>(x, std::make_integer_sequence<int, kLanes<T>>{}));
    if constexpr (HALF == 1)
        return x[0];
    else
        return fold_lanes<T, HALF / 2>(x, f);
}

// The first half of the halving tree: the registers of x.
template <class T, class F>
TATAMI_INLINE Vec<T> fold_parts(Pack<T> x, F f) {
#pragma GCC unroll 2
    for (int half = Pack<T>::kParts / 2; half > 0; half /= 2)
#pragma GCC unroll 2
        for (int i = 0; i < half; i++) x.part[i] = f(x.part[i], x.part[i + half]);
    return x.part[0];
}
}  // namespace detail

// Halving tree over the 64 bytes, f on vectors: the same order on every instruction set.
template <class T, class F>
TATAMI_INLINE T fold_pack(const Pack<T>& x, F f) {
    return detail::fold_lanes<T, kLanes<T> / 2>(detail::fold_parts(x, f), f);
}

template <class T>
TATAMI_INLINE T sum_pack(const Pack<T>& x) {
    return fold_pack(x, [](Vec<T> a, Vec<T> b) { return a + b; });
}

// ---- Transposition of a kLanes x kLanes block held in registers.

namespace detail {
// One butterfly: swaps the off-diagonal squares of size D between rows i and i + D.
template <class T, int D, int... I>
TATAMI_INLINE void butterfly(Vec<T>& a, Vec<T>& b, std::integer_sequence<int, I...>) {
    constexpr int n = kLanes<T>;
    const Vec<T> low = shuffle<(I & D ? n + I - D : I)...>(a, b);
    const Vec<T> high = shuffle<(I & D ? n + I : I + D)...>(a, b);
    a = low;
    b = high;
}

template <class T, int D>
TATAMI_INLINE void transpose_stage(Vec<T> (&row)[kLanes<T>]) {
#pragma GCC unroll 16
    for (int i = 0; i < kLanes<T>; i++)
        if (!(i & D))
            butterfly<T, D>(row[i], row[i + D], std::make_integer_sequence<int, kLanes<T>>{});
    if constexpr (D > 1) transpose_stage<T, D / 2>(row);
}
}  // namespace detail

template <class T>
TATAMI_INLINE void transpose(Vec<T> (&row)[kLanes<T>]) {
    detail::transpose_stage<T, kLanes<T> / 2>(row);
}

// ---- Several sums of lanes at once.

namespace detail {
template <class T, int HALF, int N>
TATAMI_INLINE Vec<T> sum_halves(Vec<T> (&v)[N]) {
    constexpr auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
    if constexpr (HALF == 0) {
        return v[0];
    } else {
        Vec<T> sum[N > 1 ? N / 2 : 1];
        if constexpr (N == 1) sum[0] = v[0] + lanes_from<T, HALF>(v[0], lanes);
#pragma GCC unroll 8
        for (int i = 0; i < N / 2; i++) {
            butterfly<T, HALF>(v[i], v[i + N / 2], lanes);
            sum[i] = v[i] + v[i + N / 2];
        }
        return sum_halves<T, HALF / 2>(sum);
    }
}
}  // namespace detail

// to[k] = sum_pack(x[k]), bit by bit; N is a power of two up to kLanes.
template <class T, int N>
TATAMI_INLINE void sum_packs(const Pack<T> (&x)[N], T* to) {
    const auto add = [](Vec<T> a, Vec<T> b) { return a + b; };
    Vec<T> v[N];
#pragma GCC unroll 16
    for (int k = 0; k < N; k++) v[k] = detail::fold_parts(x[k], add);
    T lane[kLanes<T>];
    store(lane, detail::sum_halves<T, kLanes<T> / 2>(v));
    for (int k = 0; k < N; k++) to[k] = lane[k * (kLanes<T> / N)];
}

}  // namespace tatami::TATAMI_ISA
