// Waiting for a moment without giving up the core.
#pragma once

#include <sched.h>

#include <atomic>

namespace tatami {

inline void spin_pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");
#endif
}

// For sections of a few dozen instructions, where a mutex would cost more than the section.
class SpinLock {
  public:
    void lock() {
        for (int tries = 0; held_.exchange(true, std::memory_order_acquire); ++tries) {
            // The holder may have lost its core: let it have this one.
            if (tries < 64)
                spin_pause();
            else
                sched_yield();
        }
    }
    void unlock() { held_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> held_{false};
};

}  // namespace tatami
