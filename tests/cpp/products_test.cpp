// Products of numbers of 16 bits and of TF32 on emulated tensor cores: every layout, sizes that fit
// no tile, aligned or not; and that asynchronous copies must be waited for.
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "check.h"
#include "cuda/gemm.cuh"

using namespace tatami;
using namespace tatami::cuda;

namespace {

// Small whole numbers, which float32 adds without rounding.
template <class T>
std::vector<T> numbers(int64_t n, int seed) {
    std::vector<T> x;
    for (int64_t i = 0; i < n; i++) x.push_back(T(float((i * 7 + seed * 3 + i / 5) % 9 - 4)));
    return x;
}

template <class T, bool A_DEEP, bool B_DEEP>
void multiply(int64_t m, int64_t n, int64_t k, int64_t shift) {
    const std::vector<T> a = numbers<T>(m * k + shift, 1), b = numbers<T>(k * n + shift, 2);
    std::vector<float> c(size_t(m * n), NAN);
    // Lines of a: rows of k, or k rows; those of b likewise.
    const Factor<T, A_DEEP> left{a.data() + shift, A_DEEP ? k : 1, A_DEEP ? 1 : m};
    const Factor<T, B_DEEP> right{b.data() + shift, B_DEEP ? k : 1, B_DEEP ? 1 : n};
    gemm<T>({m, n, k, 1, true}, left, right, Dense<float>{}, c.data());
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t d = 0; d < k; d++)
                sum += float(left.at(left.row(i), d)) * float(right.at(right.column(j), d));
            CHECK(c[size_t(i * n + j)] == sum);
        }
}

template <class T>
void every_layout(int64_t m, int64_t n, int64_t k, int64_t shift) {
    multiply<T, true, true>(m, n, k, shift);
    multiply<T, true, false>(m, n, k, shift);
    multiply<T, false, true>(m, n, k, shift);
    multiply<T, false, false>(m, n, k, shift);
}

// A tile of the large kind, whatever the size.
template <class T>
void large_tile() {
    const int64_t m = 136, n = 144, k = 72;
    const std::vector<T> a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2);
    std::vector<float> c(size_t(m * n), NAN);
    const Factor<T, true> left{a.data(), k, 1};
    const Factor<T, false> right{b.data(), 1, n};
    gemm_tiled<MmaLoop<T, 128, 128, 64, 32>>({m, n, k}, left, right, Dense<float>{}, c.data());
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t d = 0; d < k; d++)
                sum += float(a[size_t(i * k + d)]) * float(b[size_t(d * n + j)]);
            CHECK(c[size_t(i * n + j)] == sum);
        }
}

void copy_chunks(const float* x, float* y, bool wait) {
    float* const shared = shared_memory<float>();
    const int i = int(threadIdx.x);
    async_copy(shared + 4 * i, x + 4 * i, i == 0 ? 8 : 16);
    close_copies();
    if (wait) wait_for_copies<0>();
    sync_block();
    for (int k = 0; k < 4; k++) y[4 * i + k] = shared[4 * i + k];
    wait_for_copies<0>();
}

void copies_come_when_they_are_waited_for() {
    alignas(16) float x[256], y[256];
    for (int i = 0; i < 256; i++) x[i] = float(i);
    launch({dim3(1), dim3(64), sizeof x}, &copy_chunks, &x[0], &y[0], true);
    for (int i = 0; i < 256; i++) CHECK(y[i] == (i == 2 || i == 3 ? 0 : float(i)));
    launch({dim3(1), dim3(64), sizeof x}, &copy_chunks, &x[0], &y[0], false);
    for (int i = 0; i < 256; i++) CHECK(std::isnan(y[i]));
}

void forget_a_copy(const float* x) {
    async_copy(shared_memory<float>(), x, 16);
}

void forgotten_copies_are_an_error() {
    alignas(16) float x[4] = {};
    bool refused = false;
    try {
        launch({dim3(1), dim3(1), 16}, &forget_a_copy, &x[0]);
    } catch (const std::runtime_error&) {
        refused = true;
    }
    CHECK(refused);
}

}  // namespace

int main() {
    copies_come_when_they_are_waited_for();
    forgotten_copies_are_an_error();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        emulator::set_schedule(seed);
        every_layout<Half>(16, 16, 16, 0);
        every_layout<Half>(67, 45, 51, 0);
        every_layout<Half>(64, 80, 136, 0);
        every_layout<Half>(24, 72, 40, 1);
        every_layout<Bfloat16>(40, 16, 200, 0);
        every_layout<Half>(8, 8, 600, 0);  // chunks of k
        every_layout<Half>(5, 3, 0, 0);
        every_layout<float>(67, 45, 51, 0);
        every_layout<float>(64, 80, 136, 0);
        every_layout<float>(24, 72, 40, 1);
        every_layout<float>(8, 8, 600, 0);
    }
    large_tile<Half>();
    large_tile<Bfloat16>();
    large_tile<float>();
    std::puts("products: all as they should be");
}
