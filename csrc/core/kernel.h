// A function of a table of kernels. A call from the bindings can be recorded: core/recorder.h.
#pragma once

namespace tatami {

template <class Signature>
struct Kernel;

template <class Result, class... Arguments>
struct Kernel<Result(Arguments...)> {
    Result (*call)(Arguments...);

    Result operator()(Arguments... arguments) const;
};

}  // namespace tatami
