// Cross entropy of classes on axis 1: l = -Σ_c q_c log_softmax(x)_c at every position. With class
// indices t, q_c = w_c (smoothing / classes + (1 - smoothing) [c = t]), or 0 where t is ignored;
// with probabilities p, q_c = w_c (smoothing / classes + (1 - smoothing) p_c). Classes of q_c = 0
// add nothing, whatever their logit.
#pragma once

#include "core/half.h"
#include "core/kernel.h"
#include "ops/axis.h"
#include "ops/loss.h"

namespace tatami {

struct CrossEntropy : Axis {  // of the logits: length classes
    // target has logits' shape when it holds probabilities, else the same without axis 1.
    CrossEntropy(const char* op, const Shape& logits, const Shape& target, bool probabilities,
                 const Shape* weight, double smoothing, int64_t ignore_index);

    int64_t positions;  // outer · inner
    Shape loss;         // a loss at every position
    double smoothing;
    int64_t ignore_index;

    // ValueError that names the class index out of range.
    [[noreturn]] void refuse(const char* op, int64_t target) const;
};

// What the target is: one of the two pointers is nullptr.
template <class T>
struct Target {
    const int64_t* index;  // (outer, inner)
    const T* probability;  // (outer, classes, inner)
};

// The first target out of range, if any.
struct TargetCheck {
    bool ok;
    int64_t bad;
    explicit operator bool() const { return ok; }
};

template <class T>
struct CrossEntropyKernels {
    // Of index (positions), and total (1) = Σ of the targets' weights; weight (classes) or nullptr
    // for 1, here and below. A GPU refuses nothing, as the host would have to wait for it: there a
    // target out of range makes its loss and gradient NaN.
    Kernel<TargetCheck(const CrossEntropy& p, const int64_t* index, const T* weight, double* total)>
        check;
    // y (outer, inner) = l. Indices have been checked.
    Kernel<void(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight, T* y)>
        forward;
    // dx (outer, classes, inner) = dy · scale · dl/dx; dy (outer, inner) or nullptr for 1.
    Kernel<void(const CrossEntropy& p, const T* x, const Target<T>& target, const T* weight,
                const T* dy, Factor<T> scale, T* dx)>
        backward;
    // y (1) = Σ of l (n), divided; summed by a tree that n alone fixes.
    Kernel<void(int64_t n, const T* l, Divided by, T* y)> sum;
};

}  // namespace tatami
