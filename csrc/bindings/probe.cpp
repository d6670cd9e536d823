#include "ops/probe.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "bindings/module.h"
#include "core/memory_pool.h"

namespace tatami {

static constexpr double kSlice = 2e-3;  // seconds: much longer than waking a thread
static constexpr double kCopySeconds = 50e-3;

template <class Work>
static double seconds_of(const Work& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// FLOP/s in float32 of register-only multiply-adds on all threads: the best slice of `seconds`.
static double fma_peak(double seconds) {
    const auto& probe = kernels<float>().probe;
    int64_t steps = 1 << 12;
    double best = 0, spent = 0;
    while (spent < seconds) {
        double operations = 0;
        const double time = seconds_of([&] { operations = probe.multiply_add(steps); });
        if (time < kSlice) {
            steps *= 2;
            continue;
        }
        best = std::max(best, operations / time);
        spent += time;
    }
    return best;
}

// Median bytes/s, read and written, of copies of n floats.
static double copy_rate(int64_t n, const float* x, float* y, bool streamed) {
    const auto& probe = kernels<float>().probe;
    const auto copy = [&] { probe.copy(n, x, y, streamed); };
    const double once = std::min(seconds_of(copy), seconds_of(copy));
    const int batch = std::max(1, int(1e-4 / once));  // so that reading the clock costs nothing
    std::vector<double> rates;
    for (double spent = 0; spent < kCopySeconds || rates.size() < 5;) {
        const double time = seconds_of([&] {
            for (int i = 0; i < batch; i++) copy();
        });
        rates.push_back(8.0 * double(n) * batch / time);
        spent += time;
    }
    const auto middle = rates.begin() + rates.size() / 2;
    std::nth_element(rates.begin(), middle, rates.end());
    return *middle;
}

// Bytes/s of a copy that moves `bytes` in all, half read and half written; `streamed` stores go
// past the caches.
static double copy_bandwidth(int64_t bytes, bool streamed) {
    check(bytes > 0, "copy_bandwidth: bytes is ", bytes, " but must be positive");
    const int64_t n = std::max<int64_t>(1, bytes / 8);
    const memory::Scratch x(size_t(n) * 4), y(size_t(n) * 4);
    std::memset(x.as<float>(), 0, size_t(n) * 4);
    return copy_rate(n, x.as<float>(), y.as<float>(), streamed);
}

void bind_probe(py::module_& m) {
    m.def("fma_peak", &fma_peak, py::call_guard<py::gil_scoped_release>());
    m.def("copy_bandwidth", &copy_bandwidth, py::call_guard<py::gil_scoped_release>());
}

}  // namespace tatami
