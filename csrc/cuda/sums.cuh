// Sums of f(x...) over whole arrays, by a tree that their length fixes: a thread's share of a
// chunk, the chunk's threads, and in a second kernel the chunks. Bytes: the arrays once.
#pragma once

#include <type_traits>

#include "cuda/elementwise.cuh"
#include "cuda/reduce.cuh"

namespace tatami::cuda {

inline constexpr int kSumThreads = 256;
inline constexpr int kSumLoads = 2;  // of an array in flight
inline constexpr int kSumEach = 64;  // elements of a thread, which adds them in their own type

// Floats are added up in double from the block on; other terms keep their type.
template <class V>
using Total = std::conditional_t<std::is_same_v<V, float>, double, V>;

template <int N, class V, class F, class... In>
__global__ void sum_chunks(int64_t n, bool wide, F f, Total<V>* part, const In*... x) {
    const int64_t chunk = int64_t(blockIdx.x) * kSumThreads * kSumEach;
    V own[N] = {};
    TATAMI_ROLL
    for (int k = 0; k < kSumEach / N; k += kSumLoads) TATAMI_UNROLL
    for (int l = 0; l < kSumLoads; l++) {
        const int64_t i = chunk + (int64_t(k + l) * kSumThreads + threadIdx.x) * N;
        const auto add = [&](const Elements<In, N>... in) {
            for (int j = 0; j < N; j++)
                if (i + j < n) own[j] = own[j] + at_place(f, i + j, Real<In>(in.at[j])...);
        };
        add(load_elements<N>(x, i, n, wide)...);
    }
    for (int j = 1; j < N; j++) own[0] = own[0] + own[j];
    const auto sum = reduce_block(Total<V>(own[0]), shared_memory<Total<V>>(), Plus{});
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

// store(the sum of part (n)), by one block.
template <class V, class Store>
__global__ void sum_parts(int64_t n, const V* part, Store store) {
    V own{};
    TATAMI_UNROLL
    for (int64_t i = threadIdx.x; i < n; i += blockDim.x) own = own + part[i];
    const V sum = reduce_block(own, shared_memory<V>(), Plus{});
    if (threadIdx.x == 0) store(sum);
}

inline constexpr int kPartThreads = 512;

// store(Σ part (n)), on the device.
template <class V, class Store>
void store_total(int64_t n, const V* part, Store store) {
    launch({dim3(1), dim3(kPartThreads), kReduceRoom * sizeof(V)}, &sum_parts<V, Store>, n, part,
           store);
}

// store(Σ f(x...)) or store(Σ f(At, x...)), on the device, as f is called.
template <class F, class Store, class First, class... In>
void sum_arrays(int64_t n, F f, Store store, const First* first, const In*... x) {
    using Each = Term<F, Real<First>, Real<In>...>;
    using V = Total<Each>;
    constexpr int kWide = 16 / int(sizeof(First));
    constexpr int64_t kChunk = kSumThreads * kSumEach;
    const bool wide = aligned_to(first, 16) && (aligned_to(x, kWide * sizeof(In)) && ...);
    const int64_t chunks = n > 0 ? (n + kChunk - 1) / kChunk : 0;
    const Workspace space(size_t(chunks) * sizeof(V));
    if (chunks)
        launch({dim3(unsigned(chunks)), dim3(kSumThreads), kReduceRoom * sizeof(V)},
               &sum_chunks<kWide, Each, F, First, In...>, n, wide, f, space.as<V>(), first, x...);
    store_total(chunks, space.as<V>(), store);
}

}  // namespace tatami::cuda
