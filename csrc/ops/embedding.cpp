#include "ops/embedding.h"

#include "core/check.h"

namespace tatami {

Embedding::Embedding(const char* op, const Shape& indices, const Shape& weight)
    : op(op), y(indices), rows(indices.elements()) {
    check(weight.rank == 2, op, ": weight must be (rows, columns), got shape ", weight);
    check(indices.rank < Shape::kMaxRank, op, ": indices have too many axes");
    table = weight[0];
    columns = weight[1];
    y.append(columns);
}

void Embedding::check_grad(const Shape& grad_y) const {
    check(grad_y == y, op, ": grad_y has shape ", grad_y, " but the result of embedding has shape ",
          y);
}

void Embedding::check_indices(const int64_t* indices) const {
    bool outside = false;
    for (int64_t i = 0; i < rows; i++) outside |= uint64_t(indices[i]) >= uint64_t(table);
    if (!outside) return;
    int64_t i = 0;
    while (uint64_t(indices[i]) < uint64_t(table)) i++;
    throw ValueError(concat(op, ": indices holds ", indices[i], " at position ", i,
                            " but weight has ", table, " rows"));
}

}  // namespace tatami
