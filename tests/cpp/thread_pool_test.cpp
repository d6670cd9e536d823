#include "core/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/machine.h"

namespace {

using namespace tatami;

// Neither ThreadSanitizer nor qemu can follow the child of a threaded process that starts threads
// of its own.
bool can_test_fork() {
#ifdef __SANITIZE_THREAD__
    return false;
#else
    return !std::getenv("TATAMI_EMULATED");
#endif
}

// AddressSanitizer's allocator takes no part in fork(): a child made while another thread allocates
// inherits its lock taken, for ever.
bool can_test_fork_while_others_allocate() {
#ifdef __SANITIZE_ADDRESS__
    return false;
#else
    return can_test_fork();
#endif
}

template <class Body>
void parallel(int64_t tasks, int workers, Body body) {
    const TaskBody call = [](void* context, int64_t task, int worker) {
        (*static_cast<Body*>(context))(task, worker);
    };
    const int before = exchange_thread_override(workers);
    run_tasks(tasks, call, &body);
    exchange_thread_override(before);
}

// Every task once, every worker in range and never twice at a time.
void check_region(int64_t tasks, int workers) {
    std::vector<int> calls(tasks);
    std::vector<int64_t> scratch(workers);  // plain memory: a worker used twice at a time is a race
    parallel(tasks, workers, [&](int64_t task, int worker) {
        CHECK(worker >= 0 && worker < workers);
        ++calls[task];
        scratch[worker] += task;
    });
    int64_t sum = 0;
    for (int64_t part : scratch) sum += part;
    CHECK(sum == tasks * (tasks - 1) / 2);
    for (int count : calls) CHECK(count == 1);
}

void test_sums() {
    for (int workers : {1, 2, 3, 5, 8}) {
        for (int64_t tasks : {0, 1, 2, 3, 7, 64, 1000}) check_region(tasks, workers);
        for (int repeat = 0; repeat < 2000; ++repeat) check_region(1 + repeat % 17, workers);
    }
    run_tasks(-1, [](void*, int64_t, int) { CHECK(false); }, nullptr);
}

void test_sleeping_workers_wake() {
    for (int workers : {2, 3, 8}) {
        for (int repeat = 0; repeat < 20; ++repeat) {
            std::this_thread::sleep_for(std::chrono::microseconds(100 * (repeat % 5)));
            check_region(100, workers);
        }
    }
}

// Every task of a step finds the results of all tasks of the step before, in plain memory.
void check_steps(int64_t steps, int64_t tasks, int workers) {
    std::vector<int64_t> values[2] = {std::vector<int64_t>(tasks), std::vector<int64_t>(tasks)};
    auto body = [&](int64_t i, int worker) {
        CHECK(worker >= 0 && worker < workers);
        const int64_t step = i / tasks, task = i % tasks;
        for (int64_t value : values[step & 1]) CHECK(value == step);
        values[(step + 1) & 1][task] = step + 1;
    };
    using Body = decltype(body);
    const TaskBody call = [](void* context, int64_t i, int worker) {
        (*static_cast<Body*>(context))(i, worker);
    };
    const int before = exchange_thread_override(workers);
    run_steps(steps, tasks, call, &body);
    exchange_thread_override(before);
    for (int64_t value : values[steps & 1]) CHECK(value == steps);
}

void test_steps() {
    for (int workers : {1, 2, 3, 8})
        for (int64_t tasks : {1, 2, 7, 40})
            for (int64_t steps : {0, 1, 2, 100}) check_steps(steps, tasks, workers);
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
        callers.emplace_back([caller] {
            for (int repeat = 0; repeat < 100; ++repeat) check_steps(20, 9, 1 + caller);
        });
    }
    for (std::thread& caller : callers) caller.join();
}

// Two tasks that wait for each other end only if two threads run them.
void test_tasks_run_at_the_same_time() {
    for (int repeat = 0; repeat < 100; ++repeat) {
        std::atomic<int> arrived{0};
        parallel(2, 2, [&](int64_t, int) {
            arrived.fetch_add(1);
            while (arrived.load() < 2) std::this_thread::yield();
        });
        if (repeat % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void test_nesting() {
    std::vector<int64_t> sums(50);
    parallel(50, 3, [&](int64_t outer, int) {
        CHECK(num_threads() == 1);
        parallel(100, 3, [&](int64_t inner, int worker) {
            CHECK(worker == 0);
            sums[outer] += outer * inner;
        });
    });
    for (int64_t outer = 0; outer < 50; ++outer) CHECK(sums[outer] == outer * 4950);
}

void test_many_callers() {
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 6; ++caller) {
        callers.emplace_back([caller] {
            for (int repeat = 0; repeat < 500; ++repeat)
                check_region(40, 1 + (caller + repeat) % 5);
        });
    }
    for (std::thread& caller : callers) caller.join();
}

void test_settings() {
    set_num_threads(5);
    CHECK(num_threads() == 5);
    CHECK(exchange_thread_override(2) == 0);
    CHECK(num_threads() == 2);
    std::thread([] { CHECK(num_threads() == 5); }).join();
    CHECK(exchange_thread_override(3) == 2);
    CHECK(exchange_thread_override(0) == 3);
    CHECK(num_threads() == 5);
    CHECK(throws<std::invalid_argument>([] { set_num_threads(0); }));
    CHECK(throws<std::invalid_argument>([] { set_num_threads(1 << 20); }));
    CHECK(throws<std::invalid_argument>([] { exchange_thread_override(-1); }));
    CHECK(num_threads() == 5);
}

void test_settings_change_while_regions_run() {
    std::atomic<bool> stop{false};
    std::thread changer([&] {
        for (int n = 0; !stop; n = (n + 1) % 8) set_num_threads(n + 1);
    });
    for (int repeat = 0; repeat < 2000; ++repeat) {
        const SteadyThreads steady;
        std::vector<int> scratch(num_threads());
        const TaskBody count = [](void* context, int64_t, int worker) {
            ++static_cast<std::vector<int>*>(context)->at(worker);
        };
        run_tasks(20, count, &scratch);
        CHECK(std::accumulate(scratch.begin(), scratch.end(), 0) == 20);
        CHECK(num_threads() == int(scratch.size()));
    }
    stop = true;
    changer.join();
}

void test_default() {
    unsetenv("OMP_NUM_THREADS");
    unsetenv("TATAMI_NUM_THREADS");
    CHECK(default_num_threads() == machine::cores());
    setenv("OMP_NUM_THREADS", "6,2", 1);
    CHECK(default_num_threads() == 6);
    setenv("TATAMI_NUM_THREADS", "3", 1);
    CHECK(default_num_threads() == 3);
    for (const char* ignored : {"0", "-4", "many", ""}) {
        setenv("TATAMI_NUM_THREADS", ignored, 1);
        CHECK(default_num_threads() == 6);
    }
    unsetenv("OMP_NUM_THREADS");
    unsetenv("TATAMI_NUM_THREADS");
    CHECK(succeeds_in_child([] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(sched_getcpu(), &one);
        CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
        CHECK(default_num_threads() == 1);
    }));
}

void test_fork() {
    check_region(100, 3);
    for (int repeat = 0; repeat < 5; ++repeat) {
        CHECK(succeeds_in_child([] {
            for (int workers : {2, 3, 8}) check_region(100, workers);
            test_tasks_run_at_the_same_time();
            CHECK(succeeds_in_child([] { check_region(100, 2); }));
        }));
        check_region(100, 3);
    }
}

void test_fork_while_regions_run() {
    std::atomic<bool> stop{false};
    std::thread runner([&] {
        while (!stop) check_region(200, 3);
    });
    for (int repeat = 0; repeat < 30; ++repeat) {
        CHECK(succeeds_in_child([] { check_region(100, 3); }));
    }
    stop = true;
    runner.join();
    check_region(100, 3);
}

void test_exit_while_regions_run() {
    CHECK(succeeds_in_child([] {
        std::thread([] {
            while (true) check_region(200, 3);
        }).detach();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        std::exit(0);
    }));
}

double microseconds_a_region(int workers, int pause_microseconds) {
    using Clock = std::chrono::steady_clock;
    const auto nothing = [](int64_t, int) {};
    const int regions = pause_microseconds ? 2000 : 200000;
    double total = 0;
    for (int region = 0; region < regions; ++region) {
        const auto begin = Clock::now();
        while (Clock::now() - begin < std::chrono::microseconds(pause_microseconds)) continue;
        const auto start = Clock::now();
        parallel(2, workers, nothing);
        total += std::chrono::duration<double, std::micro>(Clock::now() - start).count();
    }
    return total / regions;
}

// Both tasks on different threads, so that the other worker's arrival is part of the time.
double microseconds_to_meet(int pause_microseconds) {
    using Clock = std::chrono::steady_clock;
    const int regions = pause_microseconds > 100 ? 1000 : 20000;
    double total = 0;
    for (int region = 0; region < regions; ++region) {
        const auto begin = Clock::now();
        while (Clock::now() - begin < std::chrono::microseconds(pause_microseconds)) continue;
        std::atomic<int> arrived{0};
        const auto start = Clock::now();
        parallel(2, 2, [&](int64_t, int) {
            arrived.fetch_add(1);
            while (arrived.load() < 2) continue;
        });
        total += std::chrono::duration<double, std::micro>(Clock::now() - start).count();
    }
    return total / regions;
}

void measure() {
    for (int pause : {0, 5, 20, 200}) {
        std::printf(
            "%3d us between regions: empty region of 2 tasks %.3f us, both threads meet %.3f us\n",
            pause, microseconds_a_region(2, pause), microseconds_to_meet(pause));
    }
    std::printf("one worker: %.3f us\n", microseconds_a_region(1, 0));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "measure") == 0) return measure(), 0;
    test_settings();
    test_sums();
    test_steps();
    test_sleeping_workers_wake();
    test_tasks_run_at_the_same_time();
    test_nesting();
    test_many_callers();
    test_settings_change_while_regions_run();
    test_default();
    if (can_test_fork()) {
        test_fork();
        test_exit_while_regions_run();
    }
    if (can_test_fork_while_others_allocate()) test_fork_while_regions_run();
    std::puts("thread_pool: passed");
}
