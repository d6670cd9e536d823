// What a captured step did, to be done again on the same memory: on the CPU every call of a kernel
// with copies of its arguments.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/kernel.h"

namespace tatami {

class Recorder {
  public:
    virtual ~Recorder() = default;

    // Work to be done again. Kernels go without the GIL, all else has it.
    struct Step {
        std::function<void()> run;
        bool kernel;
    };
    // What must be the same from call to call, as nothing else tells a change of it: the numbers
    // and constants that Python brings.
    struct Fact {
        std::string op;  // by which they enter
        uint64_t hash;
        bool operator==(const Fact&) const = default;
    };

    std::vector<Step> steps;
    std::vector<Fact> facts;
    std::string op = "a kernel";  // that is being called, for errors

    void note(const void* bytes, size_t count);

    // A seed that is drawn anew before every replay: kernels that got it read it from there.
    uint64_t* add_seed(uint64_t value) { return &seeds_.emplace_back(value); }

    template <class Result, class... A>
    void keep(Result (*call)(A...), const std::type_identity_t<A>&... arguments) {
        (note_number(arguments), ...);
        begin_call(
            [call, kept = std::tuple(kept(arguments)...)] {
                std::apply([&](const auto&... k) { again(call, k()...); }, kept);
            },
            (is_seed(arguments) || ...));
    }
    virtual void end_call() {}

  protected:
    const uint64_t* seed_of(uint64_t value) const;  // nullptr for other numbers

  private:
    // A kernel is being called, as again() does it; `seeded` by what is drawn anew.
    virtual void begin_call(std::function<void()> again, bool seeded) = 0;

    template <class T>
    bool is_seed(const T& argument) const {
        if constexpr (std::is_same_v<T, uint64_t>) return seed_of(argument);
        return false;
    }

    template <class T>
    void note_number(const T& number) {
        constexpr bool plain = std::is_arithmetic_v<T> || std::is_enum_v<T>;
        if constexpr (plain && !std::is_same_v<T, uint64_t>) note(&number, sizeof number);
    }

    // A function that gives the copy of an argument.
    template <class T>
    auto kept(const T& argument) {
        if constexpr (std::is_same_v<T, uint64_t>)
            return [argument, seed = seed_of(argument)] { return seed ? *seed : argument; };
        else
            return [argument]() -> const T& { return argument; };
    }

    // Kernels that can refuse say so by their result.
    template <class Call, class... A>
    static void again(Call call, const A&... arguments) {
        if constexpr (std::is_void_v<decltype(call(arguments...))>)
            call(arguments...);
        else if (!static_cast<bool>(call(arguments...)))
            refuse();
    }
    [[noreturn]] static void refuse();

    std::deque<uint64_t> seeds_;  // whose addresses stay
};

// Of this thread; nullptr where nothing is recorded.
extern constinit thread_local Recorder* recorder;

template <class Result, class... A>
Result Kernel<Result(A...)>::operator()(A... arguments) const {
    if (!recorder) return call(arguments...);
    recorder->keep(call, arguments...);
    if constexpr (std::is_void_v<Result>) {
        call(arguments...);
        recorder->end_call();
    } else {
        const Result result = call(arguments...);
        recorder->end_call();
        return result;
    }
}

}  // namespace tatami
