// Errors that users see. The bindings turn ValueError and TypeError into Python's.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace tatami {

struct ValueError : std::runtime_error {
    using std::runtime_error::runtime_error;
};
struct TypeError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
    std::ostringstream text;
    (text << ... << parts);
    return text.str();
}

// Throws a ValueError made of the parts when `ok` is false; the text is built only then.
template <class... Parts>
void check(bool ok, const Parts&... parts) {
    if (!ok) [[unlikely]]
        throw ValueError(concat(parts...));
}

template <class... Parts>
void check_type(bool ok, const Parts&... parts) {
    if (!ok) [[unlikely]]
        throw TypeError(concat(parts...));
}

}  // namespace tatami
