// Floating-point numbers of 16 bits, as arrays hold them. Arithmetic is float32's: a value becomes
// a float by itself, and a float is rounded (to nearest even) where it is assigned or T(x) says so.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#ifdef __CUDACC__
#define TATAMI_BOTH __host__ __device__ __forceinline__  // on the CPU and on the GPU
#else
#define TATAMI_BOTH inline
#endif

namespace tatami {

#ifdef __CUDACC__
namespace cuda {  // primitives.cuh: the instructions for the same
__device__ __forceinline__ uint16_t to_half(float x);
__device__ __forceinline__ float of_half(uint16_t h);
__device__ __forceinline__ uint16_t to_bfloat16(float x);
}  // namespace cuda
#endif

namespace bits {

TATAMI_BOTH uint32_t of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
TATAMI_BOTH float as_float(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

inline constexpr uint16_t kNan = 0x7FFF;  // what a GPU makes of any NaN

TATAMI_BOTH uint16_t to_half(float x) {
    const uint32_t u = of(x), sign = u >> 16 & 0x8000, size = u & 0x7FFFFFFF;
    if (size > 0x7F800000) return kNan;
    if (size >= 0x477FF000) return uint16_t(sign | 0x7C00);  // what rounds to more than 65504
    if (size < 0x38800000)  // subnormal: the steps are those of numbers around 1/2
        return uint16_t(sign | (of(as_float(size) + 0.5f) - of(0.5f)));
    return uint16_t(sign | ((size - 0x38000000 + 0xFFF + (size >> 13 & 1)) >> 13));
}
TATAMI_BOTH float of_half(uint16_t h) {
    const uint32_t sign = uint32_t(h & 0x8000) << 16, size = uint32_t(h & 0x7FFF) << 13;
    if (size >= 0x0F800000) return as_float(sign | 0x7F800000 | size);
    return as_float(sign | of(as_float(size) * 0x1p112f));
}

TATAMI_BOTH uint16_t to_bfloat16(float x) {
    const uint32_t u = of(x);
    if ((u & 0x7FFFFFFF) > 0x7F800000) return kNan;
    return uint16_t((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}
TATAMI_BOTH float of_bfloat16(uint16_t h) {
    return as_float(uint32_t(h) << 16);
}

}  // namespace bits

#ifdef __CUDA_ARCH__
namespace conversion = cuda;
#else
namespace conversion = bits;
#endif

// float16: 5 bits of exponent, 10 of mantissa.
struct Half {
    uint16_t word;

    Half() = default;
    TATAMI_BOTH explicit Half(float x) : word(conversion::to_half(x)) {}
    TATAMI_BOTH Half& operator=(float x) { return *this = Half(x); }
    TATAMI_BOTH operator float() const { return conversion::of_half(word); }
};

// bfloat16: the upper half of a float32.
struct Bfloat16 {
    uint16_t word;

    Bfloat16() = default;
    TATAMI_BOTH explicit Bfloat16(float x) : word(conversion::to_bfloat16(x)) {}
    TATAMI_BOTH Bfloat16& operator=(float x) { return *this = Bfloat16(x); }
    TATAMI_BOTH operator float() const { return bits::of_bfloat16(word); }
};

template <class T>
inline constexpr bool kIsHalf = std::is_same_v<T, Half> || std::is_same_v<T, Bfloat16>;

// What arithmetic on elements T is done in.
template <class T>
using Real = std::conditional_t<kIsHalf<T>, float, T>;

}  // namespace tatami
