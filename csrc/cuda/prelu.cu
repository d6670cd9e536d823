// PReLU: elementwise, and with its gradient the sum of every slope's in the same sweep.
#include "cuda/table.h"
#include "cuda/tiles.cuh"
#include "ops/prelu.h"

namespace tatami::cuda {

template <class T>
struct Bend {
    T slope;
    TATAMI_DEVICE T operator()(T x) const { return x < T(0) ? x * slope : x; }
    TATAMI_DEVICE T grad(T dy, T x) const { return x > T(0) ? dy : dy * slope; }
    // What an element adds to the slope's gradient.
    TATAMI_DEVICE static T term(T dy, T x) { return x > T(0) ? T(0) : dy * x; }
};

template <class T>
struct BendOfRun {
    const T* weight;
    int64_t channels;
    TATAMI_DEVICE Bend<Real<T>> of(int64_t run) const { return {weight[run % channels]}; }
};

template <class T>
static void forward(const Prelu& p, const T* x, const T* weight, T* y) {
    map_runs(p.elements, p.inner, BendOfRun<T>{weight, p.length}, y, x);
}

// A tile of dx and its part of the slope's gradient.
template <class T, int N>
struct TileGradient {
    Tiles tiles;
    int64_t channels;
    bool wide;
    const T *dy, *x, *weight;
    T* dx;
    double* part;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t i) const {
        const Bend<Real<T>> bend{weight[i / tiles.of_line % channels]};
        const int64_t n = INT64_MAX;
        Real<T> own[N] = {};
        each_of_lane<N>(tiles.at(i), [&](int64_t at) {
            const auto g = load_elements<N>(dy, at, n, wide), v = load_elements<N>(x, at, n, wide);
            Elements<T, N> out;
            for (int k = 0; k < N; k++) {
                const Real<T> each = g.at[k], value = v.at[k];
                out.at[k] = bend.grad(each, value);
                own[k] += bend.term(each, value);
            }
            store_elements<N>(dx, at, n, wide, out);
        });
        for (int k = 1; k < N; k++) own[0] += own[k];
        const double sum = team.reduce(double(own[0]), Plus{});
        if (team.rank() == 0) part[i] = sum;
    }
};

// The same for a column of a slot of rows; inner columns share a slope.
template <class T>
struct ColumnGradient {
    int64_t columns, inner;
    const T *dy, *x, *weight;
    T* dx;
    TATAMI_DEVICE double operator()(int64_t column, int64_t row, int64_t step, int64_t end) const {
        const Bend<Real<T>> bend{weight[column / inner]};
        Real<T> sum = 0;
        for (; row < end; row += step) {
            const int64_t at = row * columns + column;
            const Real<T> g = dy[at], v = x[at];
            sum += bend.term(g, v);
            dx[at] = bend.grad(g, v);
        }
        return double(sum);
    }
};

template <class T>
struct FoldSlopes {
    Parts parts;
    const double* part;
    T* dw;
    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t c) const {
        double own = 0;
        for (int64_t k = team.rank(); k < parts.count; k += team.size())
            own += part[parts.at(c, k)];
        own = team.reduce(own, Plus{});
        if (team.rank() == 0) dw[c] = T(own);
    }
};

template <class T>
static void backward(const Prelu& p, const T* dy, const T* x, const T* weight, T* dx, T* dw) {
    const auto fold = [&](const Parts& parts, const double* part) {
        each_team(p.length, parts.large(), FoldSlopes<T>{parts, part, dw});
    };
    if (p.inner < kShortRun && p.outer > 1) {
        const int64_t columns = p.length * p.inner;
        const Workspace space(size_t(column_slots(p.outer) * columns) * sizeof(double));
        each_column(p.outer, columns, ColumnGradient<T>{columns, p.inner, dy, x, weight, dx},
                    space.as<double>());
        return fold(column_parts(p.outer, columns, p.inner), space.as<double>());
    }
    const Tiles tiles(p.outer * p.length, p.inner, 1, 0, p.inner);
    const Workspace space(size_t(tiles.count()) * sizeof(double));
    const bool wide = aligned_to(dy, 16) && aligned_to(x, 16) && aligned_to(dx, 16);
    with_width<T>(p.inner, [&]<int N>(std::integral_constant<int, N>) {
        each_team(tiles.count(), false,
                  TileGradient<T, N>{tiles, p.length, wide, dy, x, weight, dx, space.as<double>()});
    });
    fold(channel_parts(tiles, p.length), space.as<double>());
}

template <class T>
PreluKernels<T> prelu_kernels() {
    return {&forward<T>, &backward<T>};
}
template PreluKernels<float> prelu_kernels();
template PreluKernels<double> prelu_kernels();
template PreluKernels<Half> prelu_kernels();
template PreluKernels<Bfloat16> prelu_kernels();

}  // namespace tatami::cuda
