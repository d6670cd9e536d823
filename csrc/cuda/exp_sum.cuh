// Maximum and sum of exp(x - maximum) along a line in one sweep: a sum for a smaller maximum is
// scaled when a larger one comes (Milakov and Gimelshein, 2018).
#pragma once

#include "cuda/rows.cuh"

namespace tatami::cuda {

template <class T>
struct ExpSum {
    T most, sum;
};

template <class T>
struct Merge {
    // Where both maxima are -inf nothing has been added; NaN goes through by way of most.
    TATAMI_DEVICE ExpSum<T> operator()(ExpSum<T> a, ExpSum<T> b) const {
        const T most = largest(a.most, b.most);
        const T left = a.most == most ? a.sum : a.sum * exp(a.most - most);
        const T right = b.most == most ? b.sum : b.sum * exp(b.most - most);
        return {most, left + right};
    }
};

// The same for every thread of the team.
template <class T, class Team>
TATAMI_DEVICE ExpSum<Real<T>> exp_sum(const Team& team, const Line& line, const T* x) {
    using V = Real<T>;
    ExpSum<V> own{-V(INFINITY), V(0)};
    for (int64_t i = team.rank(); i < line.length; i += team.size()) {
        const V v = x[line.start + i * line.stride];
        if (v > own.most || v != v) {
            own.sum = own.sum * exp(own.most - v) + V(1);
            own.most = v;
        } else {
            own.sum += own.most == -V(INFINITY) ? V(0) : exp(v - own.most);
        }
    }
    return team.reduce(own, Merge<V>{});
}

}  // namespace tatami::cuda
