// Plain checks for tests without a framework: a failed one says where and ends the program.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
            std::_Exit(1);                                                                \
        }                                                                                 \
    } while (0)

// CHECK(throws<std::bad_alloc>([&] { … }))
template <class Error, class Action>
bool throws(Action action) {
    try {
        action();
    } catch (const Error&) {
        return true;
    }
    return false;
}

// Whether a forked child runs the action to its end; it is killed after 60 s.
template <class Action>
bool succeeds_in_child(Action action) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        action();
        std::_Exit(0);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
