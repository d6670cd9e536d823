// What a thread has allowed its float32 products, on a GPU, to lose for speed.
#pragma once

namespace tatami {

// Whether matrix products and convolutions of the calling thread may round their factors to TF32
// (10 bits behind the point, sums in float32); returns what it was. The CPU never does.
bool exchange_tf32(bool on);
bool tf32_allowed();

}  // namespace tatami
