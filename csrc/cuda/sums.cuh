// Sums of f(x...) over whole arrays, by a tree that their length fixes: a thread's share of a
// chunk, the chunk's threads, and in a second kernel the chunks. Bytes: the arrays once.
#pragma once

#include <type_traits>

#include "cuda/elementwise.cuh"
#include "cuda/read_back.cuh"
#include "cuda/reduce.cuh"

namespace tatami::cuda {

inline constexpr int kSumThreads = 256;
inline constexpr int kSumEach = 64;  // elements of a thread, which adds them in their own type

// Floats are added up in double from the block on; other terms keep their type.
template <class V>
using Total = std::conditional_t<std::is_same_v<V, float>, double, V>;

template <int N, class V, class F, class... In>
__global__ void sum_chunks(int64_t n, bool wide, F f, Total<V>* part, const In*... x) {
    const int64_t chunk = int64_t(blockIdx.x) * kSumThreads * kSumEach;
    V own[N] = {};
    TATAMI_UNROLL
    for (int k = 0; k < kSumEach / N; k++) {
        const int64_t i = chunk + (int64_t(k) * kSumThreads + threadIdx.x) * N;
        const auto add = [&](const Elements<In, N>... in) {
            for (int j = 0; j < N; j++)
                if (i + j < n) own[j] = own[j] + at_place(f, i + j, in.at[j]...);
        };
        add(load_elements<N>(x, i, n, wide)...);
    }
    for (int j = 1; j < N; j++) own[0] = own[0] + own[j];
    const auto sum = reduce_block(Total<V>(own[0]), shared_memory<Total<V>>(), Plus{});
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

// to[0] = the sum of part (n), by one block.
template <class V>
__global__ void sum_parts(int64_t n, const V* part, V* to) {
    V own{};
    TATAMI_UNROLL
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) own = own + part[i];
    const V sum = reduce_block(own, shared_memory<V>(), Plus{});
    if (threadIdx.x == 0) to[0] = sum;
}

inline constexpr int kPartThreads = 512;

// Σ part (n), for the host; part has room for one element more.
template <class V>
V total_of_parts(int64_t n, V* part) {
    if (n > 1)
        launch({dim3(1), dim3(kPartThreads), kReduceRoom * sizeof(V)}, &sum_parts<V>, n, part,
               part + n);
    return read_back(n > 1 ? part + n : part);
}

// Σ f(x...) or Σ f(At, x...), for the host. f is called on the device.
template <class F, class First, class... In>
auto sum_arrays(int64_t n, F f, const First* first, const In*... x) {
    using Each = Term<F, First, In...>;
    using V = Total<Each>;
    if (n <= 0) return V{};
    constexpr int kWide = 16 / int(sizeof(First));
    constexpr int64_t kChunk = kSumThreads * kSumEach;
    const bool wide = aligned_to(first, 16) && (aligned_to(x, kWide * sizeof(In)) && ...);
    const int64_t chunks = (n + kChunk - 1) / kChunk;
    const Workspace space(size_t(chunks + 1) * sizeof(V));
    launch({dim3(unsigned(chunks)), dim3(kSumThreads), kReduceRoom * sizeof(V)},
           &sum_chunks<kWide, Each, F, First, In...>, n, wide, f, space.as<V>(), first, x...);
    return total_of_parts(chunks, space.as<V>());
}

}  // namespace tatami::cuda
