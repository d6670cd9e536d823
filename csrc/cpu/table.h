// The functions that fill this instruction set's table, one a family: each .cpp defines its own.
#pragma once

#include "core/kernels.h"
#include "cpu/simd.h"

namespace tatami::TATAMI_ISA {

template <class T>
ActivationKernels<T> activation_kernels();
template <class T>
AdaptivePool2dKernels<T> adaptive_pool2d_kernels();
template <class T>
Conv2dKernels<T> conv2d_kernels();
template <class T>
CrossEntropyKernels<T> cross_entropy_kernels();
template <class T>
DropoutKernels<T> dropout_kernels();
template <class T>
EmbeddingKernels<T> embedding_kernels();
template <class T>
GridSampleKernels<T> grid_sample_kernels();
template <class T>
LossKernels<T> loss_kernels();
template <class T>
PreluKernels<T> prelu_kernels();
template <class T>
RecurrentKernels<T> gru_kernels();
template <class T>
RecurrentKernels<T> lstm_kernels();
template <class T>
MatmulKernels<T> matmul_kernels();
template <class T>
NormKernels<T> norm_kernels();
template <class T>
OptimKernels optim_kernels();
template <class T>
Pool2dKernels<T> pool2d_kernels();
template <class T>
PooledConv2dKernels<T> pooled_conv2d_kernels();
template <class T>
ProbeKernels<T> probe_kernels();
template <class T>
ReparameterizeKernels<T> reparameterize_kernels();
template <class T>
RecurrentKernels<T> rnn_kernels();
template <class T>
SoftmaxKernels<T> softmax_kernels();
template <class T>
Upsample2dKernels<T> upsample2d_kernels();

}  // namespace tatami::TATAMI_ISA
