// What a call runs in: the caller's stream, and where workspace comes from.
#pragma once

#include <cstddef>

namespace tatami::cuda {

struct Context {
    void* stream = nullptr;                     // a cudaStream_t
    void* (*allocate)(size_t bytes) = nullptr;  // memory on the stream's device
    void (*release)(void* memory) = nullptr;    // when all that was launched before is done with it
};

Context& context();  // of this thread

// Workspace for the kernels that a call launches on the context's stream.
class Workspace {
  public:
    explicit Workspace(size_t bytes)
        : memory_(bytes ? context().allocate(bytes) : nullptr), release_(context().release) {}
    ~Workspace() {
        if (memory_) release_(memory_);
    }
    Workspace(const Workspace&) = delete;

    template <class T>
    T* as() const {
        return static_cast<T*>(memory_);
    }

  private:
    void* memory_;
    void (*release_)(void*);
};

}  // namespace tatami::cuda
