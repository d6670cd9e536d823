#include "cpu/table.h"

#include "cpu/bfloat16/by_float32.h"

namespace tatami::TATAMI_ISA {

// The kernels of AVX-512, but for products of bfloat16.
Tables make_tables() {
    Tables tables = avx512::make_tables();
    tables.bf16.conv2d = conv2d_kernels<Bfloat16>();
    tables.bf16.lstm = lstm_kernels<Bfloat16>();
    tables.bf16.matmul = matmul_kernels<Bfloat16>();
    return tables;
}

}  // namespace tatami::TATAMI_ISA
