#include "bindings/cupy.h"

#include <pybind11/gil_safe_call_once.h>

#include <atomic>
#include <utility>
#include <vector>

#include "core/check.h"
#include "core/cuda_library.h"

namespace tatami::cupy {

namespace {

// What is used of CuPy, looked up once.
struct Module {
    py::object ndarray, empty, asarray, from_dlpack, alloc, current_stream, device;
    bool several_devices;
    bool quick_contiguous;  // an attribute of its own: flags costs 0.4 us
};

py::object import_cupy() {
    try {
        return py::module_::import("cupy");
    } catch (py::error_already_set& e) {
        if (!e.matches(PyExc_ImportError)) throw;
        throw std::runtime_error(
            "CUDA: memory and streams are CuPy's, which cannot be imported (pip install "
            "tatami[cuda]): " +
            std::string(py::str(e.value())));
    }
}

Module open_module() {
    cuda_library();
    const py::object cupy = import_cupy(), cuda = cupy.attr("cuda");
    const py::object runtime = cuda.attr("runtime");
    return {cupy.attr("ndarray"),
            cupy.attr("empty"),
            cupy.attr("asarray"),
            cupy.attr("from_dlpack"),
            cuda.attr("alloc"),
            cuda.attr("get_current_stream"),
            runtime.attr("getDevice"),
            runtime.attr("getDeviceCount")().cast<int>() > 1,
            py::hasattr(cupy.attr("ndarray"), "_c_contiguous")};
}

std::atomic<PyTypeObject*> own_type = nullptr;  // CuPy's, once it was looked up

const Module& module() {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<Module> storage;
    const Module& found = storage.call_once_and_store_result(open_module).get_stored();
    own_type = reinterpret_cast<PyTypeObject*>(found.ndarray.ptr());
    return found;
}

// Quick: the attributes that tell arrays of other libraries cost more than a call may.
bool is_own(py::handle value) {
    PyTypeObject* const type = own_type;
    return type && PyObject_TypeCheck(value.ptr(), type);
}

// Attribute by a name that is made once.
class Name {
  public:
    explicit Name(const char* text) : text_(PyUnicode_InternFromString(text)) {}
    py::object of(py::handle object) const {
        PyObject* found = PyObject_GetAttr(object.ptr(), text_);
        if (!found) throw py::error_already_set();
        return py::reinterpret_steal<py::object>(found);
    }
    bool on(py::handle object) const { return PyObject_HasAttr(object.ptr(), text_); }

  private:
    PyObject* text_;
};

int64_t integer(const py::object& value) {
    const int64_t number = PyLong_AsLongLong(value.ptr());
    if (number == -1 && PyErr_Occurred()) throw py::error_already_set();
    return number;
}

void* address(const py::object& pointer) {
    static const Name ptr("ptr");
    return reinterpret_cast<void*>(integer(ptr.of(pointer)));
}

Shape integers(const py::object& tuple) {
    Shape shape;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple.ptr()); i++)
        shape.append(PyLong_AsLongLong(PyTuple_GET_ITEM(tuple.ptr(), i)));
    return shape;
}

// DLPack's numbers for memory that a GPU reaches at its own address.
bool dlpack_on_gpu(py::handle value) {
    constexpr int kCuda = 2, kCudaManaged = 13;
    static const Name dlpack_device("__dlpack_device__");
    if (!dlpack_device.on(value)) return false;
    const auto device = py::reinterpret_borrow<py::tuple>(dlpack_device.of(value)());
    const int kind = py::int_(device[0]).cast<int>();
    return kind == kCuda || kind == kCudaManaged;
}

// ---- Workspace, for the kernels: the pool's memory, held by its Python object.

thread_local std::vector<std::pair<void*, py::object>> workspaces;

void* allocate(size_t bytes) {
    py::object memory = module().alloc(bytes);
    void* const start = address(memory);
    workspaces.emplace_back(start, std::move(memory));
    return start;
}

// The pool gives it to later work on the same stream only.
void release(void* start) {
    for (auto at = workspaces.end(); at != workspaces.begin();)
        if ((--at)->first == start) {
            workspaces.erase(at);
            return;
        }
}

}  // namespace

void* current_stream() {
    return address(module().current_stream());
}

bool holds(py::handle value) {
    if (is_own(value)) return true;
    static const Name interface("__cuda_array_interface__");
    return interface.on(value) || dlpack_on_gpu(value);
}

py::object array(const char* op, const char* name, py::handle value) {
    const Module& cupy = module();
    static const Name memory("data"), device_id("device_id");
    py::object found = is_own(value)          ? py::reinterpret_borrow<py::object>(value)
                       : dlpack_on_gpu(value) ? cupy.from_dlpack(value)
                                              : cupy.asarray(value);
    if (cupy.several_devices) {
        const int64_t at = integer(device_id.of(memory.of(found))),
                      current = integer(cupy.device());
        if (at != current)
            throw std::runtime_error(concat(op, ": ", name, " is on GPU ", at,
                                            " but the current device is ", current,
                                            " (with cupy.cuda.Device(", at, "): ...)"));
    }
    return found;
}

void* data(py::handle array) {
    static const Name memory("data");
    return address(memory.of(array));
}

void* block(py::handle array) {
    static const Name memory("data"), whole("mem");
    return address(whole.of(memory.of(array)));
}

Shape shape(py::handle array) {
    static const Name sizes("shape");
    return integers(sizes.of(array));
}

Shape strides(py::handle array) {
    static const Name steps("strides");
    return integers(steps.of(array));
}

py::object dtype(py::handle array) {
    static const Name type("dtype");
    return type.of(array);
}

bool c_contiguous(py::handle array) {
    static const Name flags("flags"), contiguous("c_contiguous"), quick("_c_contiguous");
    if (module().quick_contiguous) return quick.of(array).ptr() == Py_True;
    return contiguous.of(flags.of(array)).ptr() == Py_True;
}

py::object contiguous(py::handle array, py::handle dtype) {
    return module().asarray(array, dtype, "C");
}

py::object empty(const Shape& shape, py::handle dtype) {
    py::tuple sizes(shape.rank);
    for (int i = 0; i < shape.rank; i++) sizes[size_t(i)] = py::int_(shape.size[i]);
    return module().empty(sizes, dtype);
}

Call::Call() : context_(*cuda_library().context()), before_(context_) {
    context_ = {current_stream(), &allocate, &release};
}

Call::~Call() {
    context_ = before_;
}

}  // namespace tatami::cupy
