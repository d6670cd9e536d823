// Reading arguments that are not arrays.
#pragma once

#include "bindings/door.h"
#include "ops/activation.h"

namespace tatami {

// activation=None or one of the names that api.md lists for fused epilogues.
Activation activation_argument(const char* op, py::handle value);

// A Python or NumPy integer, or a tuple or list of `rank` of them (rank 2 is vertical, horizontal;
// rank 1, for 1-d operators, fills both with the one value). TypeError for what is not an integer,
// bools among them, ValueError for another length; the value itself is for the Problem to judge.
Pair pair_argument(const char* op, const char* name, py::handle value, int rank = 2);

// The argument `padding`: as pair_argument, or a pair of pairs ((top, bottom), (left, right)); of
// one axis an int, (both,) or ((left, right),), which leaves top and bottom 0; "same" or "valid".
Padding padding_argument(const char* op, py::handle value, int rank = 2);

// The argument `seed`: a Python or NumPy integer mod 2^64; TypeError for anything else.
uint64_t seed_argument(const char* op, py::handle value);

}  // namespace tatami
