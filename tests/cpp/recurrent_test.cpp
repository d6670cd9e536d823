// The two ways through the steps of a recurrent layer on CUDA: the kernel that stays gives the same
// bits however it is cut and scheduled, and what a product and the work a step give, but for the
// order of sums.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"
#include "core/recorder.h"
#include "cuda/persistent.cuh"
#include "cuda/table.h"

using namespace tatami;
using namespace tatami::cuda;

namespace {

// Numbers in (-1, 1), the same in every run.
template <class T>
std::vector<T> numbers(int64_t count) {
    static uint32_t state = 1;
    std::vector<T> made(static_cast<size_t>(count));
    for (T& x : made) {
        state = state * 1664525u + 1013904223u;
        x = T(Real<T>(double(state >> 8) / (1 << 23) - 1));
    }
    return made;
}

template <class T>
RecurrentKernels<T> kernels_of(RecurrentKind kind) {
    if (kind == RecurrentKind::lstm) return lstm_kernels<T>();
    const bool gru = kind == RecurrentKind::gru || kind == RecurrentKind::gru_reset_before;
    return gru ? gru_kernels<T>() : rnn_kernels<T>();
}

// A layer with its arrays; run() gives all outputs and all gradients.
template <class T>
struct Layer {
    Recurrent p;
    std::vector<T> x, w_ih, w_hh, b_ih, b_hh, h0, c0, grad_y, grad_h, grad_c;
    std::vector<int64_t> lengths;

    Layer(RecurrentKind kind, int64_t t, int64_t n, int64_t i, int64_t h, bool reverse)
        : p("test", kind, {t, n, i}, {gates(kind) * h, i}, {gates(kind) * h, h}) {
        p.reverse = reverse;
        x = numbers<T>(t * n * i);
        w_ih = numbers<T>(p.columns * i), w_hh = numbers<T>(p.columns * h);
        for (T& w : w_hh) w = w / Real<T>(std::sqrt(double(h)));
        b_ih = numbers<T>(p.columns), b_hh = numbers<T>(p.columns);
        h0 = numbers<T>(n * h), c0 = numbers<T>(n * h);
        grad_y = numbers<T>(t * n * h), grad_h = numbers<T>(n * h), grad_c = numbers<T>(n * h);
        for (int64_t row = 0; row < n; row++) lengths.push_back((t + row) % (t + 1));
    }
    static int64_t gates(RecurrentKind kind) {
        const bool gru = kind == RecurrentKind::gru || kind == RecurrentKind::gru_reset_before;
        return kind == RecurrentKind::lstm ? 4 : gru ? 3 : 1;
    }

    std::vector<std::vector<T>> run() const {
        const auto size = [](int64_t count) { return std::vector<T>(size_t(count)); };
        const int64_t states = (p.t + 1) * p.n * p.state_row, one = p.n * p.h;
        auto h = size(states), c = size(states), kept = size(p.t * p.n * p.kept_row);
        std::vector<std::vector<T>> out{size(p.t * one),
                                        size(one),
                                        size(one),
                                        size(p.t * p.n * p.i),
                                        size(p.columns * p.i),
                                        size(p.columns * p.h),
                                        size(p.columns),
                                        size(p.columns),
                                        size(one),
                                        size(one)};
        const auto kernels = kernels_of<T>(p.kind);
        const bool has_c = p.kind == RecurrentKind::lstm;
        kernels.forward(p, {x.data(), w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data(), h0.data(),
                            c0.data(), lengths.data(), out[0].data(), out[1].data(), out[2].data(),
                            h.data(), has_c ? c.data() : nullptr, kept.data()});
        kernels.backward(
            p, {grad_y.data(), grad_h.data(), grad_c.data(), x.data(), w_ih.data(), w_hh.data(),
                lengths.data(), h.data(), has_c ? c.data() : nullptr, kept.data(), out[3].data(),
                out[4].data(), out[5].data(), out[6].data(), out[7].data(), out[8].data(),
                has_c ? out[9].data() : nullptr});
        return out;
    }
    // The same outputs without what the gradient needs.
    void predict_equals(const std::vector<std::vector<T>>& wanted) const {
        std::vector<T> y(wanted[0].size()), h_n(wanted[1].size()), c_n(wanted[2].size());
        kernels_of<T>(p.kind).forward(
            p, {x.data(), w_ih.data(), w_hh.data(), b_ih.data(), b_hh.data(), h0.data(), c0.data(),
                lengths.data(), y.data(), h_n.data(), c_n.data(), nullptr, nullptr, nullptr});
        CHECK(y == wanted[0] && h_n == wanted[1] && c_n == wanted[2]);
    }
};

using Devices = std::vector<emulator::Device>;
constexpr emulator::Device kNone{8, 0};
const Devices kDevices{{1, 227 << 10}, {5, 24 << 10}, {16, 16 << 10}};

// How far the two ways may be apart: some roundings of T, or, of 16 bits, a few after each other.
template <class T>
constexpr double kBound = 200 * (sizeof(T) == 4 ? 6e-8 : 1.1e-16);
template <>
constexpr double kBound<Half> = 8 * 4.9e-4;
template <>
constexpr double kBound<Bfloat16> = 8 * 3.9e-3;

template <class T>
void both_ways_agree(const Layer<T>& layer, const Devices& devices = kDevices) {
    emulator::device() = kNone;
    const auto stepwise = layer.run();
    std::vector<std::vector<T>> first;
    uint64_t seed = 1;
    for (const emulator::Device& device : devices) {
        emulator::device() = device;
        emulator::set_schedule(seed++);
        const auto found = layer.run();
        if (first.empty()) first = found;
        CHECK(found == first);
        layer.predict_equals(found);
    }
    for (size_t i = 0; i < first.size(); i++) {
        double most = 1, difference = 0;
        for (const T x : stepwise[i]) most = std::max(most, std::abs(double(x)));
        for (size_t k = 0; k < first[i].size(); k++)
            difference =
                std::max(difference, std::abs(double(first[i][k]) - double(stepwise[i][k])));
        CHECK(difference <= kBound<T> * most);
    }
    // Sums in another order: it was indeed another way. What is rounded to 16 bits may hide that.
    if (!kIsHalf<T> && layer.p.h > 16 && layer.p.t > 1) CHECK(first != stepwise);
}

template <class T>
void every_layer_agrees() {
    using enum RecurrentKind;
    for (const RecurrentKind kind : {lstm, gru, gru_reset_before, rnn_tanh, rnn_relu})
        for (const bool reverse : {false, true}) {
            both_ways_agree(Layer<T>(kind, 3, 5, 3, 23, reverse));
            both_ways_agree(Layer<T>(kind, 2, 1, 2, 9, reverse));
            both_ways_agree(Layer<T>(kind, 2, 18, 2, 6, reverse));
            both_ways_agree(Layer<T>(kind, 0, 2, 3, 5, reverse));
        }
}

// Depths that a warp multiplies in several turns, and units and rows in several products.
template <class T>
void long_sums_agree() {
    const Devices devices{{1, 227 << 10}, {7, 40 << 10}};
    both_ways_agree(Layer<T>(RecurrentKind::lstm, 2, 10, 2, 37, false), devices);
    both_ways_agree(Layer<T>(RecurrentKind::gru_reset_before, 2, 35, 2, 66, true), devices);
}

// The cuts that the tests above and a GPU see, for elements of so many bytes.
void plans_are_as_meant(int64_t element) {
    const auto plan = [=](Sequence all, cuda::Device device, PhaseSize phase) {
        return Persistent::choose(all, device, element, {phase});
    };
    const auto fits = [=](const Persistent& p, const Sequence& all, cuda::Device device) {
        CHECK(p.across * p.units >= all.units && (p.across - 1) * p.units < all.units);
        CHECK(p.down * p.rows >= all.rows && (p.down - 1) * p.rows < all.rows);
        CHECK(p.blocks() <= device.processors && p.shared_bytes <= device.shared_bytes);
        CHECK(p.staged % p.tile_rows == 0 && p.rows % p.tile_rows == 0 && p.units % 4 == 0);
        CHECK(p.sums_at % 16 == 0 && (p.sums_at < p.shared_bytes) == (element == 2));
    };
    const cuda::Device large{132, 227 << 10}, small{16, 16 << 10};
    for (const int64_t rows : {1, 7, 64, 1000})
        for (const int64_t units : {1, 30, 256, 512, 1000}) {
            const Sequence all{100, rows, units, false};
            const Persistent p = plan(all, large, {4, units});
            if (rows < 1000) CHECK(p.blocks() > 0);
            if (p.blocks()) fits(p, all, large);
        }
    const int64_t many = 8000 / element;  // 64 MB of weights and more
    CHECK(plan({100, 8, many, false}, large, {4, many}).blocks() == 0);
    const Sequence all{3, 5, 23, false};
    const Persistent p = plan(all, small, {1, 4 * 23});
    fits(p, all, small);
    CHECK(plan({3, 20, 33, false}, small, {4, 33}).across > 1);
}

}  // namespace

int main() {
    for (const int64_t element : {2, 4}) plans_are_as_meant(element);
    every_layer_agrees<float>();
    every_layer_agrees<double>();
    every_layer_agrees<Half>();
    every_layer_agrees<Bfloat16>();
    long_sums_agree<Half>();
    long_sums_agree<Bfloat16>();
    std::puts("recurrent layers on CUDA: both ways agree");
}
