#include "memory_pool.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "machine.h"
#include "spin.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace tatami::memory {
namespace {

constexpr size_t kUnit = 64;
constexpr size_t kHugePage = size_t{2} << 20;

// What stands in the 64 bytes before a block's data.
struct alignas(kUnit) Header {
    Header* newer;  // neighbours in a list of free blocks
    Header* older;
    size_t bytes;  // asked for by the user
    int size_class;

    void* data() { return this + 1; }
    static Header* of(void* data) { return static_cast<Header*>(data) - 1; }
};
static_assert(sizeof(Header) == kUnit);

// ---- size classes: 1 2 3 4 | 5 6 7 8 | 10 12 14 16 | 20 24 28 32 … units, four to a doubling

constexpr int size_class(size_t bytes) {
    const size_t units = std::max<size_t>((bytes + kUnit - 1) / kUnit, 1);
    const int shift = std::max(static_cast<int>(std::bit_width(units - 1)) - 3, 0);
    return 4 * shift + static_cast<int>((units - 1) >> shift);
}

constexpr size_t class_bytes(int size_class) {
    const int shift = std::max(size_class / 4 - 1, 0);
    return static_cast<size_t>(size_class - 4 * shift + 1) * kUnit << shift;
}

constexpr size_t kMaxBytes = std::numeric_limits<ptrdiff_t>::max() / 2;
constexpr int kClasses = size_class(kMaxBytes) + 1;

// ---- blocks from and to the system

size_t mapped_bytes(size_t total) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGE_SIZE));
    return (total + page - 1) / page * page;
}

// Whole huge pages from the first byte on: maps more than is needed and cuts off both ends.
void* map_aligned(size_t bytes) {
    const size_t span = bytes + kHugePage;
    void* mapping = mmap(nullptr, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return nullptr;
    char* start = static_cast<char*>(mapping);
    const size_t before = -reinterpret_cast<uintptr_t>(start) % kHugePage;
    if (before) munmap(start, before);
    munmap(start + before + bytes, kHugePage - before);
    start += before;
#ifdef MADV_HUGEPAGE
    madvise(start, bytes, MADV_HUGEPAGE);
#endif
    return start;
}

// Under AddressSanitizer only the first `bytes` of the data may be touched: cached blocks and the
// rest that rounding adds count as errors.
void set_accessible([[maybe_unused]] Header* block, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    char* data = static_cast<char*>(block->data());
    ASAN_UNPOISON_MEMORY_REGION(data, bytes);
    ASAN_POISON_MEMORY_REGION(data + bytes, class_bytes(block->size_class) - bytes);
#endif
}

// Under AddressSanitizer memory that nobody has written yet is NaN, and as an index out of bounds.
void spoil([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
    std::memset(data, 0xff, bytes);
#endif
}

bool is_mapped(int size_class) {
    return class_bytes(size_class) >= kHugePage;
}

Header* system_allocate(int size_class) {
    const size_t total = sizeof(Header) + class_bytes(size_class);
    void* memory =
        is_mapped(size_class) ? map_aligned(mapped_bytes(total)) : std::aligned_alloc(kUnit, total);
    return memory ? new (memory) Header{nullptr, nullptr, 0, size_class} : nullptr;
}

void system_free(Header* block) {
    const size_t capacity = class_bytes(block->size_class);
    set_accessible(block, capacity);
    if (is_mapped(block->size_class))
        munmap(block, mapped_bytes(sizeof(Header) + capacity));
    else
        std::free(block);
}

// ---- the pool

// Free blocks of one class: the newest, still in the processor's caches, is reused first.
struct FreeList {
    Header* newest;
    Header* oldest;

    void push(Header* block) {
        block->older = newest;
        block->newer = nullptr;
        (newest ? newest->newer : oldest) = block;
        newest = block;
    }

    Header* pop_newest() {
        Header* block = newest;
        if (!block) return nullptr;
        newest = block->older;
        (newest ? newest->newer : oldest) = nullptr;
        return block;
    }

    Header* pop_oldest() {
        Header* block = oldest;
        oldest = block->newer;
        (oldest ? oldest->older : newest) = nullptr;
        return block;
    }
};

struct Pool {
    SpinLock lock;
    Stats stats{};
    FreeList lists[kClasses]{};

    void count_in_use(int64_t bytes) {
        stats.in_use += bytes;
        stats.peak = std::max(stats.peak, stats.in_use);
    }

    // Takes blocks out, the largest first and among equals the oldest, until at most `limit` bytes
    // are cached; returns them chained by `older`.
    Header* trim(int64_t limit) {
        Header* dropped = nullptr;
        for (int c = kClasses - 1; stats.cached > limit; --c) {
            while (stats.cached > limit && lists[c].oldest) {
                Header* block = lists[c].pop_oldest();
                stats.cached -= static_cast<int64_t>(class_bytes(c));
                block->older = dropped;
                dropped = block;
            }
        }
        return dropped;
    }
};

// No destructor runs at exit: arrays outlive the static objects.
static_assert(std::is_trivially_destructible_v<Pool>);
constinit Pool pool;

// A child must not inherit a lock whose holder it lacks: fork waits until the lists are whole.
const bool prepared = [] {
    pool.stats.limit = std::min(int64_t{2} << 30, machine::memory_bytes() / 4);
    pthread_atfork([] { pool.lock.lock(); }, [] { pool.lock.unlock(); },
                   [] { pool.lock.unlock(); });
    return true;
}();

void free_chain(Header* block) {
    while (block) {
        Header* next = block->older;
        system_free(block);
        block = next;
    }
}

Header* take_cached(int size_class) {
    std::lock_guard guard(pool.lock);
    Header* block = pool.lists[size_class].pop_newest();
    if (!block) return nullptr;
    const auto bytes = static_cast<int64_t>(class_bytes(size_class));
    ++pool.stats.hits;
    pool.stats.cached -= bytes;
    pool.count_in_use(bytes);
    return block;
}

Header* take_fresh(int size_class) {
    Header* block = system_allocate(size_class);
    if (!block) {
        release();
        block = system_allocate(size_class);
        if (!block) throw std::bad_alloc();
    }
    std::lock_guard guard(pool.lock);
    ++pool.stats.misses;
    pool.count_in_use(static_cast<int64_t>(class_bytes(size_class)));
    return block;
}

struct Taken {
    void* data;
    bool fresh;
};

Taken take(size_t bytes) {
    if (bytes > kMaxBytes) throw std::bad_alloc();
    const int c = size_class(bytes);
    Header* block = take_cached(c);
    const bool fresh = !block;
    if (fresh) block = take_fresh(c);
    block->bytes = bytes;
    set_accessible(block, bytes);
    return {block->data(), fresh};
}

}  // namespace

void* allocate(size_t bytes) {
    void* const data = take(bytes).data;
    spoil(data, bytes);
    return data;
}

void* allocate_zeroed(size_t bytes) {
    const Taken block = take(bytes);
    const bool zero_already = block.fresh && is_mapped(Header::of(block.data)->size_class);
    if (!zero_already) std::memset(block.data, 0, bytes);
    return block.data;
}

void* reallocate(void* block, size_t bytes) {
    if (!block) return allocate(bytes);
    Header* header = Header::of(block);
    const size_t capacity = class_bytes(header->size_class);
    // Stay in place unless a block of half the size would do.
    if (bytes <= capacity && class_bytes(size_class(bytes)) > capacity / 2) {
        header->bytes = bytes;
        set_accessible(header, bytes);
        return block;
    }
    void* moved = allocate(bytes);
    std::memcpy(moved, block, std::min(header->bytes, bytes));
    deallocate(block);
    return moved;
}

void deallocate(void* block) {
    if (!block) return;
    Header* header = Header::of(block);
    const auto bytes = static_cast<int64_t>(class_bytes(header->size_class));
    set_accessible(header, 0);
    Header* dropped = nullptr;
    {
        std::lock_guard guard(pool.lock);
        pool.stats.in_use -= bytes;
        pool.stats.cached += bytes;
        pool.lists[header->size_class].push(header);
        if (pool.stats.cached > pool.stats.limit) dropped = pool.trim(pool.stats.limit);
    }
    free_chain(dropped);
}

Stats stats() {
    std::lock_guard guard(pool.lock);
    return pool.stats;
}

void release() {
    pool.lock.lock();
    Header* dropped = pool.trim(0);
    pool.lock.unlock();
    free_chain(dropped);
}

void set_limit(int64_t bytes) {
    if (bytes < 0) {
        throw std::invalid_argument("memory limit must be at least 0 bytes, got " +
                                    std::to_string(bytes));
    }
    pool.lock.lock();
    pool.stats.limit = bytes;
    Header* dropped = pool.trim(bytes);
    pool.lock.unlock();
    free_chain(dropped);
}

Scratch::Scratch(size_t bytes) : block_(allocate(bytes)) {}
Scratch::~Scratch() {
    deallocate(block_);
}

}  // namespace tatami::memory
