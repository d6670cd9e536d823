// Steps that follow each other, as a recurrent layer has them: a step is one or two phases, each a
// product of what the phase before it has left with weights that stay the same, and then some work
// on every row and unit.
//
//   kGates                          columns of the product that belong to a unit
//   int64_t depth() const           of the product
//   Rows<T> left(int64_t t) const   its left factor (rows, depth) at time t; none: its sums are 0
//   Factor weights() const          its right factor: column gate * units + unit
//   auto begin(Place) const         reads what the work on a row and unit needs besides, and gives
//                                   a function of const Real<T> (&sums)[kGates] that does it
//   void fetch(Place) const         asks for what begin() will read and no step computes
//
// There are two ways through them. One kernel that stays for all steps (persistent.cuh) keeps the
// weights on chip: best where a step is short and the weights fit. The other, here, launches a
// product and the work for every phase. Both are plain launches, for CUDA graphs to capture.
#pragma once

#include "cuda/divide.cuh"
#include "cuda/persistent.cuh"
#include "cuda/product.h"

namespace tatami::cuda {

// work(row, unit), a thread each.
template <class Work>
__global__ void for_units(int64_t count, Divider by_units, Work work) {
    const int64_t i = int64_t(blockIdx.x) * kMapThreads + threadIdx.x;
    if (i >= count) return;
    int64_t unit;
    const int64_t row = by_units.split(i, unit);
    work(row, unit);
}

template <class Work>
void each_unit(int64_t rows, int64_t units, const Work& work) {
    const int64_t count = rows * units;
    if (count <= 0) return;
    launch({dim3(unsigned((count + kMapThreads - 1) / kMapThreads)), dim3(kMapThreads)},
           &for_units<Work>, count, Divider(units), work);
}

// The product of a phase, into sums (rows, gates * units); false where they would be 0.
template <class T, class Phase>
bool multiply_phase(const Sequence& all, const Phase& phase, int64_t t, Real<T>* sums) {
    const Rows<T> left = phase.left(t);
    const int64_t columns = Phase::kGates * all.units;
    const auto w = phase.weights();
    if (left.data)
        multiply<T>({all.rows,
                     columns,
                     phase.depth(),
                     {left.data, left.row, 1},
                     {w.data, w.depth, w.line},
                     nullptr,
                     0,
                     nullptr,
                     sums});
    return left.data != nullptr;
}

// The work of a phase from the sums of its product.
template <class T, class Phase>
struct WorkOnSums {
    Phase phase;
    int64_t t, units;
    const Real<T>* sums;  // nullptr: zeros

    TATAMI_DEVICE void operator()(int64_t row, int64_t unit) const {
        constexpr int kGates = Phase::kGates;
        Real<T> sum[kGates] = {};
        if (sums) TATAMI_UNROLL
        for (int gate = 0; gate < kGates; gate++)
            sum[gate] = sums[(row * kGates + gate) * units + unit];
        phase.begin(Place{t, row, unit})(sum);
    }
};

template <class T, class... Phase>
void step_by_step(const Sequence& all, const Phase&... phases) {
    const int64_t gates = std::max({int64_t(Phase::kGates)...});
    const Workspace sums(size_t(all.rows * gates * all.units) * sizeof(Real<T>));
    const auto one = [&]<class P>(const P& phase, int64_t t) {
        auto* const to = sums.template as<Real<T>>();
        const bool some = multiply_phase<T>(all, phase, t, to);
        each_unit(all.rows, all.units, WorkOnSums<T, P>{phase, t, all.units, some ? to : nullptr});
    };
    for (int64_t s = 0; s < all.steps; s++) (one(phases, all.time(s)), ...);
}

template <class T, class... Phase>
void run_steps(const Sequence& all, const Phase&... phases) {
    if (all.steps <= 0 || all.rows <= 0 || all.units <= 0) return;
    const Persistent plan =
        Persistent::choose(all, device(), sizeof(T), {{Phase::kGates, phases.depth()}...});
    if (plan.blocks() > 0)
        run_persistent<T>(all, plan, phases...);
    else
        step_by_step<T>(all, phases...);
}

}  // namespace tatami::cuda
