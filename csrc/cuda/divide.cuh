// Division by a number that the host knows: a multiplication and a shift where both are below 2^31
// (Granlund and Montgomery, 1994), the processor's own division elsewhere.
#pragma once

#include "cuda/words.cuh"

namespace tatami::cuda {

class Divider {
  public:
    // 0 is a size of which nothing will be asked.
    explicit Divider(int64_t by) : by_(by > 0 ? by : 1) {
        while (shift_ < 31 && (int64_t(1) << shift_) < by_) shift_++;
        factor_ = uint32_t(
            ((uint64_t(1) << 32) * ((uint64_t(1) << shift_) - uint64_t(by_))) / uint64_t(by_) + 1);
    }

    // n / by; n >= 0.
    TATAMI_DEVICE int64_t operator()(int64_t n) const {
        if ((n | by_) >> 31) return n / by_;
        const uint64_t high = (uint64_t(factor_) * uint64_t(n)) >> 32;
        return int64_t((high + uint64_t(n)) >> shift_);
    }
    // The quotient, and what is left of n.
    TATAMI_DEVICE int64_t split(int64_t n, int64_t& rest) const {
        const int64_t quotient = (*this)(n);
        rest = n - quotient * by_;
        return quotient;
    }
    // n / by, rounded up.
    TATAMI_DEVICE int64_t up(int64_t n) const { return (*this)(n + by_ - 1); }
    TATAMI_DEVICE bool divides(int64_t n) const { return (*this)(n)*by_ == n; }

  private:
    int64_t by_;
    uint32_t factor_ = 0;
    int shift_ = 0;
};

}  // namespace tatami::cuda
