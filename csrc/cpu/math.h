// Elementary functions of a vector: range reduction, then a polynomial or rational fit, without
// libm, tables or branches. Results have the same bits on every instruction set with FMA and are
// within these units in the last place, denormal results included: exp and expm1 1.1, log 2,
// log1p, tanh and the logistic 2.5, normal_tail 6 (9 without FMA). The errors beside the
// coefficients are the fits' own, relative.
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
    // (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, error of exp 3e-9.
    static constexpr float kExp[] = {4.9999994e-01f, 1.666652e-01f, 4.1668393e-02f, 8.36878e-03f,
                                     1.3814481e-03f};
    // (2 atanh(s) / s - 2) / s^2 of s^2 on [0, 1/9], error of atanh 5e-9.
    static constexpr float kAtanh[] = {6.666641e-01f, 4.0021637e-01f, 2.7999988e-01f,
                                       2.8020766e-01f};
    // Phi(-a) exp(a^2 / 2) = top(a) / bottom(a) on [0, kTailMax], error 6e-9.
    static constexpr float kTailMax = 14.5f;
    static constexpr float kTailTop[] = {0.5000000029456272f, 0.43827881085602083f,
                                         0.18322277614853347f, 0.040628945151385876f,
                                         0.004115642463386348f};
    static constexpr float kTailBottom[] = {1.0f,
                                            1.6744426019516352f,
                                            1.2024526714842487f,
                                            0.4694379046767215f,
                                            0.10184811333024371f,
                                            0.010316265945471446f};
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
    static constexpr double kExp[] = {0.5000000000000011,     0.1666666666666641,
                                      0.0416666666665292,     0.008333333333495714,
                                      0.0013888888943921075,  0.00019841269504568138,
                                      2.4801492763917227e-05, 2.755758751522328e-06,
                                      2.7630378361336437e-07, 2.4999912230597177e-08};
    // Error 2e-18.
    static constexpr double kAtanh[] = {
        0.6666666666666632,  0.40000000000153746, 0.2857142854821871,  0.22222223950199596,
        0.1818174453386559,  0.15386548228163247, 0.13301113924626182, 0.12105060796459241,
        0.08344275460934733, 0.17011318643430273};
    // Error 5e-17.
    static constexpr double kTailMax = 39;
    static constexpr double kTailTop[] = {0.5,
                                          0.7748510771629629,
                                          0.5940131663951886,
                                          0.28930900257393566,
                                          0.09768874766085416,
                                          0.02361918625226073,
                                          0.0040886251553755,
                                          0.0004903176736366287,
                                          3.724508320554566e-05,
                                          1.3852957636096497e-06};
    static constexpr double kTailBottom[] = {1.0,
                                             2.347586715128781,
                                             2.5611295279378683,
                                             1.7142718764050435,
                                             0.7819715262969725,
                                             0.2549313095306877,
                                             0.060426619810928804,
                                             0.010342022986281669,
                                             0.0012325165660182773,
                                             9.335957865186641e-05,
                                             3.47242152980082e-06};
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
    Vec<T> y = broadcast(c[N - 1]);
#pragma GCC unroll 16
    for (int i = N - 2; i >= 0; i--) y = fma(y, x, broadcast(c[i]));
    return y;
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

// x = n ln 2 + r, n an integer, |r| <= ln(2) / 2.
template <class T>
struct Reduced {
    Vec<T> n, r;
};

template <class T>
TATAMI_INLINE Reduced<T> reduce(Vec<T> x) {
    constexpr double kLog2E = 1.4426950408889634;
    const Vec<T> n = round<T>(x * T(kLog2E));
    const Vec<T> rest = x - n * Fit<T>::kLn2High;  // exact
    return {n, fma(n, broadcast(-Fit<T>::kLn2Low), rest)};
}

// exp(r) - 1 for |r| <= ln(2) / 2.
template <class T>
TATAMI_INLINE Vec<T> expm1_reduced(Vec<T> r) {
    return fma(r * r, polynomial<T>(r, Fit<T>::kExp), r);
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
    x = x < Fit::kExpMin ? broadcast(Fit::kExpMin) : x;
    x = x > Fit::kExpMax ? broadcast(Fit::kExpMax) : x;
    const auto [n, r] = detail::reduce<T>(x);
    return detail::scale<T>(detail::expm1_reduced<T>(r) + T(1), n);
}

// exp(x) - 1 for x <= 80.
template <class T>
TATAMI_INLINE Vec<T> expm1(Vec<T> x) {
    x = x < T(-40) ? broadcast(T(-40)) : x;  // -1 from there on
    const auto [n, r] = detail::reduce<T>(x);
    const Vec<T> power = detail::power_of_two<T>(n);
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
    const Vec<T> a = abs<T>(x);
    const Vec<T> e = expm1<T>(a > T(20) ? broadcast(T(40)) : a + a);  // 1 from there on
    return with_sign<T>(e / (e + T(2)), x);
}

// The logistic function and one minus it, both to their full relative precision.
template <class T>
struct Logistic {
    Vec<T> value, complement;
};

template <class T>
TATAMI_INLINE Logistic<T> logistic(Vec<T> x) {
    const Vec<T> e = exp<T>(-abs<T>(x)), one = broadcast(T(1));
    const Vec<T> share = one / (e + T(1)), small = e * share;
    return {x < T(0) ? small : share, x < T(0) ? share : small};
}

template <class T>
TATAMI_INLINE Vec<T> sigmoid(Vec<T> x) {
    const Vec<T> e = exp<T>(-abs<T>(x));
    return (x < T(0) ? e : broadcast(T(1))) / (e + T(1));
}

// Of the normal distribution at a >= 0: Phi(-a) and exp(-a^2 / 2).
template <class T>
struct NormalTail {
    Vec<T> probability, density;
};

template <class T>
TATAMI_INLINE NormalTail<T> normal_tail(Vec<T> a) {
    using Fit = detail::Fit<T>;
    a = a > Fit::kTailMax ? broadcast(Fit::kTailMax) : a;
    // -a^2 / 2 in two parts, or the rounding of a^2 would cost exp most of its digits far out.
    const Vec<T> cut = detail::from_bits<T>(detail::bits<T>(a) & Fit::kSignificant);
    const Vec<T> high = cut * cut * T(-0.5), low = (a - cut) * (a + cut) * T(-0.5);
    const auto [n, r] = detail::reduce<T>(high);
    const Vec<T> e = detail::expm1_reduced<T>(r + low) + T(1);
    const Vec<T> top = detail::polynomial<T>(a, Fit::kTailTop);
    const Vec<T> bottom = detail::polynomial<T>(a, Fit::kTailBottom);
    return {detail::scale<T>(e * (top / bottom), n), detail::scale<T>(e, n)};
}

}  // namespace tatami::TATAMI_ISA
