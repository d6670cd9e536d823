#include "core/memory_pool.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.h"

namespace {

using namespace tatami;

constexpr size_t kMiB = size_t{1} << 20;

bool aligned(const void* block) {
    return reinterpret_cast<uintptr_t>(block) % 64 == 0;
}

bool all_bytes(const void* block, size_t bytes, unsigned char value) {
    const auto* data = static_cast<const unsigned char*>(block);
    for (size_t i = 0; i < bytes; ++i) {
        if (data[i] != value) return false;
    }
    return true;
}

void test_sizes() {
    std::vector<size_t> sizes{0, 1, 63, 64, 65, 4095, 4096, 65536, 65537};
    for (size_t size = 1; size <= 16 * kMiB; size *= 2) {
        sizes.insert(sizes.end(), {size - 1, size, size + 1, size + size / 3});
    }
    const int64_t before = memory::stats().in_use;
    for (size_t size : sizes) {
        for (int reuse = 0; reuse < 2; ++reuse) {
            void* block = memory::allocate(size);
            CHECK(block && aligned(block));
            std::memset(block, 0xa5, size);
            const int64_t rounded = memory::stats().in_use - before;
            CHECK(rounded >= int64_t(size));
            CHECK(rounded <= std::max<int64_t>(int64_t(size + size / 4), 64) + 64);
            memory::deallocate(block);
            void* zeroed = memory::allocate_zeroed(size);
            CHECK(aligned(zeroed) && all_bytes(zeroed, size, 0));
            memory::deallocate(zeroed);
        }
    }
    memory::deallocate(nullptr);
    CHECK(memory::stats().in_use == before);
}

void test_reuse() {
    for (size_t size : {size_t{100}, size_t{100000}, 5 * kMiB}) {
        void* first = memory::allocate(size);
        void* second = memory::allocate(size);
        CHECK(first != second);
        memory::deallocate(first);
        memory::deallocate(second);
        const memory::Stats before = memory::stats();
        CHECK(memory::allocate(size) == second);
        CHECK(memory::allocate(size) == first);
        CHECK(memory::stats().hits == before.hits + 2);
        CHECK(memory::stats().misses == before.misses);
        memory::deallocate(first);
        memory::deallocate(second);
    }
}

void test_huge_sizes_throw() {
    const memory::Stats before = memory::stats();
    void* block = memory::allocate(10);
    for (size_t size : {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2 + 1, SIZE_MAX / 2, SIZE_MAX / 4}) {
        CHECK(throws<std::bad_alloc>([&] { memory::allocate(size); }));
        CHECK(throws<std::bad_alloc>([&] { memory::allocate_zeroed(size); }));
        CHECK(throws<std::bad_alloc>([&] { memory::reallocate(block, size); }));
    }
    memory::deallocate(block);
    CHECK(memory::stats().in_use == before.in_use);
}

void test_reallocate() {
    auto* block = static_cast<unsigned char*>(memory::reallocate(nullptr, 10));
    std::memset(block, 7, 10);
    size_t kept = 10;
    for (size_t size : {size_t{60}, size_t{70}, size_t{5000}, 3 * kMiB, 9 * kMiB, 8 * kMiB,
                        2 * kMiB, size_t{4000}, size_t{12}, size_t{0}, size_t{100}}) {
        block = static_cast<unsigned char*>(memory::reallocate(block, size));
        CHECK(aligned(block));
        kept = std::min(kept, size);
        CHECK(all_bytes(block, kept, 7));
        std::memset(block, 7, size);
        kept = size;
    }
    memory::deallocate(block);
}

void test_reallocate_in_place() {
    void* block = memory::allocate(4096);
    CHECK(memory::reallocate(block, 3000) == block);
    CHECK(memory::reallocate(block, 4096) == block);
    void* smaller = memory::reallocate(block, 100);
    CHECK(smaller != block);
    memory::deallocate(memory::reallocate(smaller, 0));
}

void test_limit() {
    memory::release();
    CHECK(memory::stats().cached == 0);
    const int64_t limit = memory::stats().limit;
    CHECK(limit > 0 && limit <= int64_t{2} << 30);
    std::vector<void*> blocks;
    for (int i = 0; i < 8; ++i) blocks.push_back(memory::allocate(4 * kMiB));
    void* small = memory::allocate(1000);
    memory::set_limit(10 * kMiB);
    memory::deallocate(small);
    for (void* block : blocks) memory::deallocate(block);
    CHECK(memory::stats().cached <= int64_t(10 * kMiB));
    CHECK(memory::allocate(1000) == small);  // the large ones were dropped, not the small one
    CHECK(memory::allocate(4 * kMiB) == blocks[7]);  // and of the large ones the oldest
    memory::deallocate(blocks[7]);
    memory::deallocate(small);
    memory::set_limit(0);
    CHECK(memory::stats().cached == 0);
    memory::deallocate(memory::allocate(1000));
    memory::deallocate(memory::allocate(5 * kMiB));
    CHECK(memory::stats().cached == 0);
    CHECK(throws<std::invalid_argument>([] { memory::set_limit(-1); }));
    CHECK(memory::stats().limit == 0);
    memory::set_limit(limit);
}

void test_peak() {
    void* block = memory::allocate(64 * kMiB);
    const int64_t in_use = memory::stats().in_use;
    CHECK(memory::stats().peak >= in_use);
    memory::deallocate(block);
    CHECK(memory::stats().peak >= in_use);
    memory::release();
}

void test_scratch() {
    const int64_t before = memory::stats().in_use;
    {
        const memory::Scratch scratch(1000 * sizeof(double));
        scratch.as<double>()[999] = 1;
        CHECK(memory::stats().in_use > before);
    }
    CHECK(memory::stats().in_use == before);
}

// Fills blocks with the owner's mark and looks for it again when they go.
void churn(unsigned char mark, int steps) {
    struct Owned {
        void* block;
        size_t bytes;
    };
    std::mt19937 random(mark);
    std::vector<Owned> owned;
    for (int step = 0; step < steps; ++step) {
        if (owned.size() < 20 || random() % 2) {
            const size_t bytes = random() % (size_t{1} << random() % 18);
            owned.push_back({memory::allocate(bytes), bytes});
            std::memset(owned.back().block, mark, bytes);
        } else {
            std::swap(owned[random() % owned.size()], owned.back());
            CHECK(all_bytes(owned.back().block, owned.back().bytes, mark));
            memory::deallocate(owned.back().block);
            owned.pop_back();
        }
    }
    for (const Owned& last : owned) memory::deallocate(last.block);
}

void test_threads() {
#ifdef __SANITIZE_THREAD__
    const int steps = 1000;  // each takes a hundred times as long
#else
    const int steps = 20000;
#endif
    const int64_t before = memory::stats().in_use;
    std::vector<std::thread> threads;
    for (int i = 1; i <= 6; ++i) threads.emplace_back(churn, i, steps);
    for (int i = 0; i < 50; ++i) {
        memory::set_limit(i % 5 * 100000);
        memory::release();
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(memory::stats().in_use == before);
    memory::set_limit(int64_t{1} << 30);
}

void test_fork() {
    std::atomic<bool> stop{false};
    std::thread other([&] {
        while (!stop) churn(1, 100);
    });
    for (int repeat = 0; repeat < 30; ++repeat) {
        CHECK(succeeds_in_child([] {
            churn(2, 500);
            memory::release();
        }));
    }
    stop = true;
    other.join();
}

double nanoseconds_a_pair(size_t bytes, int blocks) {
    std::vector<void*> held(blocks);
    const int rounds = 2000000 / blocks;
    const auto start = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds; ++round) {
        for (void*& block : held) block = memory::allocate(bytes);
        for (void* block : held) memory::deallocate(block);
    }
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    return time.count() / (double(rounds) * blocks);
}

void measure() {
    for (size_t bytes : {size_t{64}, size_t{4096}, size_t{65536}, 16 * kMiB}) {
        std::printf("%8zu bytes: allocate + deallocate %.1f ns, 16 held at a time %.1f ns\n", bytes,
                    nanoseconds_a_pair(bytes, 1), nanoseconds_a_pair(bytes, 16));
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "measure") == 0) return measure(), 0;
    test_sizes();
    test_reuse();
    test_huge_sizes_throw();
    test_reallocate();
    test_reallocate_in_place();
    test_limit();
    test_peak();
    test_scratch();
    test_threads();
    test_fork();
    std::puts("memory_pool: passed");
}
