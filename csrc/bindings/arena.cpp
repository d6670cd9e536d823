#include "bindings/arena.h"

#include <algorithm>
#include <cstring>

#include "core/memory_pool.h"

namespace tatami::capture {

namespace {
constexpr char kCapsule[] = "mem_handler";  // NumPy's choice
}

Arena& Arena::of(py::handle capsule) {
    auto* handler = PyCapsule_GetPointer(capsule.ptr(), kCapsule);
    return *static_cast<Arena*>(static_cast<PyDataMem_Handler*>(handler)->allocator.ctx);
}

py::object Arena::create() {
    auto* arena = new Arena;
    PyDataMem_Handler& h = arena->handler_;
    const char label[] = "tatami_arena";
    std::copy(label, label + sizeof label, h.name);
    h.version = 1;
    h.allocator.ctx = arena;
    h.allocator.malloc = [](void* a, size_t bytes) {
        return static_cast<Arena*>(a)->allocate(bytes);
    };
    h.allocator.calloc = [](void* a, size_t count, size_t bytes) {
        return std::memset(static_cast<Arena*>(a)->allocate(count * bytes), 0, count * bytes);
    };
    h.allocator.realloc = [](void* a, void* block, size_t bytes) {
        return static_cast<Arena*>(a)->reallocate(block, bytes);
    };
    h.allocator.free = [](void* a, void* block, size_t) { static_cast<Arena*>(a)->release(block); };
    PyObject* capsule =
        PyCapsule_New(&h, kCapsule, [](PyObject* self) { delete &Arena::of(self); });
    if (!capsule) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(capsule);
}

Arena::~Arena() {
    for (const auto& [block, its] : blocks_) memory::deallocate(const_cast<void*>(block));
}

int Arena::maker(const void* block) {
    const std::lock_guard guard(lock_);
    const auto found = blocks_.find(block);
    return found == blocks_.end() ? 0 : found->second.maker;
}

void Arena::set_maker(const void* block, int recording) {
    const std::lock_guard guard(lock_);
    const auto found = blocks_.find(block);
    if (found != blocks_.end()) found->second.maker = recording;
}

// The smallest free block that is large enough, unless half of it would be wasted.
void* Arena::allocate(size_t bytes) {
    const std::lock_guard guard(lock_);
    const auto best = free_.lower_bound(bytes);
    if (best != free_.end() && best->first <= 2 * bytes + 64) {
        void* const block = best->second;
        free_.erase(best);
        return block;
    }
    void* const block = memory::allocate(bytes);
    blocks_[block] = {bytes, 0};
    return block;
}

void* Arena::reallocate(void* block, size_t bytes) {
    if (!block) return allocate(bytes);
    void* const moved = allocate(bytes);
    std::memcpy(moved, block, std::min(blocks_.at(block).bytes, bytes));
    release(block);
    return moved;
}

void Arena::release(void* block) {
    if (!block) return;
    const std::lock_guard guard(lock_);
    Block& its = blocks_.at(block);
    its.maker = 0;
    free_.emplace(its.bytes, block);
}

}  // namespace tatami::capture
