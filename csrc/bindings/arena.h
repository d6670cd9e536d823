// Memory of captured steps: blocks that are free again serve later allocations of the same steps,
// and nobody else, so that what was recorded may write to them at any time.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <mutex>
#include <unordered_map>

#include "bindings/numpy_api.h"

namespace tatami::capture {

namespace py = pybind11;

// Lives as long as its capsule, which recordings and all arrays in its memory hold.
class Arena {
  public:
    // The capsule, which is what NumPy calls a handler of memory.
    static py::object create();
    static Arena& of(py::handle capsule);
    ~Arena();

    // Which recording computed what is in a block; 0 for what Python put there.
    int maker(const void* block);
    void set_maker(const void* block, int recording);

  private:
    struct Block {
        size_t bytes;
        int maker;
    };

    void* allocate(size_t bytes);
    void* reallocate(void* block, size_t bytes);
    void release(void* block);

    PyDataMem_Handler handler_{};
    std::mutex lock_;
    std::unordered_map<const void*, Block> blocks_;
    std::multimap<size_t, void*> free_;
};

}  // namespace tatami::capture
