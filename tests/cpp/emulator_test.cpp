// The emulator: what threads share, and that it finds what is wrong with a kernel.
#include "cuda/emulator/emulator.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "cuda/launch.cuh"
#include "cuda/reduce.cuh"

using namespace tatami;
using namespace tatami::cuda;
using emulator::current;
using emulator::set_schedule;

namespace {

// Every thread says once that it was there.
void count(int64_t n, int* seen) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < n) seen[i]++;
}

void every_thread_runs_once() {
    std::vector<int> seen(1000);
    launch({dim3(8), dim3(128)}, &count, int64_t(1000), seen.data());
    for (const int times : seen) CHECK(times == 1);
}

// Threads write, meet, and read what another wrote: right with the barrier alone.
void turn_round(const int* x, int* y, bool meet) {
    int* const shared = shared_memory<int>();
    shared[threadIdx.x] = x[threadIdx.x];
    if (meet) sync_block();
    y[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

void barriers_keep_order_and_their_absence_shows() {
    std::vector<int> x(256), y(256);
    for (int i = 0; i < 256; i++) x[size_t(i)] = i;
    std::set<std::vector<int>> wrong;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        set_schedule(seed);
        launch({dim3(1), dim3(256), 256 * sizeof(int)}, &turn_round, x.data(), y.data(), true);
        for (int i = 0; i < 256; i++) CHECK(y[size_t(i)] == 255 - i);
        launch({dim3(1), dim3(256), 256 * sizeof(int)}, &turn_round, x.data(), y.data(), false);
        wrong.insert(y);
    }
    CHECK(wrong.size() == 3);  // a race gives another result under every schedule
}

void reduce(const double* x, double* y) {
    const double sum = reduce_block(x[threadIdx.x], shared_memory<double>(), Plus{});
    const double most = reduce_warp(x[threadIdx.x], Largest{});
    y[2 * threadIdx.x] = sum;
    y[2 * threadIdx.x + 1] = most;
}

void sums_reach_every_thread() {
    std::vector<double> x(96), y(192);
    for (int i = 0; i < 96; i++) x[size_t(i)] = i;
    launch({dim3(1), dim3(96), kReduceRoom * sizeof(double)}, &reduce, x.data(), y.data());
    for (int i = 0; i < 96; i++) {
        CHECK(y[size_t(2 * i)] == 95 * 48);
        CHECK(y[size_t(2 * i + 1)] == i / 32 * 32 + 31);
    }
}

// Every block counts its rounds, which the others must see at each meeting.
void step_all(int* counts, int rounds, uint64_t* counter) {
    uint64_t meetings = 0;
    const auto meet = [&] {
        arrive(counter);
        wait_for(counter, ++meetings * gridDim.x);
    };
    for (int r = 0; r < rounds; r++) {
        if (threadIdx.x == 0) counts[blockIdx.x]++;
        meet();
        for (unsigned b = 0; b < gridDim.x; b++)
            if (counts[b] != r + 1) counts[b] = -1000;
        meet();
    }
}

void a_cooperative_grid_meets() {
    std::vector<int> counts(5);
    Grid grid{dim3(5), dim3(64)};
    grid.cooperative = true;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        set_schedule(seed);
        uint64_t counter = 0;
        counts.assign(5, 0);
        launch(grid, &step_all, counts.data(), 4, &counter);
        for (const int c : counts) CHECK(c == 4);
        CHECK(counter == 40);
    }
}

void first_half_waits() {
    if (threadIdx.x < 32) sync_block();
}
void lonely_lane() {
    if (threadIdx.x == 3) shuffle(1, 0);
}
void writes_past_its_memory() {
    if (threadIdx.x == 0) shared_memory<char>()[100] = 1;
}
void waits_for_nobody() {
    static uint64_t counter = 0;
    wait_for(&counter, 1);
}
void nothing() {}
void throws_midway() {
    sync_block();
    if (threadIdx.x == 7) throw std::logic_error("seven");
    sync_block();
}

bool fails(const Grid& grid, void (*kernel)(), const char* says) {
    try {
        launch(grid, kernel);
    } catch (const std::exception& error) {
        return std::string(error.what()).find(says) != std::string::npos;
    }
    return false;
}

void mistakes_are_found() {
    const Grid plain{dim3(1), dim3(64), 100};
    CHECK(fails(plain, &first_half_waits, "barrier of their block"));
    CHECK(fails(plain, &lonely_lane, "other lanes of their warp"));
    CHECK(fails(plain, &writes_past_its_memory, "outside its shared memory"));
    CHECK(fails(plain, &waits_for_nobody, "a counter"));
    CHECK(fails({dim3(1000), dim3(64), 0, true}, &nothing, "1000 blocks"));
    CHECK(fails({dim3(1), dim3(2048)}, &nothing, "2048 threads"));
    CHECK(fails({dim3(0), dim3(32)}, &nothing, "no threads"));
    CHECK(fails({dim3(1), dim3(32), 300 << 10}, &nothing, "shared memory"));
    CHECK(fails(plain, &throws_midway, "seven"));
    every_thread_runs_once();  // and all is well afterwards
}

void is_poisoned(bool* poisoned) {
    poisoned[threadIdx.x] = std::isnan(shared_memory<float>()[threadIdx.x]);
}

void memory_starts_as_nan() {
    bool poisoned[64];
    launch({dim3(1), dim3(64), 256}, &is_poisoned, &poisoned[0]);
    for (const bool p : poisoned) CHECK(p);
    auto* const memory = static_cast<double*>(emulator::allocate(80));
    for (int i = 0; i < 10; i++) CHECK(std::isnan(memory[i]));
    emulator::release(memory);
    CHECK(!succeeds_in_child([] {
        auto* const bytes = static_cast<char*>(emulator::allocate(80));
        bytes[80] = 1;
        emulator::release(bytes);
    }));
}

}  // namespace

int main() {
    every_thread_runs_once();
    barriers_keep_order_and_their_absence_shows();
    sums_reach_every_thread();
    a_cooperative_grid_meets();
    mistakes_are_found();
    memory_starts_as_nan();
    std::puts("emulator: threads, warps, blocks and grids meet; mistakes are found");
}
