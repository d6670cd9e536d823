#include "thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "machine.h"
#include "spin.h"

namespace tatami {
namespace {

constexpr int kMaxThreads = 1024;

// Kernels called one after the other from Python follow each other within this time; falling
// asleep and being woken would cost as much as a small kernel.
constexpr std::chrono::microseconds kIdleSpin{50};
// A caller waits for tasks that are already running and has nothing better to do.
constexpr std::chrono::microseconds kCallerSpin{500};

// The gate counts the free places of the open region and the workers inside it in one word, so that
// a worker that comes late finds it closed instead of entering a region that is over.
constexpr uint32_t kInside = 1;
constexpr uint32_t kInsideMask = 0xffff;
constexpr uint32_t kPlace = 0x10000;
constexpr uint32_t kPlaceMask = 0x7fff0000;
constexpr uint32_t kCallerSleeps = 0x80000000;

struct Region {
    int64_t steps, tasks;
    int workers;  // who may take part: each has a share of every step's tasks
    TaskBody body;
    void* context;
};

// How many tasks of one worker's shares were claimed, by itself or by others, over all steps.
struct alignas(64) Claims {
    std::atomic<int64_t> count{0};
};

struct Pool {
    // Held by the thread whose region is running; it alone writes the members up to `gate`.
    alignas(64) std::atomic<bool> busy{false};
    int started = 0;
    int cores = 0;
    alignas(64) Region region{};
    std::atomic<uint32_t> gate{0};
    std::atomic<uint32_t> regions_opened{0};
    alignas(64) std::atomic<int64_t> tasks_done{0};
    alignas(64) std::atomic<int> sleeping{0};
    std::atomic<bool> may_spin{false};
    Claims claims[kMaxThreads];
};

// No destructor runs at exit: workers may still look at it.
static_assert(std::is_trivially_destructible_v<Pool>);
constinit Pool pool;

// A forked child has none of the threads: it begins anew, and the old ones' stacks are left.
const int registered_for_fork = pthread_atfork(nullptr, nullptr, [] { new (&pool) Pool; });

constinit std::atomic<int> process_threads{0};  // 0: not asked for yet
constinit thread_local int thread_override = 0;

template <class Condition>
bool spin_until(Condition condition, std::chrono::microseconds at_most) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point deadline = Clock::now() + at_most;
    do {
        for (int i = 0; i < 32; ++i) {
            if (condition()) return true;
            spin_pause();
        }
    } while (Clock::now() < deadline);
    return false;
}

// Runs what is unclaimed of the share of `owner` in this step; returns how many tasks it was.
int64_t work_on_share(const Region& region, int64_t step, int owner, int worker) {
    const int64_t first = region.tasks * owner / region.workers;
    const int64_t size = region.tasks * (owner + 1) / region.workers - first;
    const int64_t before = step * size, end = before + size;
    std::atomic<int64_t>& claimed = pool.claims[owner].count;
    int64_t done = 0;
    for (int64_t next = claimed.load(std::memory_order_relaxed); next < end;) {
        if (!claimed.compare_exchange_weak(next, next + 1, std::memory_order_relaxed)) continue;
        region.body(region.context, step * region.tasks + first + next - before, worker);
        ++done;
        next = claimed.load(std::memory_order_relaxed);
    }
    return done;
}

// Whoever waits here saw every task of the step claimed, and who claims one is running.
void await_tasks(int64_t count) {
    const auto done = [count] { return pool.tasks_done.load(std::memory_order_acquire) >= count; };
    if (pool.may_spin.load(std::memory_order_relaxed) && spin_until(done, kCallerSpin)) return;
    while (!done()) sched_yield();
}

// Its own share first, then what the others have not begun.
void work(const Region& region, int worker) {
    for (int64_t step = 0; step < region.steps; ++step) {
        int64_t done = 0;
        for (int i = 0; i < region.workers; ++i) {
            done += work_on_share(region, step, (worker + i) % region.workers, worker);
        }
        if (step + 1 == region.steps) break;  // the region's end is awaited by closing it
        if (done) pool.tasks_done.fetch_add(done, std::memory_order_acq_rel);
        await_tasks((step + 1) * region.tasks);
    }
}

// ---- a worker's side

// Returns the number of regions opened once it differs from `seen`.
uint32_t await_region(uint32_t seen) {
    const auto opened = [seen] {
        return pool.regions_opened.load(std::memory_order_acquire) != seen;
    };
    if (!pool.may_spin.load(std::memory_order_relaxed) || !spin_until(opened, kIdleSpin)) {
        pool.sleeping.fetch_add(1);
        pool.regions_opened.wait(seen);
        pool.sleeping.fetch_sub(1);
    }
    return pool.regions_opened.load(std::memory_order_acquire);
}

// The worker number for the open region, or 0 when it is closed or full.
int enter() {
    uint32_t gate = pool.gate.load(std::memory_order_relaxed);
    while (gate & kPlaceMask) {
        if (pool.gate.compare_exchange_weak(gate, gate - kPlace + kInside,
                                            std::memory_order_acquire, std::memory_order_relaxed)) {
            return static_cast<int>((gate & kPlaceMask) / kPlace);
        }
    }
    return 0;
}

void leave() {
    const uint32_t before = pool.gate.fetch_sub(kInside);
    if (before == (kCallerSleeps | kInside)) pool.gate.notify_one();
}

void serve(uint32_t seen) {
    thread_override = 1;  // what a task starts runs within it
    while (true) {
        seen = await_region(seen);
        if (const int worker = enter()) {
            const Region region = pool.region;
            work(region, worker);
            leave();
        }
    }
}

// ---- the caller's side

// Signals are for the threads of the application, so that Ctrl-C interrupts its system calls; the
// ones that a thread raises by its own fault stay open for fault handlers.
class BlockedSignals {
  public:
    BlockedSignals() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&blocked, fault);
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;

  private:
    sigset_t before_;
};

void start_workers(int count) {
    if (pool.started >= count) return;
    const BlockedSignals inherited_by_new_threads;
    try {
        if (pool.cores == 0) pool.cores = machine::cores();
        for (; pool.started < count; ++pool.started) {
            std::thread(serve, pool.regions_opened.load()).detach();
        }
    } catch (const std::exception&) {
        // The system grants no more threads: those that are there do the work.
    }
}

void open_region(const Region& region) {
    const int places = region.workers - 1;
    pool.region = region;
    pool.tasks_done.store(0, std::memory_order_relaxed);
    for (int worker = 0; worker < region.workers; ++worker) {
        pool.claims[worker].count.store(0, std::memory_order_relaxed);
    }
    pool.may_spin.store(places < pool.cores, std::memory_order_relaxed);
    pool.gate.store(static_cast<uint32_t>(places) * kPlace, std::memory_order_release);
    // Sequentially consistent with the other order in await_region: either the worker sees the
    // region or this thread sees the sleeper.
    pool.regions_opened.fetch_add(1);
    const int sleeping = pool.sleeping.load();
    const int awake = pool.started - sleeping;
    for (int i = awake; i < std::min(places, pool.started); ++i) pool.regions_opened.notify_one();
}

void close_region() {
    pool.gate.fetch_and(~kPlaceMask, std::memory_order_acquire);
    const auto empty = [] {
        return (pool.gate.load(std::memory_order_acquire) & kInsideMask) == 0;
    };
    if (empty()) return;
    if (pool.may_spin.load(std::memory_order_relaxed) && spin_until(empty, kCallerSpin)) return;
    pool.gate.fetch_or(kCallerSleeps);
    for (uint32_t gate; (gate = pool.gate.load()) & kInsideMask;) pool.gate.wait(gate);
}

// ---- settings

int checked(int n, int least) {
    if (n >= least && n <= kMaxThreads) return n;
    throw std::invalid_argument("number of threads must be in [" + std::to_string(least) + ", " +
                                std::to_string(kMaxThreads) + "], got " + std::to_string(n));
}

// The leading number of an environment variable ("8", or "4,2" by OpenMP's level), 0 without one.
int threads_in_environment(const char* name) {
    const char* text = std::getenv(name);
    if (!text) return 0;
    return static_cast<int>(std::clamp(std::strtol(text, nullptr, 10), 0L, long{kMaxThreads}));
}

}  // namespace

int default_num_threads() {
    for (const char* name : {"TATAMI_NUM_THREADS", "OMP_NUM_THREADS"}) {
        if (const int n = threads_in_environment(name)) return n;
    }
    return std::min(machine::cores(), kMaxThreads);
}

int num_threads() {
    if (thread_override) return thread_override;
    int n = process_threads.load(std::memory_order_relaxed);
    if (n) return n;
    const int chosen = default_num_threads();
    return process_threads.compare_exchange_strong(n, chosen) ? chosen : n;
}

void set_num_threads(int n) {
    process_threads.store(checked(n, 1));
}

int exchange_thread_override(int n) {
    return std::exchange(thread_override, checked(n, 0));
}

SteadyThreads::SteadyThreads() : before_(exchange_thread_override(num_threads())) {}
SteadyThreads::~SteadyThreads() {
    thread_override = before_;
}

void run_tasks(int64_t tasks, TaskBody body, void* context) {
    run_steps(1, tasks, body, context);
}

void run_steps(int64_t steps, int64_t tasks, TaskBody body, void* context) {
    const int workers = static_cast<int>(std::min<int64_t>(tasks, num_threads()));
    if (steps < 1 || workers < 2 || pool.busy.load(std::memory_order_relaxed) ||
        pool.busy.exchange(true, std::memory_order_acquire)) {
        for (int64_t task = 0; task < steps * tasks; ++task) body(context, task, 0);
        return;
    }
    start_workers(workers - 1);
    const Region region{steps, tasks, workers, body, context};
    open_region(region);
    const int before = std::exchange(thread_override, 1);
    work(region, 0);
    thread_override = before;
    close_region();
    pool.busy.store(false, std::memory_order_release);
}

}  // namespace tatami
