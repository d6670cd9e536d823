#include "ops/grid_sample.h"

#include "bindings/module.h"

namespace tatami {

// True for the second of the two names.
static bool second_of(const char* op, const char* name, py::handle value, const char* first,
                      const char* second) {
    if (PyUnicode_Check(value.ptr())) {
        const auto text = value.cast<std::string>();
        if (text == first || text == second) return text == second;
    }
    throw ValueError(concat(op, ": ", name, " is ", py::repr(value).cast<std::string>(),
                            "; it must be '", first, "' or '", second, "'"));
}

static GridSample problem(const char* op, const Input& x, const Input& grid, py::handle mode,
                          py::handle padding_mode, bool align_corners) {
    same_kind(op, "x", x, "grid", grid);
    return {op,
            x.shape(),
            grid.shape(),
            second_of(op, "mode", mode, "bilinear", "nearest"),
            second_of(op, "padding_mode", padding_mode, "zeros", "border"),
            align_corners};
}

static py::object grid_sample(py::handle x, py::handle grid, py::handle mode,
                              py::handle padding_mode, bool align_corners) {
    const char* op = "grid_sample";
    const Input in = input(op, "x", x), at = input(op, "grid", grid);
    const GridSample p = problem(op, in, at, mode, padding_mode, align_corners);
    const Output y = output(p.y, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), 8 * p.y.elements(), [&](const Kernels<T>& k) {
            k.grid_sample.forward(p, in.as<T>(), at.as<T>(), y.as<T>());
        });
    });
    return y.owner;
}

static py::tuple grid_sample_grad(py::handle grad_y, py::handle x, py::handle grid, py::handle mode,
                                  py::handle padding_mode, bool align_corners) {
    const char* op = "grid_sample_grad";
    const Input dy = input(op, "grad_y", grad_y), in = input(op, "x", x);
    const Input at = input(op, "grid", grid);
    same_kind(op, "grad_y", dy, "x", in);
    const GridSample p = problem(op, in, at, mode, padding_mode, align_corners);
    p.check_output(op, "grad_y", dy.shape());
    const Output dx = output(p.x, in), dgrid = output(p.grid, in);
    with_type(in.dtype(), [&]<class T>() {
        run<T>(in.device(), 16 * p.y.elements(), [&](const Kernels<T>& k) {
            const auto& sample = k.grid_sample;
            sample.input_grad(p, dy.as<T>(), at.as<T>(), dx.as<T>());
            sample.grid_grad(p, dy.as<T>(), in.as<T>(), at.as<T>(), dgrid.as<T>());
        });
    });
    return py::make_tuple(dx.owner, dgrid.owner);
}

void bind_grid_sample(py::module_& m) {
    m.def("grid_sample", &grid_sample);
    m.def("grid_sample_grad", &grid_sample_grad);
}

}  // namespace tatami
