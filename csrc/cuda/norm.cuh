// What the normalisations share: how their groups lie, and numbers of each group.
#pragma once

#include "cuda/tiles.cuh"
#include "ops/norm.h"

namespace tatami::cuda {

// x is (n, channels, inner); a group is a channel (across), or consecutive channels of a sample.
struct Groups {
    int64_t elements, channels, inner, count, runs_of_group;
    bool across, centred;
    double inverse_count, eps;

    explicit Groups(const Norm& p)
        : elements(p.runs * p.length),
          channels(p.parameters),
          inner(p.per_element || p.columns ? p.repeat : p.length),
          count(p.count),
          runs_of_group(p.across || inner == 0 ? 1 : p.count / inner),
          across(p.across),
          centred(p.centred),
          inverse_count(p.inverse_count),
          eps(p.eps) {}

    // Of run r of `inner` elements.
    TATAMI_DEVICE int64_t channel(int64_t r) const { return r % channels; }
    TATAMI_DEVICE int64_t group(int64_t r) const {
        return across ? r % channels : r / runs_of_group;
    }
};

// A mean as T and what that leaves out: x - near is exact for x close to it, so that a large mean
// costs no digits. scale = 1 / sqrt(var + eps).
template <class T>
struct Scaling {
    T near, rest, scale;
};

template <class T>
TATAMI_DEVICE Scaling<T> scaling_of(double mean, double var, double eps) {
    const T near = T(mean);
    return {near, T(mean - double(near)), T(1) / sqrt(T(var + eps))};
}

template <class V>
TATAMI_DEVICE V not_negative(V x) {
    return x < V(0) ? V(0) : x;  // NaN stays
}

}  // namespace tatami::cuda
