#include "cuda/emulator/emulator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cuda/emulator/fibre.h"

namespace tatami::emulator {

thread_local Thread* current = nullptr;

namespace {

// What a GPU of compute capability 7.5 and later can launch.
constexpr size_t kMostThreads = 1024, kPlainShared = 48 << 10, kGuard = 256;
constexpr unsigned char kPoison = 0xFF;  // NaN in every float

[[noreturn]] void fail(const std::string& text) {
    throw std::runtime_error("emulated CUDA: " + text);
}

uint64_t& seed() {
    static uint64_t value = [] {
        const char* given = std::getenv("TATAMI_CUDA_SCHEDULE");
        return given ? std::strtoull(given, nullptr, 10) : 1;
    }();
    return value;
}

// xorshift: quick, and good enough to shuffle with.
struct Random {
    uint64_t state;
    explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
    size_t below(size_t n) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        return size_t((state >> 11) % n);
    }
};

struct Worker {
    Thread thread;
    Fibre fibre;
};

// A thread that waits for a counter.
struct Watch {
    Worker* worker;
    const uint64_t* counter;
    uint64_t least;
};

// Threads that wait for each other: `size` of them must come.
struct Barrier {
    size_t size = 0;
    std::vector<Worker*> waiting;
};

}  // namespace

struct Block {
    std::vector<char> memory;  // guard, shared memory, guard
    size_t live = 0;
    Barrier all;
    struct Warp {
        Barrier lanes;
        alignas(16) char given[2][kWarp * kExchange];  // by turns, for whoever reads slowly
    };
    std::vector<Warp> warps;

    void open(size_t threads, size_t shared_bytes) {
        memory.assign(shared_bytes + 2 * kGuard, char(kPoison));
        live = all.size = threads;
        warps.resize((threads + kWarp - 1) / kWarp);
        for (size_t w = 0; w < warps.size(); w++)
            warps[w].lanes.size = std::min<size_t>(kWarp, threads - w * kWarp);
    }
    void check_guards() const {
        for (size_t i = 0; i < kGuard; i++)
            if (static_cast<unsigned char>(memory[i]) != kPoison ||
                static_cast<unsigned char>(memory[memory.size() - 1 - i]) != kPoison)
                fail("a kernel wrote outside its shared memory");
    }
};

namespace {

// All that runs in this thread of the CPU; its stacks are kept for the launches to come.
class Machine {
  public:
    void launch(Dim grid, Dim block, size_t shared_bytes, bool cooperative,
                const std::function<void()>& body) {
        body_ = &body;
        random_ = Random(seed());
        error_ = nullptr;
        const size_t blocks = grid.count(), together = cooperative ? blocks : 1;
        std::vector<size_t> order(blocks);
        for (size_t b = 0; b < blocks; b++) order[b] = b;
        for (size_t b = blocks; b > 1; b--) std::swap(order[b - 1], order[random_.below(b)]);
        if (blocks_.size() < together) blocks_.resize(together);
        for (size_t first = 0; first < blocks; first += together)
            run_together(&order[first], together, grid, block, shared_bytes);
    }

    void wait(Barrier& barrier) {
        Worker* const self = running_;
        barrier.waiting.push_back(self);
        if (barrier.waiting.size() == barrier.size) {
            ready_.insert(ready_.end(), barrier.waiting.begin(), barrier.waiting.end());
            barrier.waiting.clear();
        }
        self->fibre.yield();
    }

    void wait_for(const uint64_t* counter, uint64_t least) {
        if (*counter >= least) return;
        watching_.push_back({running_, counter, least});
        running_->fibre.yield();
    }

    void arrive(uint64_t* counter) {
        ++*counter;
        std::erase_if(watching_, [&](const Watch& w) {
            const bool goes_on = w.counter == counter && *counter >= w.least;
            if (goes_on) ready_.push_back(w.worker);
            return goes_on;
        });
    }

  private:
    void run_together(const size_t* number, size_t count, Dim grid, Dim block,
                      size_t shared_bytes) {
        const size_t threads = block.count();
        for (size_t b = 0; b < count; b++) blocks_[b].open(threads, shared_bytes);
        std::vector<size_t> order(count * threads);
        for (size_t t = 0; t < order.size(); t++) order[t] = t;
        for (size_t t = order.size(); t > 1; t--) std::swap(order[t - 1], order[random_.below(t)]);
        for (const size_t t : order) {
            Worker* const w = idle_worker();
            w->thread = thread_of(t % threads, number[t / threads], grid, block);
            w->thread.home = &blocks_[t / threads];
            go(w, true);
        }
        while (!ready_.empty()) {
            const size_t chosen = random_.below(ready_.size());
            Worker* const w = ready_[chosen];
            ready_[chosen] = ready_.back();
            ready_.pop_back();
            go(w, false);
        }
        size_t live = 0;
        for (size_t b = 0; b < count; b++) live += blocks_[b].live;
        if (live) forget_stuck(live, count);
        for (size_t b = 0; b < count; b++) blocks_[b].check_guards();
    }

    static Thread thread_of(size_t t, size_t b, Dim grid, Dim block) {
        Thread made;
        made.number = unsigned(t);
        made.thread = {unsigned(t % block.x), unsigned(t / block.x % block.y),
                       unsigned(t / block.x / block.y)};
        made.block = {unsigned(b % grid.x), unsigned(b / grid.x % grid.y),
                      unsigned(b / grid.x / grid.y)};
        made.block_size = block, made.grid_size = grid;
        return made;
    }

    // A thread that never waits gives its stack back at once: the next one starts on it.
    Worker* idle_worker() {
        if (idle_.empty()) {
            workers_.push_back(std::make_unique<Worker>());
            idle_.push_back(workers_.back().get());
        }
        Worker* const w = idle_.back();
        idle_.pop_back();
        return w;
    }

    void go(Worker* w, bool begin) {
        running_ = w;
        current = &w->thread;
        if (begin)
            w->fibre.start(&enter, this);
        else
            w->fibre.resume();
        current = nullptr;
        if (w->fibre.ended()) {
            if (!error_ && !w->thread.copies.empty()) error_ = unfinished();
            w->thread.home->live--;
            idle_.push_back(w);
        }
        if (error_) {
            abandon();
            std::rethrow_exception(std::exchange(error_, nullptr));
        }
    }

    static std::exception_ptr unfinished() {
        return std::make_exception_ptr(std::runtime_error(
            "emulated CUDA: a thread ended without waiting for its asynchronous copies"));
    }

    static void enter(void* machine) {
        auto* const self = static_cast<Machine*>(machine);
        try {
            (*self->body_)();
        } catch (...) {
            self->error_ = std::current_exception();
        }
    }

    [[noreturn]] void forget_stuck(size_t live, size_t count) {
        const char* where = "other lanes of their warp";
        for (size_t b = 0; b < count; b++)
            if (!blocks_[b].all.waiting.empty()) where = "the barrier of their block";
        if (!watching_.empty()) where = "a counter";
        abandon();
        fail(std::to_string(live) + " threads wait at " + where + ", which the others never reach");
    }

    // Fibres in the middle of a kernel cannot be ended: they and their stacks are thrown away.
    void abandon() {
        workers_.clear(), idle_.clear(), ready_.clear(), blocks_.clear(), watching_.clear();
        running_ = nullptr;
    }

    const std::function<void()>* body_ = nullptr;
    Random random_{0};
    std::exception_ptr error_;
    Worker* running_ = nullptr;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<Worker*> idle_, ready_;
    std::vector<Block> blocks_;
    std::vector<Watch> watching_;
};

Machine& machine() {
    thread_local Machine one;
    return one;
}

void check_launch(Dim grid, Dim block, size_t shared_bytes, bool cooperative) {
    if (!grid.count() || !block.count()) fail("a launch of no threads");
    if (block.count() > kMostThreads || block.z > 64)
        fail("a block of " + std::to_string(block.count()) + " threads");
    if (grid.x > 0x7FFFFFFFu || grid.y > 65535 || grid.z > 65535) fail("a grid that is too large");
    if (shared_bytes > std::max(kPlainShared, device().shared_bytes))
        fail(std::to_string(shared_bytes) + " bytes of shared memory");
    if (cooperative && grid.count() > size_t(device().processors))
        fail(std::to_string(grid.count()) + " blocks that must all run at once");
    if (current) fail("a launch from within a kernel");
}

}  // namespace

Device& device() {
    static Device one;
    return one;
}

void set_schedule(uint64_t value) {
    seed() = value;
}

static struct {
    void* begin = nullptr;
    size_t bytes = 0;
    void allow(int access) const {
        if (begin && mprotect(begin, bytes, access)) throw std::runtime_error("mprotect");
    }
} held;

// Holds memory that only kernels may touch: for tests of who touches a GPU's.
extern "C" __attribute__((visibility("default"))) void tatami_emulator_hold(void* begin,
                                                                            size_t bytes) {
    held = {begin, bytes};
}

void run(Dim grid, Dim block, size_t shared_bytes, bool cooperative,
         const std::function<void()>& body) {
    struct Opened {
        Opened() { held.allow(PROT_READ | PROT_WRITE); }
        ~Opened() { held.allow(PROT_NONE); }
    };
    check_launch(grid, block, shared_bytes, cooperative);
    const Opened opened;
    machine().launch(grid, block, shared_bytes, cooperative, body);
}

void* allocate(size_t bytes) {
    auto* const memory = static_cast<unsigned char*>(std::malloc(bytes + 2 * kGuard));
    if (!memory) throw std::bad_alloc();
    std::memset(memory, kPoison, bytes + 2 * kGuard);
    std::memcpy(memory, &bytes, sizeof bytes);
    return memory + kGuard;
}

void release(void* given) {
    auto* const memory = static_cast<unsigned char*>(given) - kGuard;
    size_t bytes;
    std::memcpy(&bytes, memory, sizeof bytes);
    bool whole = true;
    for (size_t i = sizeof bytes; i < kGuard; i++) whole &= memory[i] == kPoison;
    for (size_t i = 0; i < kGuard; i++) whole &= memory[kGuard + bytes + i] == kPoison;
    std::free(memory);
    if (!whole) {
        std::fputs("emulated CUDA: a kernel wrote outside its workspace\n", stderr);
        std::abort();  // nothing can be trusted any more, and a destructor cannot throw
    }
}

void* shared_memory() {
    return current->home->memory.data() + kGuard;
}

void sync_block() {
    machine().wait(current->home->all);
}

void arrive(uint64_t* counter) {
    machine().arrive(counter);
}

void wait_for(const uint64_t* counter, uint64_t least) {
    machine().wait_for(counter, least);
}

void begin_copy(void* to, const void* from, int bytes) {
    if (reinterpret_cast<uintptr_t>(to) % 16 || reinterpret_cast<uintptr_t>(from) % 16)
        fail("an asynchronous copy that is not aligned to 16 bytes");
    std::memset(to, kPoison, 16);
    current->copies.push_back({to, from, bytes, current->groups});
}

void close_copies() {
    current->groups++;
}

void wait_for_copies(int open) {
    std::vector<Copy>& copies = current->copies;
    size_t done = 0;
    for (; done < copies.size() && copies[done].group < current->groups - open; done++) {
        const Copy& c = copies[done];
        std::memset(c.to, 0, 16);
        std::memcpy(c.to, c.from, size_t(c.bytes));
    }
    copies.erase(copies.begin(), copies.begin() + ptrdiff_t(done));
}

const char* exchange(const void* value, size_t bytes) {
    Thread* const self = current;
    Block::Warp& warp = self->home->warps[self->number / kWarp];
    char* const given = warp.given[self->exchanges++ & 1];
    std::memcpy(given + self->number % kWarp * kExchange, value, bytes);
    machine().wait(warp.lanes);
    return given;
}

}  // namespace tatami::emulator
