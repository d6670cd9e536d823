#include "cuda/emulator/fibre.h"

#include <sys/mman.h>

#include <cstdint>
#include <new>

#ifndef __x86_64__
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tatami::emulator {

#ifdef __x86_64__
// Saves what a call must preserve, swaps stacks, restores: a dozen nanoseconds, where the library's
// swapcontext makes two system calls.
extern "C" void tatami_switch_stack(void** save, void* to);
asm(R"(
.text
.type tatami_switch_stack, @function
.hidden tatami_switch_stack
.globl tatami_switch_stack
tatami_switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size tatami_switch_stack, .-tatami_switch_stack
)");

// The first thing on a new stack; the fibre waits in rbx.
extern "C" void tatami_fibre_entry();
asm(R"(
.text
.type tatami_fibre_entry, @function
.hidden tatami_fibre_entry
.globl tatami_fibre_entry
tatami_fibre_entry:
    movq %rbx, %rdi
    call tatami_fibre_run
    ud2
.size tatami_fibre_entry, .-tatami_fibre_entry
)");
#endif

void enter(Fibre* fibre) {
    Fibre::run(fibre);
}

extern "C" __attribute__((visibility("hidden"), used)) void tatami_fibre_run(Fibre* fibre) {
    enter(fibre);
}

Fibre::Fibre() {
    void* const memory =
        mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<char*>(memory);
}

Fibre::~Fibre() {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(memory_, kStack);
#endif
    munmap(memory_, kStack);
#ifndef __x86_64__
    delete static_cast<ucontext_t*>(own_);
    delete static_cast<ucontext_t*>(scheduler_);
#endif
}

void Fibre::start(void (*entry)(void*), void* argument) {
    entry_ = entry;
    argument_ = argument;
    ended_ = false;
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(memory_, kStack);  // what stood here may not have come to an end
#endif
#ifdef __x86_64__
    // What tatami_switch_stack pops: r15 r14 r13 r12 rbx rbp and the address to return to; above it
    // two words, so that the stack is aligned to 16 bytes then.
    auto* const top = reinterpret_cast<void**>(memory_ + kStack) - 9;
    for (int i = 0; i < 9; i++) top[i] = nullptr;
    top[4] = this;
    top[6] = reinterpret_cast<void*>(&tatami_fibre_entry);
    own_ = top;
#else
    if (!own_) own_ = new ucontext_t, scheduler_ = new ucontext_t;
    auto* const context = static_cast<ucontext_t*>(own_);
    getcontext(context);
    context->uc_stack.ss_sp = memory_;
    context->uc_stack.ss_size = kStack;
    context->uc_link = nullptr;
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(context, reinterpret_cast<void (*)()>(+[](unsigned high, unsigned low) {
                    enter(reinterpret_cast<Fibre*>(uintptr_t(high) << 32 | low));
                }),
                2, unsigned(self >> 32), unsigned(self));
#endif
    resume();
}

void Fibre::resume() {
#if defined(__SANITIZE_ADDRESS__)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, memory_, kStack);
    switch_to_fibre();
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#else
    switch_to_fibre();
#endif
}

void Fibre::yield() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ended_ ? nullptr : &fake_stack_, scheduler_bottom_,
                                   scheduler_size_);
    switch_to_scheduler();
    __sanitizer_finish_switch_fiber(fake_stack_, &scheduler_bottom_, &scheduler_size_);
#else
    switch_to_scheduler();
#endif
}

void Fibre::run(Fibre* self) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &self->scheduler_bottom_, &self->scheduler_size_);
#endif
    self->entry_(self->argument_);
    self->ended_ = true;
    self->yield();
}

#ifdef __x86_64__
void Fibre::switch_to_fibre() {
    tatami_switch_stack(&scheduler_, own_);
}
void Fibre::switch_to_scheduler() {
    tatami_switch_stack(&own_, scheduler_);
}
#else
void Fibre::switch_to_fibre() {
    swapcontext(static_cast<ucontext_t*>(scheduler_), static_cast<ucontext_t*>(own_));
}
void Fibre::switch_to_scheduler() {
    swapcontext(static_cast<ucontext_t*>(own_), static_cast<ucontext_t*>(scheduler_));
}
#endif

}  // namespace tatami::emulator
