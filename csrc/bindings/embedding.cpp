#include "ops/embedding.h"

#include "bindings/module.h"

namespace tatami {

static py::object embedding(py::handle indices, py::handle weight) {
    const Input at = index_input("embedding", "indices", indices);
    const Input table = input("embedding", "weight", weight);
    const Embedding p("embedding", at.shape(), table.shape());
    p.check_indices(at.as<int64_t>());
    const Output y = output(p.y, table.dtype());
    with_type(table.dtype(), [&]<class T>() {
        run(p.rows * p.columns,
            [&] { kernels<T>().embedding.forward(p, at.as<int64_t>(), table.as<T>(), y.as<T>()); });
    });
    return y.owner;
}

static py::object embedding_grad(py::handle grad_y, py::handle indices, py::handle weight_shape) {
    const char* const op = "embedding_grad";
    const Input dy = input(op, "grad_y", grad_y), at = index_input(op, "indices", indices);
    const Shape shape = shape_argument(op, "weight_shape", weight_shape);
    const Embedding p(op, at.shape(), shape);
    p.check_grad(dy.shape());
    p.check_indices(at.as<int64_t>());
    const Output dw = output(shape, dy.dtype());
    with_type(dy.dtype(), [&]<class T>() {
        run((p.rows + p.table) * p.columns,
            [&] { kernels<T>().embedding.backward(p, dy.as<T>(), at.as<int64_t>(), dw.as<T>()); });
    });
    return dw.owner;
}

void bind_embedding(py::module_& m) {
    m.def("embedding", &embedding);
    m.def("embedding_grad", &embedding_grad);
}

}  // namespace tatami
