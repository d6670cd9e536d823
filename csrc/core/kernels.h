// The table that a backend fills, and the choice among backends. Contracts are in ops/.
#pragma once

#include <string>
#include <vector>

#include "core/array.h"
#include "core/half.h"
#include "ops/activation.h"
#include "ops/adaptive_pool2d.h"
#include "ops/conv2d.h"
#include "ops/cross_entropy.h"
#include "ops/dropout.h"
#include "ops/embedding.h"
#include "ops/grid_sample.h"
#include "ops/loss.h"
#include "ops/matmul.h"
#include "ops/norm.h"
#include "ops/optim.h"
#include "ops/pool2d.h"
#include "ops/pooled_conv2d.h"
#include "ops/prelu.h"
#include "ops/probe.h"
#include "ops/recurrent.h"
#include "ops/reparameterize.h"
#include "ops/softmax.h"
#include "ops/upsample2d.h"

namespace tatami {

template <class T>
struct Kernels {
    ActivationKernels<T> activation;
    AdaptivePool2dKernels<T> adaptive_pool2d;
    Conv2dKernels<T> conv2d;
    CrossEntropyKernels<T> cross_entropy;
    DropoutKernels<T> dropout;
    EmbeddingKernels<T> embedding;
    GridSampleKernels<T> grid_sample;
    RecurrentKernels<T> gru;
    LossKernels<T> loss;
    RecurrentKernels<T> lstm;
    MatmulKernels<T> matmul;
    NormKernels<T> norm;
    OptimKernels optim;
    Pool2dKernels<T> pool2d;
    PooledConv2dKernels<T> pooled_conv2d;
    PreluKernels<T> prelu;
    ProbeKernels<T> probe;
    ReparameterizeKernels<T> reparameterize;
    RecurrentKernels<T> rnn;
    SoftmaxKernels<T> softmax;
    Upsample2dKernels<T> upsample2d;
};

// A backend: its kernels for each dtype.
struct Tables {
    Kernels<float> f32;
    Kernels<double> f64;
    bool has_half = false;  // whether the next two are filled: 16 bits are for CUDA alone
    Kernels<Half> f16{};
    Kernels<Bfloat16> bf16{};
};

// Of the CPU's chosen instruction set, or of the library of CUDA kernels.
const Tables& tables(Device device);

// The kernels for T: kernels<float>(device).conv2d.forward(...)
template <class T>
const Kernels<T>& kernels(Device device = Device::cpu) {
    if constexpr (std::is_same_v<T, float>)
        return tables(device).f32;
    else if constexpr (std::is_same_v<T, double>)
        return tables(device).f64;
    else if constexpr (std::is_same_v<T, Half>)
        return tables(device).f16;
    else
        return tables(device).bf16;
}

std::vector<std::string> isas();          // instruction sets of this machine and build, best first
const std::string& isa();                 // the chosen one
void set_isa(const std::string& wanted);  // std::invalid_argument where it is not in isas()

}  // namespace tatami
