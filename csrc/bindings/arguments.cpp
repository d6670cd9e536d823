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

}  // namespace tatami
