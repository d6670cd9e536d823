#include "ops/reparameterize.h"

#include "bindings/arguments.h"
#include "bindings/module.h"

namespace tatami {

// Of two arrays of one shape and dtype: y (its shape) by a kernel with `seed`.
template <class Choose>
static py::object drawn(const char* op, const char* name, py::handle x, py::handle log_variance,
                        py::handle seed, const Choose& kernel) {
    const uint64_t key = seed_argument(op, seed);
    const Input in = input(op, name, x), spread = input(op, "log_variance", log_variance);
    same_kind(op, name, in, "log_variance", spread);
    check(in.shape() == spread.shape(), op, ": ", name, " has shape ", in.shape(),
          " but log_variance has shape ", spread.shape(), "; they must be equal");
    const Output y = output(in.shape(), in);
    const int64_t n = in.shape().elements();
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), 4 * n, [&](const Kernels<T>& k) {
            kernel(k.reparameterize)(key, n, in.as<T>(), spread.as<T>(), y.as<T>());
        });
    });
    return y.owner;
}

void bind_reparameterize(py::module_& m) {
    using H = py::handle;
    m.def("reparameterize", [](H mean, H log_variance, H seed) {
        return drawn("reparameterize", "mean", mean, log_variance, seed,
                     [](const auto& kernels) { return kernels.forward; });
    });
    m.def("reparameterize_grad", [](H grad_z, H log_variance, H seed) {
        return drawn("reparameterize_grad", "grad_z", grad_z, log_variance, seed,
                     [](const auto& kernels) { return kernels.backward; });
    });
}

}  // namespace tatami
