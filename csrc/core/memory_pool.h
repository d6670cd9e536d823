// A caching pool for outputs and scratch: fresh pages cost more than most kernels.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tatami::memory {

// Blocks are 64-byte aligned, never null, and of at least `bytes` bytes, which may be 0. All three
// throw std::bad_alloc when the system refuses; reallocate then leaves the block as it was.
void* allocate(size_t bytes);
void* allocate_zeroed(size_t bytes);
void* reallocate(void* block, size_t bytes);

// Back to the pool; nullptr is legal.
void deallocate(void* block);

struct Stats {
    int64_t in_use;  // bytes of the blocks handed out, as rounded up by the pool
    int64_t cached;  // bytes of the free blocks kept
    int64_t peak;    // the most in_use has been
    int64_t limit;   // the most cached may be
    int64_t hits;    // allocations served from the cache
    int64_t misses;  // allocations that went to the system
};
Stats stats();

// Gives all cached blocks back to the system.
void release();

// Default: min(2 GiB, a quarter of the memory). Throws std::invalid_argument when bytes < 0.
void set_limit(int64_t bytes);

// A workspace that lives as long as its scope. Nothing here is inline on its own, so that no
// instruction set's objects carry a copy for the linker to choose.
class Scratch {
  public:
    explicit Scratch(size_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    template <class T>
    [[gnu::always_inline]] T* as() const {
        return static_cast<T*>(block_);
    }

  private:
    void* block_;
};

}  // namespace tatami::memory
