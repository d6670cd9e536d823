// parallel_for over the library's thread pool. Header of this instruction set's namespace, so that
// no inline code of it is shared with objects built for other processors.
#pragma once

#include "core/memory_pool.h"
#include "core/thread_pool.h"
#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

// Below this many vector operations (about 9 us) waking a second thread costs more than it brings.
inline constexpr int64_t kSerialWork = 1 << 15;
// The same for a second thread that is awake and waits at the end of a step.
inline constexpr int64_t kSerialStep = 1 << 14;

// Calls body(task, worker) for each task in [0, tasks), in any order, on any thread.
// work: the whole job's vector operations, roughly. worker < num_threads() indexes scratch.
template <class Body>
TATAMI_INLINE void parallel_for(int64_t tasks, int64_t work, const Body& body) {
    if (tasks <= 1 || work < kSerialWork) {
        for (int64_t task = 0; task < tasks; task++) body(task, 0);
        return;
    }
    run_tasks(
        tasks,
        [](void* context, int64_t task, int worker) {
            (*static_cast<const Body*>(context))(task, worker);
        },
        const_cast<Body*>(&body));
}

// Calls body(step, task) for each task in [0, tasks) of each step in [0, steps), those of a step
// when the step before is done. work: a step's vector operations, roughly.
template <class Body>
TATAMI_INLINE void parallel_steps(int64_t steps, int64_t tasks, int64_t work, const Body& body) {
    if (tasks <= 1 || work < kSerialStep) {
        for (int64_t step = 0; step < steps; step++)
            for (int64_t task = 0; task < tasks; task++) body(step, task);
        return;
    }
    const auto split = [&](int64_t i) { body(i / tasks, i % tasks); };
    run_steps(
        steps, tasks,
        [](void* context, int64_t i, int) { (*static_cast<decltype(&split)>(context))(i); },
        const_cast<void*>(static_cast<const void*>(&split)));
}

// Problems that are parallel in themselves: side by side where that feeds every thread evenly, else
// one after the other, each on all threads.
template <class Body>
TATAMI_INLINE void parallel_problems(int64_t count, int64_t work, const Body& body) {
    const int threads = num_threads();
    if (count >= 4 * threads || (count >= threads && count % threads == 0))
        parallel_for(count, work, [&](int64_t i, int) { body(i); });
    else
        for (int64_t i = 0; i < count; i++) body(i);
}

// Cuts [0, n) into even pieces of whole multiples of `grain` and calls body(begin, end). At least
// four a thread; in long jobs more, so that the last one keeps nobody waiting for long.
template <class Body>
TATAMI_INLINE void parallel_ranges(int64_t n, int64_t grain, int64_t work, const Body& body) {
    const int64_t wanted = max(4 * int64_t(num_threads()), work / kSerialWork);
    const int64_t pieces = min(ceil_div(n, grain), wanted);
    if (pieces <= 1 || work < kSerialWork) {
        if (n > 0) body(int64_t(0), n);
        return;
    }
    const int64_t step = round_up(ceil_div(n, pieces), grain);
    parallel_for(ceil_div(n, step), work,
                 [&](int64_t task, int) { body(task * step, min(n, (task + 1) * step)); });
}

}  // namespace tatami::TATAMI_ISA
