#include "ops/embedding.h"

#include "bindings/module.h"

namespace tatami {

// A GPU checks none.
static void check_on_host(const Embedding& p, const Input& indices) {
    if (indices.device() == Device::cuda) return;
    run_on_host([p, at = indices.as<int64_t>()] { p.check_indices(at); });
}

static py::object embedding(py::handle indices, py::handle weight) {
    const Input at = index_input("embedding", "indices", indices);
    const Input table = input("embedding", "weight", weight);
    same_device("embedding", "weight", table.device(), "indices", at.device());
    const Embedding p("embedding", at.shape(), table.shape());
    check_on_host(p, at);
    const Output y = output(p.y, table);
    with_type(table.dtype(), [&]<class T>() {
        run<T>(table.device(), p.rows * p.columns, [&](const Kernels<T>& k) {
            k.embedding.forward(p, at.as<int64_t>(), table.as<T>(), y.as<T>());
        });
    });
    return y.owner;
}

static py::object embedding_grad(py::handle grad_y, py::handle indices, py::handle weight_shape) {
    const char* const op = "embedding_grad";
    const Input dy = input(op, "grad_y", grad_y), at = index_input(op, "indices", indices);
    same_device(op, "grad_y", dy.device(), "indices", at.device());
    const Shape shape = shape_argument(op, "weight_shape", weight_shape);
    const Embedding p(op, at.shape(), shape);
    p.check_grad(dy.shape());
    check_on_host(p, at);
    const Output dw = output(shape, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), (p.rows + p.table) * p.columns, [&](const Kernels<T>& k) {
            k.embedding.backward(p, dy.as<T>(), at.as<int64_t>(), dw.as<T>());
        });
    });
    return dw.owner;
}

void bind_embedding(py::module_& m) {
    m.def("embedding", &embedding);
    m.def("embedding_grad", &embedding_grad);
}

}  // namespace tatami
