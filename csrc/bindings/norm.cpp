#include "ops/norm.h"

#include "bindings/arguments.h"
#include "bindings/module.h"

namespace tatami {

namespace {

// What backward needs of one forward call; opaque in Python. The forward call makes it in any case.
struct NormCache {
    Norm p;
    Input x;
    std::optional<Input> weight, bias;
    Output statistics;  // mean (groups), var (groups)

    double* mean() const { return statistics.as<double>(); }
    double* var() const { return mean() + p.groups; }
};

// Running statistics of each channel, or nothing.
struct Running {
    Running(const Norm& p, const Input& x, py::handle mean_array, py::handle var_array,
            bool update) {
        check(mean_array.is_none() == var_array.is_none(), p.op,
              ": give both running_mean and running_var, or neither");
        check(update || !mean_array.is_none(), p.op,
              ": running_mean and running_var are None; without statistics of x they are needed");
        if (mean_array.is_none()) return;
        mean = read(p, x, "running_mean", mean_array, update);
        var = read(p, x, "running_var", var_array, update);
    }

    static std::optional<Input> read(const Norm& p, const Input& x, const char* name,
                                     py::handle value, bool update) {
        Input in;
        if (update) {
            const Output out = in_out(p.op, name, value);
            in = {out.owner, out.array};
        } else {
            in = input(p.op, name, value);
        }
        same_kind(p.op, "x", x, name, in);
        p.check_parameter(name, in.shape());
        return in;
    }

    std::optional<Input> mean, var;
};

py::object forward(const Norm& p, Input x, py::handle weight, py::handle bias, bool return_cache,
                   const Running* running = nullptr, double momentum = 0,
                   const std::optional<Input>& residual = {}) {
    const auto w = optional_input(p.op, "weight", weight), b = optional_input(p.op, "bias", bias);
    same_kind(p.op, "x", x, "weight", w);
    same_kind(p.op, "x", x, "bias", b);
    if (w) p.check_parameter("weight", w->shape());
    if (b) p.check_parameter("bias", b->shape());
    NormCache cache{p, std::move(x), w, b, {}};
    if (residual) cache.p.activation = Activation::none;  // its gradient comes before ours
    cache.statistics = output({2, p.groups}, DType::float64, cache.x.device());
    const Output y = output(p.x, cache.x);
    with_type(cache.x.dtype(), [&]<class T>() {
        run<T>(cache.x.device(), p.runs * p.length, [&](const Kernels<T>& k) {
            if (p.fixed)
                k.norm.read_running(p, running->mean->as<T>(), running->var->as<T>(), cache.mean(),
                                    cache.var());
            k.norm.forward(p, cache.x.as<T>(), pointer<T>(w), pointer<T>(b), pointer<T>(residual),
                           cache.mean(), cache.var(), y.as<T>());
            if (running && running->mean && !p.fixed && p.count > 0 && p.groups > 0)
                k.norm.update_running(p, momentum, cache.mean(), cache.var(),
                                      running->mean->array.as<T>(), running->var->array.as<T>());
        });
    });
    if (!return_cache) return y.owner;
    return py::make_tuple(y.owner, py::cast(std::move(cache)));
}

py::object batch_norm(py::handle x, py::handle mean, py::handle var, py::handle weight,
                      py::handle bias, bool training, double momentum, double eps,
                      py::handle residual, py::handle activation, double negative_slope,
                      bool return_cache) {
    Input in = input("batch_norm", "x", x);
    Norm p = Norm::batch("batch_norm", in.shape(), !training, eps);
    p.activate(activation_argument("batch_norm", activation), negative_slope);
    const auto added = optional_input("batch_norm", "residual", residual);
    same_kind("batch_norm", "x", in, "residual", added);
    check(!added || added->shape() == p.x, "batch_norm: residual has shape ",
          added ? added->shape() : Shape{}, " but x has shape ", p.x);
    const Running running(p, in, mean, var, training);
    return forward(p, std::move(in), weight, bias, return_cache, &running, momentum, added);
}

py::object instance_norm(py::handle x, py::handle mean, py::handle var, py::handle weight,
                         py::handle bias, bool use_input_stats, double momentum, double eps,
                         bool return_cache) {
    Input in = input("instance_norm", "x", x);
    const Norm p = use_input_stats ? Norm::instance(in.shape(), eps)
                                   : Norm::batch("instance_norm", in.shape(), true, eps);
    const Running running(p, in, mean, var, use_input_stats);
    return forward(p, std::move(in), weight, bias, return_cache, &running, momentum);
}

py::object group_norm(py::handle x, int64_t num_groups, py::handle weight, py::handle bias,
                      double eps, bool return_cache) {
    Input in = input("group_norm", "x", x);
    const Norm p = Norm::group(in.shape(), num_groups, eps);
    return forward(p, std::move(in), weight, bias, return_cache);
}

py::object layer_like(const char* op, bool centred, py::handle x, py::handle normalized_shape,
                      py::handle weight, py::handle bias, double eps, bool return_cache) {
    Input in = input(op, "x", x);
    const Shape normalized = PyLong_Check(normalized_shape.ptr())
                                 ? Shape{normalized_shape.cast<int64_t>()}
                                 : shape_argument(op, "normalized_shape", normalized_shape);
    const Norm p = Norm::layer(op, in.shape(), normalized, centred, eps);
    return forward(p, std::move(in), weight, bias, return_cache);
}

// name: op + "_grad"
py::object backward(const char* op, const char* name, py::handle grad_y, py::handle cache_object) {
    const bool ours = py::isinstance<NormCache>(cache_object);
    const NormCache* cache = ours ? cache_object.cast<const NormCache*>() : nullptr;
    check_type(ours && cache->p.op == std::string_view(op), name, ": cache must be made by ", op,
               "(..., return_cache=True), got ",
               ours ? concat("one of ", cache->p.op) : Py_TYPE(cache_object.ptr())->tp_name);
    const Norm& p = cache->p;
    const Input dy = input(name, "grad_y", grad_y);
    same_kind(name, "grad_y", dy, "x", cache->x);
    check(dy.shape() == p.x, name, ": grad_y has shape ", dy.shape(), " but x has shape ", p.x);
    const Output dx = output(p.x, dy);
    Output dw, db;
    if (cache->weight) dw = output(p.parameter, dy);
    if (cache->bias) db = output(p.parameter, dy);
    with_type(dy.dtype(), [&]<class T>() {
        run<T>(dy.device(), p.runs * p.length, [&](const Kernels<T>& k) {
            k.norm.backward(p, dy.as<T>(), cache->x.as<T>(), pointer<T>(cache->weight),
                            pointer<T>(cache->bias), cache->mean(), cache->var(), dx.as<T>(),
                            dw.owner ? dw.as<T>() : nullptr, db.owner ? db.as<T>() : nullptr);
        });
    });
    const auto or_none = [](const Output& out) { return out.owner ? out.owner : py::none(); };
    return py::make_tuple(dx.owner, or_none(dw), or_none(db));
}

}  // namespace

void bind_norm(py::module_& m) {
    py::class_<NormCache>(m, "NormCache");
    m.def("batch_norm", &batch_norm);
    m.def("instance_norm", &instance_norm);
    m.def("group_norm", &group_norm);
    m.def("layer_norm", [](py::handle x, py::handle shape, py::handle weight, py::handle bias,
                           double eps, bool return_cache) {
        return layer_like("layer_norm", true, x, shape, weight, bias, eps, return_cache);
    });
    m.def("rms_norm",
          [](py::handle x, py::handle shape, py::handle weight, double eps, bool return_cache) {
              return layer_like("rms_norm", false, x, shape, weight, py::none(), eps, return_cache);
          });
    const auto gradient = [&m](const char* op, const char* name) {
        m.def(name, [op, name](py::handle grad_y, py::handle cache) {
            return backward(op, name, grad_y, cache);
        });
    };
    gradient("batch_norm", "batch_norm_grad");
    gradient("instance_norm", "instance_norm_grad");
    gradient("group_norm", "group_norm_grad");
    gradient("layer_norm", "layer_norm_grad");
    gradient("rms_norm", "rms_norm_grad");
}

}  // namespace tatami
