#include "bindings/module.h"

#include <pybind11/stl.h>

#include "core/cuda_library.h"
#include "core/memory_pool.h"
#include "core/thread_pool.h"

namespace tatami {

static void bind_runtime(py::module_& m) {
    m.def("isa", &isa);
    m.def("isas", &isas);
    m.def("set_isa", &set_isa);
    m.def("cuda_problem", [] {  // why arrays on a GPU are refused, "" where they are not
        try {
            cuda_library();
        } catch (const std::runtime_error& e) {
            return std::string(e.what());
        }
        return std::string();
    });
    m.def("num_threads", &num_threads);
    m.def("set_num_threads", &set_num_threads);
    m.def("exchange_thread_override", &exchange_thread_override);
    m.def("memory_stats", [] {
        const memory::Stats s = memory::stats();
        py::dict d;
        d["in_use"] = s.in_use;
        d["cached"] = s.cached;
        d["peak"] = s.peak;
        d["limit"] = s.limit;
        d["hits"] = s.hits;
        d["misses"] = s.misses;
        return d;
    });
    m.def("memory_release", &memory::release);
    m.def("memory_set_limit", &memory::set_limit);
}

PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
    import_numpy();
    py::register_exception_translator([](std::exception_ptr p) {
        try {
            if (p) std::rethrow_exception(p);
        } catch (const ValueError& e) {
            PyErr_SetString(PyExc_ValueError, e.what());
        } catch (const TypeError& e) {
            PyErr_SetString(PyExc_TypeError, e.what());
        }
    });
    isa();  // a wrong TATAMI_ISA is an error of the import
    bind_runtime(m);
    bind_activation(m);
    bind_adaptive_pool2d(m);
    bind_capture(m);
    bind_conv2d(m);
    bind_cross_entropy(m);
    bind_dropout(m);
    bind_embedding(m);
    bind_grid_sample(m);
    bind_loss(m);
    bind_matmul(m);
    bind_norm(m);
    bind_optim(m);
    bind_pool2d(m);
    bind_pooled_conv2d(m);
    bind_prelu(m);
    bind_probe(m);
    bind_recurrent(m);
    bind_reparameterize(m);
    bind_softmax(m);
    bind_tape(m);
    bind_upsample2d(m);
}

}  // namespace tatami
