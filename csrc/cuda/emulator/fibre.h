// A stack of its own for each emulated thread, and the way from one to another.
#pragma once

#include <cstddef>

namespace tatami::emulator {

// Runs `entry(argument)` on its own stack until it yields or ends.
class Fibre {
  public:
    Fibre();
    ~Fibre();
    Fibre(const Fibre&) = delete;

    void start(void (*entry)(void*), void* argument);
    void resume();  // from the scheduler, until the fibre yields or ends
    void yield();   // from the fibre, back to the scheduler
    bool ended() const { return ended_; }

  private:
    static void run(Fibre* self);
    void switch_to_fibre();
    void switch_to_scheduler();
    friend void enter(Fibre* fibre);

    static constexpr size_t kStack = 1 << 18;
    char* memory_;
    void *own_ = nullptr, *scheduler_ = nullptr;  // stack pointers while the other one runs
    void (*entry_)(void*) = nullptr;
    void* argument_ = nullptr;
    bool ended_ = true;
    // What AddressSanitizer wants to know of stacks.
    void* fake_stack_ = nullptr;
    const void* scheduler_bottom_ = nullptr;
    size_t scheduler_size_ = 0;
};

}  // namespace tatami::emulator
