#include "core/array.h"

namespace tatami {

const char* name(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return "float32";
        case DType::float64:
            return "float64";
        case DType::float16:
            return "float16";
        case DType::bfloat16:
            return "bfloat16";
        case DType::int64:
            return "int64";
        case DType::boolean:
            return "bool";
    }
    return "?";
}

int64_t size_of(DType dtype) {
    switch (dtype) {
        case DType::float32:
            return 4;
        case DType::float16:
        case DType::bfloat16:
            return 2;
        case DType::boolean:
            return 1;
        default:
            return 8;
    }
}

bool Shape::operator==(const Shape& other) const {
    if (rank != other.rank) return false;
    for (int i = 0; i < rank; i++)
        if (size[i] != other.size[i]) return false;
    return true;
}

int64_t Shape::elements(int begin, int end) const {
    int64_t product = 1;
    for (int i = begin; i < (end < rank ? end : rank); i++) product *= size[i];
    return product;
}

Shape Shape::slice(int begin, int end) const {
    Shape part;
    for (int i = begin; i < end; i++) part.append(size[i]);
    return part;
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << "(";
    for (int i = 0; i < shape.rank; i++) out << (i ? ", " : "") << shape.size[i];
    return out << (shape.rank == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Pair& pair) {
    return out << "(" << pair.vertical << ", " << pair.horizontal << ")";
}

std::ostream& operator<<(std::ostream& out, const Padding& padding) {
    if (padding.same) return out << "'same'";
    const Pair rows{padding.top, padding.bottom}, columns{padding.left, padding.right};
    return out << '(' << rows << ", " << columns << ')';
}

}  // namespace tatami
