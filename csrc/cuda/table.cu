#include <stdexcept>
#include <string>

#include "cuda/context.h"
#include "cuda/graph.h"
#include "cuda/primitives.cuh"
#include "cuda/table.h"

namespace tatami::cuda {

template <class T>
static Kernels<T> make_kernels() {
    Kernels<T> table{};
    table.activation = activation_kernels<T>();
    table.adaptive_pool2d = adaptive_pool2d_kernels<T>();
    table.conv2d = conv2d_kernels<T>();
    table.cross_entropy = cross_entropy_kernels<T>();
    table.dropout = dropout_kernels<T>();
    table.embedding = embedding_kernels<T>();
    table.grid_sample = grid_sample_kernels<T>();
    table.gru = gru_kernels<T>();
    table.loss = loss_kernels<T>();
    table.lstm = lstm_kernels<T>();
    table.matmul = matmul_kernels<T>();
    table.norm = norm_kernels<T>();
    table.optim = optim_kernels<T>();
    table.pool2d = pool2d_kernels<T>();
    table.prelu = prelu_kernels<T>();
    table.probe = probe_kernels<T>();
    table.reparameterize = reparameterize_kernels<T>();
    table.rnn = rnn_kernels<T>();
    table.softmax = softmax_kernels<T>();
    table.upsample2d = upsample2d_kernels<T>();
    return table;
}

// std::runtime_error where the driver is missing or older than what this was built with.
static void check_driver() {
#ifdef __CUDACC__
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver / 1000 >= CUDART_VERSION / 1000) return;
    const std::string wanted = std::to_string(CUDART_VERSION / 1000);
    throw std::runtime_error(
        driver ? "CUDA: the NVIDIA driver is for CUDA " + std::to_string(driver / 1000) + "." +
                     std::to_string(driver % 1000 / 10) + "; tatami needs one for CUDA " + wanted +
                     ": update it"
               : "CUDA: no NVIDIA driver was found; tatami needs one for CUDA " + wanted);
#endif
}

Context& context() {
#ifdef __CUDACC__
    thread_local Context one;
#else
    thread_local Context one{nullptr, &emulator::allocate, &emulator::release};
#endif
    return one;
}

}  // namespace tatami::cuda

// All that the library shows: its table, nullptr for a caller whose table is another, the context
// of the calling thread, and a new graph, which is the caller's.
extern "C" {
__attribute__((visibility("default"))) const tatami::Tables* tatami_cuda_tables(size_t bytes) {
    if (bytes != sizeof(tatami::Tables)) return nullptr;
    tatami::cuda::check_driver();
    static const tatami::Tables tables{
        tatami::cuda::make_kernels<float>(), tatami::cuda::make_kernels<double>(), true,
        tatami::cuda::make_kernels<tatami::Half>(), tatami::cuda::make_kernels<tatami::Bfloat16>()};
    return &tables;
}

__attribute__((visibility("default"))) tatami::cuda::Context* tatami_cuda_context() {
    return &tatami::cuda::context();
}

__attribute__((visibility("default"))) tatami::cuda::Graph* tatami_cuda_graph() {
    return tatami::cuda::make_graph().release();
}
}
