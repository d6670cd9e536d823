// What a kernel needs to know of an array: where it is, its shape, its type. No ownership, no
// strides.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>

namespace tatami {

enum class DType : uint8_t { float32, float64, float16, bfloat16, int64, boolean };
enum class Device : uint8_t { cpu, cuda };

const char* name(DType dtype);
int64_t size_of(DType dtype);  // bytes an element

struct Shape {
    static constexpr int kMaxRank = 64;  // NumPy's

    Shape() : rank(0) {}
    Shape(std::initializer_list<int64_t> sizes) : rank(0) {
        for (int64_t s : sizes) size[rank++] = s;
    }
    Shape(const Shape& other) { *this = other; }
    Shape& operator=(const Shape& other) {  // only what is used: most of `size` is not
        rank = other.rank;
        for (int i = 0; i < rank; i++) size[i] = other.size[i];
        return *this;
    }

    int64_t operator[](int axis) const { return size[axis < 0 ? axis + rank : axis]; }
    int64_t& operator[](int axis) { return size[axis < 0 ? axis + rank : axis]; }
    bool operator==(const Shape& other) const;
    void append(int64_t s) { size[rank++] = s; }
    int64_t elements(int begin = 0, int end = kMaxRank) const;  // product of size[begin:end]
    Shape slice(int begin, int end) const;

    int rank;
    int64_t size[kMaxRank];
};

// An argument with a value for each axis of the image.
struct Pair {
    int64_t vertical, horizontal;
};

// What is added around an image, in numbers or as whatever keeps its size.
struct Padding {
    int64_t top = 0, bottom = 0, left = 0, right = 0;
    bool same = false;
};

// (2, 3), as Python prints it
std::ostream& operator<<(std::ostream& out, const Shape& shape);
std::ostream& operator<<(std::ostream& out, const Pair& pair);
std::ostream& operator<<(std::ostream& out, const Padding& padding);  // ((1, 1), (2, 0))

struct Array {
    void* data;
    Shape shape;
    DType dtype;
    Device device;

    template <class T>
    T* as() const {
        return static_cast<T*>(data);
    }
};

}  // namespace tatami
