// Elementary functions of a vector: range reduction, then a polynomial or rational fit, without
// libm, tables or branches. Results have the same bits on every instruction set with FMA and are
// within these units in the last place, denormal results included: exp 1.2, log 2, log1p, tanh and
// the logistic 3, its slope 5, normal_tail 5.5, its density 4. The errors beside the coefficients
// are the fits' own, relative.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

namespace detail {

template <class T>
struct Fit;

// Bits: lanes that wrap around, as sums of bit patterns do.
template <>
struct Fit<float> {
    typedef uint32_t Bits __attribute__((vector_size(kVectorBytes)));
    static constexpr float kExpMin = -104, kExpMax = 89;         // exp is 0 below, inf above
    static constexpr float kRound = 0x1.8p23f;                   // adding it rounds to an integer
    static constexpr int kMantissa = 23;                         // bits of it
    static constexpr float kTiny = 0x1p-126f;                    // smallest normal number
    static constexpr int32_t kSignificant = int32_t(~0u << 12);  // a number so cut squares exactly
    // ln 2 in two parts; an integer below 2^11 times the first is exact.
    static constexpr float kLn2High = 0x1.63p-1f, kLn2Low = -0x1.bd0106p-13f;
    // exp(r) on |r| <= ln(2) / 2, error 3e-9.
    static constexpr float kExp[] = {
        1, 1, 4.9999994e-01f, 1.666652e-01f, 4.1668393e-02f, 8.36878e-03f, 1.3814481e-03f};
    // (2 atanh(s) / s - 2) / s^2 of s^2 on [0, 1/9], error of atanh 5e-9.
    static constexpr float kAtanh[] = {6.666641e-01f, 4.0021637e-01f, 2.7999988e-01f,
                                       2.8020766e-01f};
    // exp with fewer terms, error 8e-8, and the low part of ln 2 as one number, what it lacks made
    // up for by the next fit.
    static constexpr float kTailExp[] = {1,           0.99999976f,  0.499989f,
                                         0.16667467f, 0.041915614f, 0.008297624f};
    static constexpr float kTailLn2Low = 0x1.62e43p-1f - kLn2High;
    // density(a) / Phi(-a) = a + rest(a) / top(a) on [0, kTailMax], error 6.6e-8.
    static constexpr float kTailMax = 14.5f;
    static constexpr float kTailTop[] = {80.14836f, 77.96253f, 35.40921f, 8.6405525f, 1};
    static constexpr float kTailRest[] = {63.94914f, 33.08102f, 8.656891f, 0.99978763f};
};

template <>
struct Fit<double> {
    typedef uint64_t Bits __attribute__((vector_size(kVectorBytes)));
    static constexpr double kExpMin = -746, kExpMax = 710;
    static constexpr double kRound = 0x1.8p52;
    static constexpr int kMantissa = 52;
    static constexpr double kTiny = 0x1p-1022;
    static constexpr int64_t kSignificant = int64_t(~0ull << 27);
    static constexpr double kLn2High = 0x1.62e42feep-1, kLn2Low = 0x1.a39ef35793c76p-33;
    // Error 4e-18.
    static constexpr double kExp[] = {1,
                                      1,
                                      0.5000000000000011,
                                      0.1666666666666641,
                                      0.0416666666665292,
                                      0.008333333333495714,
                                      0.0013888888943921075,
                                      0.00019841269504568138,
                                      2.4801492763917227e-05,
                                      2.755758751522328e-06,
                                      2.7630378361336437e-07,
                                      2.4999912230597177e-08};
    // Error 2e-18.
    static constexpr double kAtanh[] = {
        0.6666666666666632,  0.40000000000153746, 0.2857142854821871,  0.22222223950199596,
        0.1818174453386559,  0.15386548228163247, 0.13301113924626182, 0.12105060796459241,
        0.08344275460934733, 0.17011318643430273};
    static constexpr auto& kTailExp = kExp;
    static constexpr double kTailLn2Low = kLn2Low;
    // Error 1e-16.
    static constexpr double kTailMax = 39;
    static constexpr double kTailTop[] = {
        360933.75373910635, 559339.8157384363,  428798.80383493565, 208842.76857905477,
        70518.33278260888,  17049.923108583123, 2951.4456499236326, 353.94439694058894,
        26.886015379405887, 0.9999999999970253};
    static constexpr double kTailRest[] = {
        287983.46958105644, 315132.4136260751,      178223.15176360426,   64883.158937416745,
        16352.104677541703, 2897.6702408808155,     351.9445196235561,    26.886012152800944,
        1.0000000574837886, -6.158676945358523e-10, 2.974738160323811e-12};
};

template <class T>
TATAMI_INLINE Mask<T> bits(Vec<T> x) {
    return (Mask<T>)x;
}
template <class T>
TATAMI_INLINE Vec<T> from_bits(Mask<T> x) {
    return (Vec<T>)x;
}

// c[0] + c[1] x + c[2] x^2 ...
template <class T, int N>
TATAMI_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
    Vec<T> y = c[N - 1] == 1 ? x + c[N - 2] : fma(broadcast(c[N - 1]), x, broadcast(c[N - 2]));
#pragma GCC unroll 16
    for (int i = N - 3; i >= 0; i--) y = fma(y, x, broadcast(c[i]));
    return y;
}

template <class T, int N>
struct Series {
    T c[N];
};

// The coefficients c[FIRST], c[FIRST + 1] ... of a polynomial in HALVES / 2 x, times `scale`.
template <int HALVES, int FIRST, class T, int N>
consteval Series<T, N - FIRST> series_of(const T (&c)[N], T scale = 1) {
    Series<T, N - FIRST> to{};
    for (int i = 0; i < N; i++, scale *= T(HALVES) / 2)
        if (i >= FIRST) to.c[i - FIRST] = c[i] * scale;
    return to;
}

// To the nearest integer; |x| < 2^21.
template <class T>
TATAMI_INLINE Vec<T> round(Vec<T> x) {
    return (x + Fit<T>::kRound) - Fit<T>::kRound;
}

// 2^n for an integer n whose power is normal: the exponent field, shifted into place.
template <class T>
TATAMI_INLINE Vec<T> power_of_two(Vec<T> n) {
    using Bits = typename Fit<T>::Bits;
    return (Vec<T>)(((Bits)(n + Fit<T>::kRound) << Fit<T>::kMantissa) + (Bits)broadcast(T(1)));
}

// y 2^n, rounded once, for 2^-9 < y < 2 and an integer n from kExpMin to kExpMax over ln 2.
template <class T>
TATAMI_INLINE Vec<T> scale(Vec<T> y, Vec<T> n) {
#if defined(__AVX512F__)
    return scale_by_power(y, n);
#else
    const Vec<T> half = round<T>(n * T(0.5));  // 2^n itself may be out of range
    return y * power_of_two<T>(half) * power_of_two<T>(n - half);
#endif
}

// The integer n next to HALVES / 2 x / ln 2.
template <int HALVES, class T>
TATAMI_INLINE Vec<T> exponent(Vec<T> x) {
    const Vec<T> round = broadcast(Fit<T>::kRound);
    return fma(x, broadcast(T(HALVES / 2.0 * 1.4426950408889634)), round) - round;
}

// HALVES / 2 x = n ln 2 + HALVES / 2 r.
template <class T>
struct Reduced {
    Vec<T> n, r;
};

// By ln 2 = kLn2High + low; in one step where the sum is a number.
template <int HALVES, class T>
TATAMI_INLINE Reduced<T> reduce(Vec<T> x, T low = Fit<T>::kLn2Low) {
    constexpr T kFactor = T(HALVES) / 2, kHigh = Fit<T>::kLn2High;
    const Vec<T> n = exponent<HALVES, T>(x);
    const T sum = kHigh + low;
    if (kFused && sum - kHigh == low) return {n, fma(n, broadcast(-sum / kFactor), x)};
    const Vec<T> rest = fma(n, broadcast(-kHigh / kFactor), x);  // exact
    return {n, fma(n, broadcast(-low / kFactor), rest)};
}

// a^2 - square, of the square as it was rounded.
template <class T>
TATAMI_INLINE Vec<T> square_error(Vec<T> a, Vec<T> square) {
    if constexpr (kFused) return fma(a, a, -square);
    const Vec<T> cut = from_bits<T>(bits<T>(a) & Fit<T>::kSignificant);
    return (cut * cut - square) + (a - cut) * (a + cut);
}

// exp(HALVES / 2 r) for |HALVES / 2 r| <= ln(2) / 2.
template <int HALVES, class T>
TATAMI_INLINE Vec<T> exp_reduced(Vec<T> r) {
    constexpr auto series = series_of<HALVES, 0>(Fit<T>::kExp);
    return polynomial<T>(r, series.c);
}

// exp(r) - 1 for |r| <= ln(2) / 2.
template <class T>
TATAMI_INLINE Vec<T> expm1_reduced(Vec<T> r) {
    constexpr auto series = series_of<2, 2>(Fit<T>::kExp);
    return fma(r * r, polynomial<T>(r, series.c), r);
}

// log((1 + s) / (1 - s)) for s^2 <= 1/9.
template <class T>
TATAMI_INLINE Vec<T> log_ratio(Vec<T> s) {
    const Vec<T> square = s * s;
    return fma(s * square, polynomial<T>(square, Fit<T>::kAtanh), s + s);
}

}  // namespace detail

template <class T>
TATAMI_INLINE Vec<T> abs(Vec<T> x) {
    return detail::from_bits<T>(detail::bits<T>(x) & ~detail::bits<T>(broadcast(T(-0.0))));
}

// |magnitude| with the sign of `sign`; magnitude is not negative.
template <class T>
TATAMI_INLINE Vec<T> with_sign(Vec<T> magnitude, Vec<T> sign) {
    return detail::from_bits<T>(detail::bits<T>(magnitude) |
                                (detail::bits<T>(sign) & detail::bits<T>(broadcast(T(-0.0)))));
}

template <class T>
TATAMI_INLINE Vec<T> exp(Vec<T> x) {
    using Fit = detail::Fit<T>;
    const auto [n, r] =
        detail::reduce<2, T>(at_least<T>(at_most<T>(x, Fit::kExpMax), Fit::kExpMin));
    return detail::scale<T>(detail::exp_reduced<2, T>(r), n);
}

// exp(x) - 1 for x <= 40. One step of reduction leaves an error of 3e-9 x in x, which only exp
// itself would feel.
template <class T>
TATAMI_INLINE Vec<T> expm1(Vec<T> x) {
    x = at_least<T>(x, T(-40));  // -1 from there on
    const Vec<T> n = detail::exponent<2, T>(x), power = detail::power_of_two<T>(n);
    const Vec<T> r = fma(n, broadcast(-T(0.69314718055994531)), x);
    return fma(power, detail::expm1_reduced<T>(r), power - T(1));
}

// log(1 + x) for 0 <= x <= 1.
template <class T>
TATAMI_INLINE Vec<T> log1p(Vec<T> x) {
    return detail::log_ratio<T>(x / (x + T(2)));
}

template <class T>
TATAMI_INLINE Vec<T> log(Vec<T> x) {
    using Fit = detail::Fit<T>;
    constexpr int kMantissa = Fit::kMantissa;
    constexpr T kUp = T(int64_t(1) << (kMantissa + 1));
    const Vec<T> normal = x < Fit::kTiny ? x * kUp : x;
    // normal = 2^k m with sqrt(1/2) <= m < sqrt(2).
    using Bits = typename Fit::Bits;
    const Mask<T> field = (Mask<T>)((Bits)normal - (Bits)broadcast(T(0.70710678118654752)));
    const Vec<T> m = (Vec<T>)((Bits)normal - (Bits)((field >> kMantissa) << kMantissa));
    Vec<T> k = __builtin_convertvector(field >> kMantissa, Vec<T>);
    k = x < Fit::kTiny ? k - T(kMantissa + 1) : k;
    const Vec<T> low =
        fma(k, broadcast(Fit::kLn2Low), detail::log_ratio<T>((m - T(1)) / (m + T(1))));
    Vec<T> y = fma(k, broadcast(Fit::kLn2High), low);
    constexpr T kInf = T(__builtin_inf()), kNan = T(__builtin_nan(""));
    y = ((x == kInf) | (x != x)) ? x : y;
    y = x < T(0) ? broadcast(kNan) : y;
    return x == T(0) ? broadcast(-kInf) : y;
}

// By expm1, which keeps its relative precision near 0.
template <class T>
TATAMI_INLINE Vec<T> tanh(Vec<T> x) {
    const Vec<T> a = at_most<T>(abs<T>(x), T(20)), e = expm1<T>(a + a);  // 1 from there on
    return with_sign<T>(e / (e + T(2)), x);
}

// 1 / (1 + exp(-x)) as 2^n / (2^n + exp(-r)), where neither end overflows; 1 from 40 on.
template <class T>
TATAMI_INLINE Vec<T> sigmoid(Vec<T> x) {
    constexpr T kMin = detail::Fit<T>::kExpMin;
    const auto [n, r] = detail::reduce<2, T>(at_least<T>(at_most<T>(x, T(40)), kMin));
    const Vec<T> power = detail::scale<T>(broadcast(T(1)), n);
    return power / (power + detail::exp_reduced<-2, T>(r));
}

// The logistic function and its slope, which is even and has its full relative precision.
template <class T>
struct Logistic {
    Vec<T> value, slope;
};

template <class T>
TATAMI_INLINE Logistic<T> logistic(Vec<T> x) {
    const Vec<T> e = exp<T>(-abs<T>(x)), large = T(1) / (e + T(1)), small = e * large;
    return {x < T(0) ? small : large, small * large};
}

// Of the normal distribution: a = |x|, but no more than where Phi(-a) becomes 0; Phi(-a), and the
// density there.
template <class T>
struct NormalTail {
    Vec<T> a, probability, density;
};

template <class T>
TATAMI_INLINE NormalTail<T> normal_tail(Vec<T> x) {
    using Fit = detail::Fit<T>;
    const Vec<T> a = at_most<T>(abs<T>(x), Fit::kTailMax);
    // a^2 in two parts, or its rounding would cost exp most of its digits far out.
    const Vec<T> square = a * a;
    const auto [n, r] = detail::reduce<-1, T>(square, Fit::kTailLn2Low);
    constexpr T kPeak = T(0.39894228040143268);  // 1 / sqrt(2 pi)
    constexpr auto series = detail::series_of<-1, 0>(Fit::kTailExp, kPeak);
    const Vec<T> density = detail::polynomial<T>(r + detail::square_error<T>(a, square), series.c);
    const Vec<T> top = detail::polynomial<T>(a, Fit::kTailTop);
    // Far out, where top has the larger errors, they cancel.
    const Vec<T> bottom = fma(a, top, detail::polynomial<T>(a, Fit::kTailRest));
    return {a, detail::scale<T>(density * top / bottom, n), detail::scale<T>(density, n)};
}

}  // namespace tatami::TATAMI_ISA
