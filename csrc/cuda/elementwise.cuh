// y = f(x...) over whole arrays: 16 bytes a load where the arrays allow it.
#pragma once

#include <type_traits>

#include "cuda/launch.cuh"

namespace tatami::cuda {

inline constexpr int kMapThreads = 256;
inline constexpr int kMapPacks = 2;  // of a thread: loads in flight

// As many elements as one load moves.
template <class T, int N>
struct alignas(N * sizeof(T)) Elements {
    T at[N];
};

// x[i], ..., x[i + N - 1], by one load where `wide`; zeros past x (n).
template <int N, class T>
TATAMI_DEVICE Elements<T, N> load_elements(const T* x, int64_t i, int64_t n, bool wide) {
    if (wide && i + N <= n) return *reinterpret_cast<const Elements<T, N>*>(x + i);
    Elements<T, N> out;
    for (int k = 0; k < N; k++) out.at[k] = i + k < n ? x[i + k] : T(0);
    return out;
}

// The same way back; nothing past y (n).
template <int N, class T>
TATAMI_DEVICE void store_elements(T* y, int64_t i, int64_t n, bool wide, Elements<T, N> value) {
    if (wide && i + N <= n) {
        *reinterpret_cast<Elements<T, N>*>(y + i) = value;
        return;
    }
    for (int k = 0; k < N; k++)
        if (i + k < n) y[i + k] = value.at[k];
}

// Where an element is, for functions that ask by taking it before the elements.
struct At {
    int64_t i;
};

template <class F, class... In>
inline constexpr bool kAsksPlace = std::is_invocable_v<const F&, At, In...>;

// What f(x...) or f(At, x...) gives.
template <class F, class... In>
using Term =
    typename std::conditional_t<kAsksPlace<F, In...>, std::invoke_result<const F&, At, In...>,
                                std::invoke_result<const F&, In...>>::type;

template <class F, class... V>
TATAMI_DEVICE Term<F, V...> at_place(const F& f, int64_t i, V... x) {
    if constexpr (kAsksPlace<F, V...>)
        return f(At{i}, x...);
    else
        return f(x...);
}

// f sees elements of 16 bits as floats.
template <int N, class T, class F, class... In>
__global__ void map_kernel(int64_t n, bool wide, F f, T* y, const In*... x) {
    const int64_t first = (int64_t(blockIdx.x) * kMapThreads * kMapPacks + threadIdx.x) * N;
    for (int p = 0; p < kMapPacks; p++) {
        const int64_t i = first + int64_t(p) * kMapThreads * N;
        if (i >= n) return;
        if (wide && i + N <= n) {
            const auto one = [&](const Elements<In, N>... in) {
                Elements<T, N> out;
                for (int k = 0; k < N; k++) out.at[k] = at_place(f, i + k, Real<In>(in.at[k])...);
                *reinterpret_cast<Elements<T, N>*>(y + i) = out;
            };
            one(*reinterpret_cast<const Elements<In, N>*>(x + i)...);
            continue;
        }
        TATAMI_ROLL
        for (int k = 0; k < N && i + k < n; k++)
            y[i + k] = at_place(f, i + k, Real<In>(x[i + k])...);
    }
}

template <class T>
bool aligned_to(const T* pointer, size_t bytes) {
    return reinterpret_cast<uintptr_t>(pointer) % bytes == 0;
}

// y (n) = f(x (n)...), or f(At, x (n)...); f is called on the device. y may be one of the x.
template <class T, class F, class... In>
void map_arrays(int64_t n, F f, T* y, const In*... x) {
    if (n <= 0) return;
    constexpr int kWide = 16 / int(sizeof(T));
    const bool wide =
        aligned_to(y, kWide * sizeof(T)) && (aligned_to(x, kWide * sizeof(In)) && ...);
    constexpr int64_t kEach = kMapThreads * kMapPacks * kWide;
    launch({dim3(unsigned((n + kEach - 1) / kEach)), dim3(kMapThreads)},
           &map_kernel<kWide, T, F, In...>, n, wide, f, y, x...);
}

template <class T>
struct Identity {
    TATAMI_DEVICE Real<T> operator()(Real<T> x) const { return x; }
};

template <class T>
struct Constant {
    T value;
    TATAMI_DEVICE Real<T> operator()() const { return value; }
};

// y (n) = value
template <class T>
void fill(int64_t n, T value, T* y) {
    map_arrays(n, Constant<T>{value}, y);
}

}  // namespace tatami::cuda
