// The threads that kernels run on.
#pragma once

#include <cstdint>

namespace tatami {

// Threads that a region started by the calling thread may use, itself included: 1 within a region,
// else its own override, else the setting of the process, else the default.
int num_threads();

// The setting of the process, from the next region on. Throws std::invalid_argument unless
// 1 <= n <= 1024.
void set_num_threads(int n);

// Sets the number for regions started by the calling thread only, 0 for none; returns the former.
// Throws std::invalid_argument unless 0 <= n <= 1024.
int exchange_thread_override(int n);

// TATAMI_NUM_THREADS, else OMP_NUM_THREADS, else the cores that this process may use.
int default_num_threads();

// Holds num_threads() of the calling thread still for a scope: scratch that a kernel sized by it
// fits every worker, whatever another thread's set_num_threads does meanwhile.
class SteadyThreads {
  public:
    SteadyThreads();
    ~SteadyThreads();
    SteadyThreads(const SteadyThreads&) = delete;
    SteadyThreads& operator=(const SteadyThreads&) = delete;

  private:
    int before_;
};

using TaskBody = void (*)(void* context, int64_t task, int worker);

// Calls body(context, task, worker) once for each task in [0, tasks), worker in
// [0, num_threads()), and returns when all are done. Which worker runs a task is left to chance and
// must not change a result; each prefers an even share of neighbours, the same one every time, so
// that regions cut alike find their data in their core's cache. No two calls with the same worker
// overlap within one region; scratch indexed by worker belongs to one call of run_tasks. Everything
// runs on the calling thread, as worker 0, when there is only one task or thread, within another
// region, and while another thread's region is running. A body neither throws nor forks.
void run_tasks(int64_t tasks, TaskBody body, void* context);

// As run_tasks of steps * tasks tasks, in `steps` groups of `tasks` neighbours: those of a step
// begin when the step before is done. Much cheaper than a region a step. Tasks do not wait for each
// other by other means: a step may be run by a single thread.
void run_steps(int64_t steps, int64_t tasks, TaskBody body, void* context);

}  // namespace tatami
