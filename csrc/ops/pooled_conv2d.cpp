#include "ops/pooled_conv2d.h"

namespace tatami {

PooledConv2d::PooledConv2d(const Conv2d& conv, bool relu)
    : conv(conv),
      relu(relu),
      rows(conv.oh / 2),
      columns(conv.ow / 2),
      y{conv.n, conv.o, rows, columns} {}

int64_t PooledConv2d::choice_bytes(int64_t size) const {
    const int64_t pack = 64 / size;
    return (conv.n + pack - 1) / pack * pack * conv.o * rows * columns;
}

}  // namespace tatami
