#include "ops/recurrent.h"

#include <string_view>

#include "bindings/module.h"

namespace tatami {

namespace {

struct Arguments {
    Input x, w_ih, w_hh;
    std::optional<Input> b_ih, b_hh, h0, c0, lengths;
};

// What a forward call hands to its gradient.
struct RecurrentCache {
    std::string_view layer;  // "lstm", "gru" or "rnn"
    Recurrent p;
    Arguments in;
    std::optional<Output> h_states, c_states, kept;
};

// The layers' arguments that are not arrays.
struct Settings {
    bool reverse = false, return_cache = false;
};

template <class T>
T* pointer(const std::optional<Output>& maybe) {
    return maybe ? maybe->as<T>() : nullptr;
}

template <class T>
const RecurrentKernels<T>& layer_kernels(const Kernels<T>& k, RecurrentKind kind) {
    switch (kind) {
        case RecurrentKind::lstm:
            return k.lstm;
        case RecurrentKind::gru:
        case RecurrentKind::gru_reset_before:
            return k.gru;
        default:
            return k.rnn;
    }
}

int64_t work_of(const Recurrent& p) {
    return p.t * p.n * p.columns * (p.i + p.h) / 16;
}

Arguments read_arguments(const char* op, py::handle x, py::handle w_ih, py::handle w_hh,
                         py::handle b_ih, py::handle b_hh, const char* h_name, py::handle h,
                         const char* c_name, py::handle c, py::handle lengths) {
    Arguments in{input(op, "x", x),
                 input(op, "w_ih", w_ih),
                 input(op, "w_hh", w_hh),
                 optional_input(op, "b_ih", b_ih),
                 optional_input(op, "b_hh", b_hh),
                 optional_input(op, h_name, h),
                 optional_input(op, c_name, c),
                 {}};
    if (!lengths.is_none()) {
        in.lengths = index_input(op, "lengths", lengths);
        same_device(op, "x", in.x.device(), "lengths", in.lengths->device());
    }
    same_kind(op, "x", in.x, "w_ih", in.w_ih);
    same_kind(op, "x", in.x, "w_hh", in.w_hh);
    same_kind(op, "x", in.x, "b_ih", in.b_ih);
    same_kind(op, "x", in.x, "b_hh", in.b_hh);
    same_kind(op, "x", in.x, h_name, in.h0);
    same_kind(op, "x", in.x, c_name, in.c0);
    return in;
}

// The host's view of indices, nullptr for those on a GPU.
const int64_t* reach_of(const Input& indices) {
    return indices.device() == Device::cpu ? indices.as<int64_t>() : nullptr;
}

void check_arguments(const char* op, const Recurrent& p, const Arguments& in, const char* h_name,
                     const char* c_name) {
    if (in.b_ih) p.check_bias(op, "b_ih", in.b_ih->shape());
    if (in.b_hh) p.check_bias(op, "b_hh", in.b_hh->shape());
    if (in.h0) p.check_state(op, h_name, in.h0->shape());
    if (in.c0) p.check_state(op, c_name, in.c0->shape());
    if (!in.lengths) return;
    run_on_host([op, p, shape = in.lengths->shape(), at = reach_of(*in.lengths)] {
        p.check_lengths(op, shape, at);
    });
}

template <class T>
RecurrentForward<T> forward_pointers(const Arguments& in) {
    RecurrentForward<T> a{};
    a.x = in.x.as<T>();
    a.w_ih = in.w_ih.as<T>();
    a.w_hh = in.w_hh.as<T>();
    a.b_ih = pointer<T>(in.b_ih);
    a.b_hh = pointer<T>(in.b_hh);
    a.h0 = pointer<T>(in.h0);
    a.c0 = pointer<T>(in.c0);
    a.lengths = pointer<int64_t>(in.lengths);
    return a;
}

// A cell is a sequence of one step.
py::object cell(const char* op, RecurrentKind kind, const Arguments& in) {
    const Recurrent p = Recurrent::cell(op, kind, in.x.shape(), in.w_ih.shape(), in.w_hh.shape());
    check_arguments(op, p, in, "h", "c");
    const bool lstm = kind == RecurrentKind::lstm;
    const Output h = output(p.state(), in.x);
    const std::optional<Output> c = lstm ? std::optional(output(p.state(), in.x)) : std::nullopt;
    with_type(in.x.dtype(), [&]<class T>() {
        RecurrentForward<T> a = forward_pointers<T>(in);
        a.y = a.h_n = h.as<T>();
        a.c_n = pointer<T>(c);
        run<T>(in.x.device(), work_of(p),
               [&](const auto& k) { layer_kernels(k, kind).forward(p, a); });
    });
    return lstm ? py::object(py::make_tuple(h.owner, c->owner)) : h.owner;
}

RecurrentCache make_cache(const char* layer, const Recurrent& p, Arguments in) {
    RecurrentCache cache{layer, p, std::move(in), {}, {}, {}};
    const Input& x = cache.in.x;
    cache.h_states = output({p.t + 1, p.n, p.state_row}, x);
    if (p.kind == RecurrentKind::lstm) cache.c_states = output({p.t + 1, p.n, p.state_row}, x);
    if (p.gates > 1) cache.kept = output({p.t, p.n, p.kept_row}, x);
    return cache;
}

py::tuple sequence(const char* layer, RecurrentKind kind, Arguments in, Settings settings) {
    Recurrent p(layer, kind, in.x.shape(), in.w_ih.shape(), in.w_hh.shape());
    check_arguments(layer, p, in, "h0", "c0");
    p.reverse = settings.reverse;
    const Output y = output(p.y(), in.x), h_n = output(p.state(), in.x);
    std::optional<Output> c_n;
    if (kind == RecurrentKind::lstm) c_n = output(p.state(), in.x);
    RecurrentCache cache{layer, p, std::move(in), {}, {}, {}};
    if (settings.return_cache) cache = make_cache(layer, p, std::move(cache.in));
    with_type(cache.in.x.dtype(), [&]<class T>() {
        RecurrentForward<T> a = forward_pointers<T>(cache.in);
        a.y = y.as<T>();
        a.h_n = h_n.as<T>();
        a.c_n = pointer<T>(c_n);
        a.h_states = pointer<T>(cache.h_states);
        a.c_states = pointer<T>(cache.c_states);
        a.kept = pointer<T>(cache.kept);
        run<T>(cache.in.x.device(), work_of(p),
               [&](const auto& k) { layer_kernels(k, kind).forward(p, a); });
    });
    py::list results;
    results.append(y.owner);
    results.append(h_n.owner);
    if (c_n) results.append(c_n->owner);
    if (settings.return_cache) results.append(py::cast(std::move(cache)));
    return py::tuple(results);
}

const RecurrentCache& cache_argument(const char* op, const char* layer, py::handle value) {
    check_type(py::isinstance<RecurrentCache>(value), op, ": cache must be what ", layer,
               "(..., return_cache=True) returned last, got ", Py_TYPE(value.ptr())->tp_name);
    const auto& cache = value.cast<const RecurrentCache&>();
    check_type(cache.layer == layer, op, ": cache was made by ", cache.layer, ", not by ", layer);
    return cache;
}

py::tuple gradient(const char* op, const char* layer, py::handle grad_y, py::handle grad_h_n,
                   py::handle grad_c_n, py::handle cache_value) {
    const RecurrentCache& cache = cache_argument(op, layer, cache_value);
    const Recurrent& p = cache.p;
    const Arguments& in = cache.in;
    const auto dy = optional_input(op, "grad_y", grad_y);
    const auto dh = optional_input(op, "grad_h_n", grad_h_n);
    const auto dc = optional_input(op, "grad_c_n", grad_c_n);
    same_kind(op, "x", in.x, "grad_y", dy);
    same_kind(op, "x", in.x, "grad_h_n", dh);
    same_kind(op, "x", in.x, "grad_c_n", dc);
    if (dy) p.check_y(op, "grad_y", dy->shape());
    if (dh) p.check_state(op, "grad_h_n", dh->shape());
    if (dc) p.check_state(op, "grad_c_n", dc->shape());

    const auto like = [](const Input& a) { return output(a.shape(), a); };
    const Output dx = like(in.x), dw_ih = like(in.w_ih), dw_hh = like(in.w_hh),
                 dh0 = output(p.state(), in.x);
    std::optional<Output> db_ih, db_hh, dc0;
    if (in.b_ih) db_ih = like(*in.b_ih);
    if (in.b_hh) db_hh = like(*in.b_hh);
    if (p.kind == RecurrentKind::lstm) dc0 = output(p.state(), in.x);
    with_type(in.x.dtype(), [&]<class T>() {
        const RecurrentBackward<T> a{
            .grad_y = pointer<T>(dy),
            .grad_h_n = pointer<T>(dh),
            .grad_c_n = pointer<T>(dc),
            .x = in.x.as<T>(),
            .w_ih = in.w_ih.as<T>(),
            .w_hh = in.w_hh.as<T>(),
            .lengths = pointer<int64_t>(in.lengths),
            .h_states = pointer<T>(cache.h_states),
            .c_states = pointer<T>(cache.c_states),
            .kept = pointer<T>(cache.kept),
            .grad_x = dx.as<T>(),
            .grad_w_ih = dw_ih.as<T>(),
            .grad_w_hh = dw_hh.as<T>(),
            .grad_b_ih = pointer<T>(db_ih),
            .grad_b_hh = pointer<T>(db_hh),
            .grad_h0 = dh0.as<T>(),
            .grad_c0 = pointer<T>(dc0),
        };
        run<T>(in.x.device(), 2 * work_of(p),
               [&](const auto& k) { layer_kernels(k, p.kind).backward(p, a); });
    });
    const auto or_none = [](const std::optional<Output>& a) -> py::object {
        return a ? a->owner : py::none();
    };
    const py::tuple grads = py::make_tuple(dx.owner, dw_ih.owner, dw_hh.owner, or_none(db_ih),
                                           or_none(db_hh), dh0.owner);
    return dc0 ? py::tuple(grads + py::make_tuple(dc0->owner)) : grads;
}

RecurrentKind rnn_kind(const char* op, py::handle activation) {
    if (PyUnicode_Check(activation.ptr())) {
        const auto name = activation.cast<std::string_view>();
        if (name == "tanh") return RecurrentKind::rnn_tanh;
        if (name == "relu") return RecurrentKind::rnn_relu;
    }
    throw ValueError(concat(op, ": activation is ", py::repr(activation).cast<std::string>(),
                            "; it must be 'tanh' or 'relu'"));
}

using H = py::handle;

void bind_cells(py::module_& m) {
    m.def("lstm_cell", [](H x, H h, H c, H w_ih, H w_hh, H b_ih, H b_hh) {
        const char* op = "lstm_cell";
        return cell(op, RecurrentKind::lstm,
                    read_arguments(op, x, w_ih, w_hh, b_ih, b_hh, "h", h, "c", c, Py_None));
    });
    m.def("gru_cell", [](H x, H h, H w_ih, H w_hh, H b_ih, H b_hh) {
        const char* op = "gru_cell";
        return cell(op, RecurrentKind::gru,
                    read_arguments(op, x, w_ih, w_hh, b_ih, b_hh, "h", h, "c", Py_None, Py_None));
    });
    m.def("rnn_cell", [](H x, H h, H w_ih, H w_hh, H b_ih, H b_hh, H activation) {
        const char* op = "rnn_cell";
        return cell(op, rnn_kind(op, activation),
                    read_arguments(op, x, w_ih, w_hh, b_ih, b_hh, "h", h, "c", Py_None, Py_None));
    });
}

void bind_sequences(py::module_& m) {
    m.def("lstm", [](H x, H w_ih, H w_hh, H b_ih, H b_hh, H h0, H c0, H lengths, bool reverse,
                     bool return_cache) {
        return sequence(
            "lstm", RecurrentKind::lstm,
            read_arguments("lstm", x, w_ih, w_hh, b_ih, b_hh, "h0", h0, "c0", c0, lengths),
            {reverse, return_cache});
    });
    m.def("gru", [](H x, H w_ih, H w_hh, H b_ih, H b_hh, H h0, H lengths, bool reverse,
                    bool reset_after, bool return_cache) {
        return sequence(
            "gru", reset_after ? RecurrentKind::gru : RecurrentKind::gru_reset_before,
            read_arguments("gru", x, w_ih, w_hh, b_ih, b_hh, "h0", h0, "c0", Py_None, lengths),
            {reverse, return_cache});
    });
    m.def("rnn", [](H x, H w_ih, H w_hh, H b_ih, H b_hh, H h0, H lengths, bool reverse,
                    H activation, bool return_cache) {
        return sequence(
            "rnn", rnn_kind("rnn", activation),
            read_arguments("rnn", x, w_ih, w_hh, b_ih, b_hh, "h0", h0, "c0", Py_None, lengths),
            {reverse, return_cache});
    });
}

void bind_gradients(py::module_& m) {
    m.def("lstm_grad", [](H grad_y, H grad_h_n, H grad_c_n, H cache) {
        return gradient("lstm_grad", "lstm", grad_y, grad_h_n, grad_c_n, cache);
    });
    m.def("gru_grad", [](H grad_y, H grad_h_n, H cache) {
        return gradient("gru_grad", "gru", grad_y, grad_h_n, Py_None, cache);
    });
    m.def("rnn_grad", [](H grad_y, H grad_h_n, H cache) {
        return gradient("rnn_grad", "rnn", grad_y, grad_h_n, Py_None, cache);
    });
}

}  // namespace

void bind_recurrent(py::module_& m) {
    py::class_<RecurrentCache>(m, "RecurrentCache");
    bind_cells(m);
    bind_sequences(m);
    bind_gradients(m);
}

}  // namespace tatami
