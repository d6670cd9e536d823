// Lanes that hold 0 to 255, to memory a byte each; simd.h reads them.
#pragma once

#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

namespace detail {
template <class T>
struct BytesOf;
template <>
struct BytesOf<float> {
    typedef uint8_t type __attribute__((vector_size(kLanes<float>)));
};
template <>
struct BytesOf<double> {
    typedef uint8_t type __attribute__((vector_size(kLanes<double>)));
};
}  // namespace detail

template <class T>
TATAMI_INLINE void store_bytes(uint8_t* p, Mask<T> lanes) {
    const auto v = __builtin_convertvector(lanes, typename detail::BytesOf<T>::type);
    std::memcpy(p, &v, sizeof v);
}

}  // namespace tatami::TATAMI_ISA
