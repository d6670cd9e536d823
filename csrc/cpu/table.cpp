#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
static Kernels<T> make_kernels() {
    return {
        .activation = activation_kernels<T>(),
        .adaptive_pool2d = adaptive_pool2d_kernels<T>(),
        .conv2d = conv2d_kernels<T>(),
        .cross_entropy = cross_entropy_kernels<T>(),
        .dropout = dropout_kernels<T>(),
        .embedding = embedding_kernels<T>(),
        .grid_sample = grid_sample_kernels<T>(),
        .gru = gru_kernels<T>(),
        .loss = loss_kernels<T>(),
        .lstm = lstm_kernels<T>(),
        .matmul = matmul_kernels<T>(),
        .norm = norm_kernels<T>(),
        .optim = optim_kernels<T>(),
        .pool2d = pool2d_kernels<T>(),
        .pooled_conv2d = pooled_conv2d_kernels<T>(),
        .prelu = prelu_kernels<T>(),
        .probe = probe_kernels<T>(),
        .reparameterize = reparameterize_kernels<T>(),
        .rnn = rnn_kernels<T>(),
        .softmax = softmax_kernels<T>(),
        .upsample2d = upsample2d_kernels<T>(),
    };
}

// The products alone take bfloat16: door.cpp names them.
static Kernels<Bfloat16> make_bfloat16_kernels() {
    Kernels<Bfloat16> k{};
    k.conv2d = conv2d_kernels<Bfloat16>();
    k.lstm = lstm_kernels<Bfloat16>();
    k.matmul = matmul_kernels<Bfloat16>();
    return k;
}

// Called only once this instruction set is known to be there: nothing here runs at load.
Tables make_tables() {
    return {make_kernels<float>(), make_kernels<double>(), false, {}, make_bfloat16_kernels()};
}

}  // namespace tatami::TATAMI_ISA
