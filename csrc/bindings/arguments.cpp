#include "bindings/arguments.h"

#include <string_view>

namespace tatami {

Activation activation_argument(const char* op, py::handle value) {
    if (value.is_none()) return Activation::none;
    static constexpr std::pair<std::string_view, Activation> known[] = {
        {"relu", Activation::relu},       {"leaky_relu", Activation::leaky_relu},
        {"sigmoid", Activation::sigmoid}, {"tanh", Activation::tanh},
        {"gelu", Activation::gelu},       {"silu", Activation::silu}};
    if (PyUnicode_Check(value.ptr())) {
        const auto wanted = value.cast<std::string_view>();
        for (const auto& [name, kind] : known)
            if (wanted == name) return kind;
    }
    throw ValueError(concat(op, ": activation is ", py::repr(value).cast<std::string>(),
                            "; it must be None, 'relu', 'leaky_relu', 'sigmoid', 'tanh', 'gelu' or "
                            "'silu'"));
}

namespace {

[[noreturn]] void not_a_pair(const char* op, const char* name, py::handle value, int rank) {
    throw TypeError(concat(op, ": ", name, " is ", py::repr(value).cast<std::string>(),
                           "; it must be an int or a tuple of ", rank,
                           rank == 1 ? " int" : " ints (vertical, horizontal)"));
}

// Reads a Python or NumPy integer; false for anything else, bools among them.
bool read_integer(const char* op, const char* name, py::handle value, int64_t& number) {
    if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr())) return false;
    number = PyNumber_AsSsize_t(value.ptr(), PyExc_OverflowError);
    if (number != -1 || !PyErr_Occurred()) return true;
    const bool too_large = PyErr_ExceptionMatches(PyExc_OverflowError);
    PyErr_Clear();
    if (too_large)
        throw ValueError(
            concat(op, ": ", name, " is too large: ", py::repr(value).cast<std::string>()));
    return false;  // arrays and NumPy's bool have __index__, but it refuses
}

}  // namespace

Pair pair_argument(const char* op, const char* name, py::handle value, int rank) {
    int64_t number[2];
    if (read_integer(op, name, value, number[0])) return {number[0], number[0]};
    const bool text = PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr());
    const Py_ssize_t length = text ? -1 : PySequence_Size(value.ptr());
    PyErr_Clear();  // what has no length is no sequence
    if (length < 0) not_a_pair(op, name, value, rank);
    if (length != rank)
        throw ValueError(concat(op, ": ", name, " is ", py::repr(value).cast<std::string>(),
                                "; it must be an int or hold ", rank,
                                rank == 1 ? " int" : " ints (vertical, horizontal)"));
    for (int i = 0; i < rank; i++) {
        const auto item = py::reinterpret_steal<py::object>(PySequence_GetItem(value.ptr(), i));
        PyErr_Clear();
        if (!item || !read_integer(op, name, item, number[i])) not_a_pair(op, name, value, rank);
    }
    return {number[0], number[rank - 1]};
}

Padding padding_argument(const char* op, py::handle value, int rank) {
    if (PyUnicode_Check(value.ptr())) {
        const auto text = value.cast<std::string>();
        check(text == "same" || text == "valid", op, ": padding is '", text,
              "'; it must be numbers, 'same' or 'valid'");
        Padding padding;
        padding.same = text == "same";
        return padding;
    }
    const bool nested = PyTuple_Check(value.ptr()) || PyList_Check(value.ptr());
    const auto items =
        nested ? py::reinterpret_borrow<py::sequence>(value) : py::sequence(py::tuple());
    if (items.empty() || PyIndex_Check(py::object(items[0]).ptr())) {
        const Pair p = pair_argument(op, "padding", value, rank);
        const int64_t vertical = rank == 2 ? p.vertical : 0;
        return {vertical, vertical, p.horizontal, p.horizontal};
    }
    if (int(items.size()) != rank) not_a_pair(op, "padding", value, rank);
    const Pair last = pair_argument(op, "padding", py::object(items[rank - 1]), 2);
    const Pair first =
        rank == 2 ? pair_argument(op, "padding", py::object(items[0]), 2) : Pair{0, 0};
    return {first.vertical, first.horizontal, last.vertical, last.horizontal};
}

uint64_t seed_argument(const char* op, py::handle value) {
    check_type(PyIndex_Check(value.ptr()), op, ": seed must be an int, got ",
               Py_TYPE(value.ptr())->tp_name);
    const uint64_t seed = PyLong_AsUnsignedLongLongMask(value.ptr());
    if (PyErr_Occurred()) throw py::error_already_set();
    return seed;
}

}  // namespace tatami
