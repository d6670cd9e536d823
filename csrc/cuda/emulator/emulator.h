// Runs CUDA kernels on the CPU, to develop and to test them where there is no GPU.
//
// A kernel is compiled as plain C++. Each of its threads has a stack of its own (fibre.h) and runs
// until it meets others: at the block's barrier, at an exchange within its warp, or at a counter
// that the blocks of a cooperative launch raise, all of which are alive together. Which thread goes
// on next is drawn at random from a seed, so that a missing barrier gives another result under
// another seed. Shared memory starts as NaN and is watched at its borders; a barrier that some
// threads never reach, or a counter that is never raised so far, is an error. Asynchronous copies
// come as late as they may, and there is NaN until then.
//
// What it cannot show: time, bank conflicts and coalescing; weak ordering of memory (every write is
// seen at once, a release or an acquire that is missing changes nothing); how tensor cores round
// between the products of a sum; limits of registers; that a processor can hold more than one block
// of a cooperative launch. Those remain for the compiler's report and a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace tatami::emulator {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

// As CUDA's dim3.
struct Dim {
    unsigned x, y, z;
    Dim(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
    size_t count() const { return size_t(x) * y * z; }
};

struct Block;

// An asynchronous copy that has not come yet.
struct Copy {
    void* to;
    const void* from;
    int bytes, group;
};

// The thread that runs now.
struct Thread {
    Index thread, block;
    Dim block_size, grid_size;
    Block* home = nullptr;
    unsigned number = 0;     // in its block
    unsigned exchanges = 0;  // that it has taken part in
    std::vector<Copy> copies;
    int groups = 0;  // of copies, that were closed
};
extern thread_local Thread* current;

inline constexpr int kWarp = 32;
inline constexpr size_t kExchange = 16;  // most bytes that a lane can give away

// Calls body() as every thread of the grid. All blocks are alive together where `cooperative`.
// std::runtime_error for a launch that a GPU would refuse, and for threads that wait for ever.
void run(Dim grid, Dim block, size_t shared_bytes, bool cooperative,
         const std::function<void()>& body);

// The device that is emulated, by default so small that a few hundred weights are the work of more
// blocks than one; a test may set another.
struct Device {
    int processors = 8;
    size_t shared_bytes = 40 << 10;  // that a block may ask for; without asking it has 48 KiB
};
Device& device();

// The seed of the order in which threads run; TATAMI_CUDA_SCHEDULE where it was never set.
void set_schedule(uint64_t seed);

// Memory as a GPU's: NaN at first, and watched at its borders until it is released.
void* allocate(size_t bytes);
void release(void* memory);

// For the thread that runs now.
void* shared_memory();
void sync_block();
// Raises a counter by one; goes on once it has come to `least`.
void arrive(uint64_t* counter);
void wait_for(const uint64_t* counter, uint64_t least);
// A copy of 16 bytes, zeros after the first `bytes`: NaN stands there until it has been waited for.
void begin_copy(void* to, const void* from, int bytes);
void close_copies();
void wait_for_copies(int open);  // all but the last `open` closed groups
// Gives `bytes` of `value` to the warp; returns what its lanes gave, kExchange bytes apart.
const char* exchange(const void* value, size_t bytes);

}  // namespace tatami::emulator
