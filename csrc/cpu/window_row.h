// The row of pixels that suits windows S apart of K taps, as with_window() chooses them.
#pragma once

#include "cpu/paired_row.h"
#include "cpu/phased_row.h"

namespace tatami::TATAMI_ISA {

template <class T, int S, int K>
using WindowRow = std::conditional_t<S == 2 && K != 0, PairedRow<T, K>, PhasedRow<T, S>>;

}  // namespace tatami::TATAMI_ISA
