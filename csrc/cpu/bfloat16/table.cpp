#include "cpu/table.h"

namespace tatami {

namespace avx512 {
Tables make_tables();
}

// The kernels of AVX-512, but for products of bfloat16.
namespace TATAMI_ISA {
Tables make_tables() {
    Tables tables = avx512::make_tables();
    tables.bf16.conv2d = conv2d_kernels<Bfloat16>();
    tables.bf16.lstm = lstm_kernels<Bfloat16>();
    tables.bf16.matmul = matmul_kernels<Bfloat16>();
    return tables;
}
}  // namespace TATAMI_ISA

}  // namespace tatami
