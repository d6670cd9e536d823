// Normal noise from random words, by the inverse of the distribution function: the coefficients of
// Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied Statistics
// 37 (1988), PPND7 for float and PPND16 for double. A word of 32 bits reaches 6.3 sigma, which the
// fit for the farthest tails is not needed for.
#pragma once

// Each instruction set has a copy of its own, so that the linker has nothing to choose from.
namespace tatami::TATAMI_ISA {

// With q = p - 1/2: for |q| <= 0.425 q times the ratio of two polynomials (from the constant term
// up) in 0.180625 - q^2, else that of the tail's in sqrt(-log(min(p, 1 - p))) - 1.6.
template <class T>
struct QuantileFit;

template <>
struct QuantileFit<float> {
    static constexpr float kTop[] = {3.3871327179f, 50.434271938f, 159.29113202f, 59.109374720f};
    static constexpr float kBottom[] = {1, 17.895169469f, 78.757757664f, 67.187563600f};
    static constexpr float kTailTop[] = {1.4234372777f, 2.7568153900f, 1.3067284816f,
                                         0.17023821103f};
    static constexpr float kTailBottom[] = {1, 0.73700164250f, 0.12021132975f};
};

template <>
struct QuantileFit<double> {
    static constexpr double kTop[] = {3.3871328727963666080,    133.14166789178437745,
                                      1971.5909503065514427,    1.3731693765509461125e+4,
                                      4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                      3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static constexpr double kBottom[] = {1,
                                         42.313330701600911252,
                                         687.18700749205790830,
                                         5.3941960214247511077e+3,
                                         2.1213794301586595867e+4,
                                         3.9307895800092710610e+4,
                                         2.8729085735721942674e+4,
                                         5.2264952788528545610e+3};
    static constexpr double kTailTop[] = {1.42343711074968357734,    4.63033784615654529590,
                                          5.76949722146069140550,    3.64784832476320460504,
                                          1.27045825245236838258,    0.241780725177450611770,
                                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static constexpr double kTailBottom[] = {1,
                                             2.05319162663775882187,
                                             1.67638483018380384940,
                                             0.689767334985100004550,
                                             0.148103976427480074590,
                                             1.51986665636164571966e-2,
                                             5.47593808499534494600e-4,
                                             1.05075007164441684324e-9};
};

}  // namespace tatami::TATAMI_ISA
