// Kernels on small whole numbers, whose results are exact, against plain loops: what a build for
// another processor must get right before anything else. The full suite is in Python.
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "core/kernels.h"
#include "core/recorder.h"

namespace {

using namespace tatami;

// Whole numbers from -3 to 3, the same on every machine.
template <class T>
std::vector<T> numbers(int64_t n) {
    static uint32_t state = 1;
    std::vector<T> x(static_cast<size_t>(n));
    for (T& value : x) {
        state = state * 1664525u + 1013904223u;
        value = T(int(state >> 16) % 7 - 3);
    }
    return x;
}

template <class T>
void test_activation() {
    const auto x = numbers<T>(101), dy = numbers<T>(101);
    std::vector<T> y(x.size()), dx(x.size());
    const auto& k = kernels<T>().activation;
    k.forward(Activation::relu, 101, x.data(), T(0), y.data());
    k.backward(Activation::relu, 101, dy.data(), x.data(), T(0), dx.data());
    for (size_t i = 0; i < x.size(); ++i) {
        CHECK(y[i] == (x[i] > 0 ? x[i] : T(0)));
        CHECK(dx[i] == (x[i] > 0 ? dy[i] : T(0)));
    }
    k.forward(Activation::tanh, 101, x.data(), T(0), y.data());
    for (size_t i = 0; i < x.size(); ++i) CHECK(std::abs(y[i] - std::tanh(x[i])) < 1e-6);
}

template <class T>
void test_matmul(int64_t m, int64_t n, int64_t k) {
    const auto a = numbers<T>(m * k), b = numbers<T>(k * n), bias = numbers<T>(n);
    std::vector<T> y(size_t(m * n));
    const int64_t a_strides[] = {k, 1}, b_strides[] = {n, 1};
    Matmul p("matmul", {m, k}, a_strides, {k, n}, b_strides);
    p.activation = Activation::relu;
    kernels<T>().matmul.matmul(p, a.data(), b.data(), bias.data(), y.data());
    for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
            T sum = bias[j];
            for (int64_t l = 0; l < k; ++l) sum += a[i * k + l] * b[l * n + j];
            CHECK(y[i * n + j] == (sum > 0 ? sum : T(0)));
        }
}

// use(weight index, x index, y index) for every product of a convolution.
template <class Use>
void each_product(const Conv2d& p, Use use) {
    for (int64_t i = 0; i < p.n * p.o * p.oh * p.ow * p.group_c * p.kh * p.kw; ++i) {
        int64_t rest = i;
        const auto digit = [&rest](int64_t size) {
            const int64_t d = rest % size;
            rest /= size;
            return d;
        };
        const int64_t s = digit(p.kw), r = digit(p.kh), c = digit(p.group_c);
        const int64_t q = digit(p.ow), u = digit(p.oh), o = digit(p.o), n = rest;
        const int64_t row = u * p.stride_h + r * p.dilation_h - p.pad_top;
        const int64_t column = q * p.stride_w + s * p.dilation_w - p.pad_left;
        if (row < 0 || row >= p.h || column < 0 || column >= p.w) continue;
        const int64_t channel = o / p.group_o * p.group_c + c;
        use(((o * p.group_c + c) * p.kh + r) * p.kw + s,
            ((n * p.c + channel) * p.h + row) * p.w + column,
            ((n * p.o + o) * p.oh + u) * p.ow + q);
    }
}

template <class T>
void test_conv2d(const Shape& x_shape, const Shape& weight_shape, const ConvWindow& window) {
    const Conv2d p("conv2d", x_shape, weight_shape, window);
    const auto x = numbers<T>(p.x.elements()), weight = numbers<T>(p.weight.elements());
    const auto dy = numbers<T>(p.y.elements());
    std::vector<T> y(dy.size()), dx(x.size()), dweight(weight.size());
    const auto& k = kernels<T>().conv2d;
    k.forward(p, x.data(), weight.data(), nullptr, y.data());
    k.input_grad(p, dy.data(), weight.data(), nullptr, dx.data());
    k.weight_grad(p, dy.data(), x.data(), dweight.data());
    std::vector<T> y0(y.size()), dx0(x.size()), dweight0(weight.size());
    each_product(p, [&](int64_t w, int64_t i, int64_t o) {
        y0[o] += weight[w] * x[i];
        dx0[i] += weight[w] * dy[o];
        dweight0[w] += x[i] * dy[o];
    });
    CHECK(y == y0);
    CHECK(dx == dx0);
    CHECK(dweight == dweight0);
}

template <class T>
void test_convolutions() {
    ConvWindow window;
    test_conv2d<T>({2, 8, 11, 13}, {12, 8, 1, 1}, window);
    window.padding = {1, 1, 1, 1};
    test_conv2d<T>({2, 8, 11, 13}, {12, 8, 3, 3}, window);
    window.stride = {2, 2};
    test_conv2d<T>({2, 3, 17, 15}, {20, 3, 5, 5}, window);
    window.dilation = {2, 1};
    window.groups = 4;
    test_conv2d<T>({2, 8, 11, 13}, {12, 2, 3, 3}, window);
    window.stride = {1, 1};
    window.groups = 8;
    test_conv2d<T>({2, 8, 19, 35}, {8, 1, 3, 3}, window);  // depthwise
}

template <class T>
void test_pool2d() {
    const int64_t h = 12, w = 38;
    const Pool2d p("pool2d", {1, 3, h, w}, {2, 2}, {2, 2}, {0, 0}, {1, 1}, false);
    const auto x = numbers<T>(p.x.elements()), dy = numbers<T>(p.y.elements());
    std::vector<T> greatest(dy.size()), mean(dy.size()), dx(x.size()), dx0(x.size());
    std::vector<int64_t> indices(dy.size());
    const auto& k = kernels<T>().pool2d;
    k.max(p, x.data(), greatest.data(), indices.data());
    k.average(p, x.data(), mean.data());
    CHECK(k.max_backward(p, dy.data(), indices.data(), dx.data()));
    for (int64_t o = 0; o < p.y.elements(); ++o) {
        const int64_t row = o / (w / 2), corner = row * 2 * w + o % (w / 2) * 2;
        int64_t best = corner;
        for (int64_t i : {corner + 1, corner + w, corner + w + 1})
            if (x[i] > x[best]) best = i;
        CHECK(greatest[o] == x[best]);
        CHECK(indices[o] == best % (h * w));
        CHECK(mean[o] == (x[corner] + x[corner + 1] + x[corner + w] + x[corner + w + 1]) / 4);
        dx0[best] += dy[o];
    }
    CHECK(dx == dx0);
}

// Units with relu, whose sums are exact, and an lstm, against the library's exp and tanh.
template <class T>
void test_recurrent() {
    const int64_t t = 3, n = 3, in = 5, h = 19;
    const auto x = numbers<T>(t * n * in), w_ih = numbers<T>(4 * h * in);
    const std::vector<T> w_hh(size_t(4 * h * h), T(0.25));
    std::vector<T> y(size_t(t * n * h)), h_n(size_t(n * h)), c_n(h_n.size());
    RecurrentForward<T> a{};
    a.x = x.data(), a.w_ih = w_ih.data(), a.w_hh = w_hh.data();
    a.y = y.data(), a.h_n = h_n.data(), a.c_n = c_n.data();
    // What enters gate unit j of row r at step s.
    const auto gate = [&](int64_t s, int64_t r, int64_t j) {
        T sum = 0;
        for (int64_t i = 0; i < in; ++i) sum += w_ih[j * in + i] * x[(s * n + r) * in + i];
        for (int64_t i = 0; i < h && s > 0; ++i) sum += y[((s - 1) * n + r) * h + i] / 4;
        return sum;
    };
    kernels<T>().rnn.forward(Recurrent("rnn", RecurrentKind::rnn_relu, {t, n, in}, {h, in}, {h, h}),
                             a);
    for (int64_t i = 0; i < t * n * h; ++i) {
        const T sum = gate(i / (n * h), i / h % n, i % h);
        CHECK(y[i] == (sum > 0 ? sum : T(0)));
    }
    kernels<T>().lstm.forward(
        Recurrent("lstm", RecurrentKind::lstm, {t, n, in}, {4 * h, in}, {4 * h, h}), a);
    std::vector<T> c(h_n.size());
    const auto sigmoid = [](T v) { return 1 / (1 + std::exp(-v)); };
    for (int64_t i = 0; i < t * n * h; ++i) {
        const int64_t s = i / (n * h), r = i / h % n, j = i % h;
        T& cell = c[i % (n * h)];
        cell = sigmoid(gate(s, r, h + j)) * cell +
               sigmoid(gate(s, r, j)) * std::tanh(gate(s, r, 2 * h + j));
        CHECK(std::abs(y[i] - sigmoid(gate(s, r, 3 * h + j)) * std::tanh(cell)) < 1e-5);
    }
}

template <class T>
void test_optimizer() {
    const auto before = numbers<T>(77), grads = numbers<T>(77);
    auto params = before;
    StepSizes sizes;
    sizes.append({77});
    void* const param[] = {params.data()};
    const void* const grad[] = {grads.data()};
    const Steps steps{
        1,  77, sizes.chunks, sizes.size.data(), sizes.first_chunk.data(), param, grad,
        {}, 0,  false};
    kernels<T>().optim.sgd(Sgd(0.5, 0, 0, 0, false, false), steps);
    for (size_t i = 0; i < params.size(); ++i) CHECK(params[i] == before[i] - grads[i] / 2);
}

template <class T>
void test_all() {
    test_activation<T>();
    test_matmul<T>(1, 70, 33);  // the thin path
    test_matmul<T>(5, 3, 2);    // the small one
    test_matmul<T>(67, 129, 300);
    test_convolutions<T>();
    test_pool2d<T>();
    test_recurrent<T>();
    test_optimizer<T>();
}

}  // namespace

int main() {
    std::string names;
    for (const std::string& name : isas()) {
        set_isa(name);
        test_all<float>();
        test_all<double>();
        names += " " + name;
    }
    std::printf("smoke: passed on%s\n", names.c_str());
}
