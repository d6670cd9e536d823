// Convolution with one channel a group, plane by plane: every source row is copied between zeros
// into the L1, where each tap of a vector of results is one load.
#pragma once

#include "cpu/copy.h"
#include "cpu/epilogue.h"
#include "cpu/parallel.h"
#include "cpu/reduce.h"
#include "cpu/strided.h"
#include "ops/conv2d.h"

namespace tatami::TATAMI_ISA {

// Square kernels of these sizes, dense, with one stride of 1 or 2.
TATAMI_INLINE bool is_depthwise(const Conv2d& p) {
    return p.group_c == 1 && p.group_o == 1 && p.kh == p.kw && p.stride_h == p.stride_w &&
           p.dilation_h == 1 && p.dilation_w == 1 && (p.kh == 3 || p.kh == 5 || p.kh == 7) &&
           p.stride_h <= 2;
}

// Calls use.operator()<S, K>() for the stride and kernel size of is_depthwise().
template <class Use>
TATAMI_INLINE void with_depthwise(const Conv2d& p, const Use& use) {
    const auto with_kernel = [&]<int S>() {
        if (p.kh == 3) use.template operator()<S, 3>();
        if (p.kh == 5) use.template operator()<S, 5>();
        if (p.kh == 7) use.template operator()<S, 7>();
    };
    if (p.stride_h == 1) with_kernel.template operator()<1>();
    if (p.stride_h == 2) with_kernel.template operator()<2>();
}

// Result (i, j) takes source (i·S + top + r, j·S + left + s) for its taps (r, s).
struct PlaneShape {
    int64_t h, w, rows, columns;  // of the source, of the result
    int64_t top, left;
};

// The source's rows that a band of results reads, zeros around them; with S = 2 even and odd pixels
// of a row apart.
template <class T, int S, int K>
class PaddedRows {
  public:
    TATAMI_INLINE explicit PaddedRows(const PlaneShape& g)
        : g_(g),
          front_(round_up(max<int64_t>(0, -g.left), kPack<T>)),
          phase_(
              front_ + 3 * kPack<T> +
              round_up(max(ceil_div(g.w, S), g.columns + max<int64_t>(0, g.left) + K), kPack<T>)) {}

    TATAMI_INLINE int64_t line() const { return S * phase_; }

    // Results whose rows fit the cache beside their results.
    TATAMI_INLINE int64_t band() const {
        const int64_t lines = (int64_t{32} << 10) / (line() * int64_t(sizeof(T)));
        return min(g_.rows, max<int64_t>(8, (lines - K) / S));
    }
    TATAMI_INLINE int64_t room() const { return ((band() - 1) * S + K) * line(); }

    // memory: room(), zeros at first. Rows for the results [first, first + count) of a plane.
    TATAMI_INLINE void fill(const T* plane, int64_t first, int64_t count, T* memory) const {
        const int64_t begin = first * S + g_.top, end = begin + (count - 1) * S + K;
        for (int64_t row = begin; row < end; row++, memory += line()) {
            if (row < 0 || row >= g_.h)
                std::memset(memory, 0, size_t(line()) * sizeof(T));
            else
                copy(plane + row * g_.w, memory + front_);
        }
    }

    // Where tap s of a row's first result lies behind the row's begin.
    TATAMI_INLINE int64_t column(int64_t s) const {
        const int64_t at = g_.left + s;
        return front_ + (S == 2 ? (at & 1) * phase_ + (at >> 1) : at);
    }

  private:
    TATAMI_INLINE void copy(const T* from, T* to) const {
        const auto part = [&](int64_t c) { return load_some(from + c, max<int64_t>(0, g_.w - c)); };
        for (int64_t c = 0; c < g_.w; c += S * kLanes<T>) store_phases<S>(to, phase_, c, part);
    }

    const PlaneShape g_;
    const int64_t front_, phase_;  // elements in front of the pixels, and from phase to phase
};

inline constexpr int kRows = 4;  // of results at a time: they share what they load

// B rows of kLanes results each, B · S + K - S padded rows from `row` on. Each result is one chain
// over its taps in order; with Flip they come from the last tap's place to the first's.
template <class T, int S, int K, bool Flip, int B>
TATAMI_INLINE void convolve(const T* row, int64_t line, const int64_t* column, const T* weight,
                            Vec<T> (&sum)[B]) {
    for (Vec<T>& v : sum) v = Vec<T>{};
    constexpr int rows = (B - 1) * S + K;
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        const T* const source = row + (Flip ? rows - 1 - i : i) * line;
#pragma GCC unroll 8
        for (int s = 0; s < K; s++) {
            const Vec<T> v = load(source + column[Flip ? K - 1 - s : s]);
#pragma GCC unroll 8
            for (int b = 0; b < B; b++) {
                const int r = i - b * S;
                Vec<T>& chain = sum[Flip ? B - 1 - b : b];
                if (r >= 0 && r < K) chain = fma(v, broadcast(weight[r * K + s]), chain);
            }
        }
    }
}

// Rows [begin, end) of one plane's results. weight (K · K); rows: memory for `padded`, then, where
// streamed, for kRows of results.
template <class T, int S, int K, bool Flip>
TATAMI_INLINE void depthwise_rows(const PlaneShape& g, const PaddedRows<T, S, K>& padded, T* rows,
                                  const T* source, const T* weight, const T* bias,
                                  Activation activation, bool streamed, int64_t begin, int64_t end,
                                  T* to) {
    int64_t column[K];
    for (int s = 0; s < K; s++) column[s] = padded.column(s);
    const int64_t line = padded.line(), band = padded.band();
    T w[K * K];
    for (int t = 0; t < K * K; t++) w[t] = weight[t];
    for (int64_t first = begin; first < end; first += band) {
        const int64_t count = min(band, end - first);
        padded.fill(source, first, count, rows);
        const auto block = [&]<int N>(int64_t i) {
            T* const place = to + (first + i) * g.columns;
            T* const results = streamed ? rows + padded.room() : place;
            for (int64_t q = 0; q < g.columns; q += kLanes<T>) {
                Vec<T> sum[N];
                convolve<T, S, K, Flip, N>(rows + i * S * line + q, line, column, w, sum);
                const int64_t n = min<int64_t>(kLanes<T>, g.columns - q);
#pragma GCC unroll 4
                for (int b = 0; b < N; b++)
                    store_first(results + b * g.columns + q, bias ? sum[b] + *bias : sum[b], n);
            }
            if (activation != Activation::none)
                activate_rows(activation, results, g.columns, N, g.columns);
            if (streamed) copy_row(place, results, N * g.columns, true);
        };
        int64_t i = 0;
        for (; i + kRows <= count; i += kRows) block.template operator()<kRows>(i);
        for (; i < count; i++) block.template operator()<1>(i);
    }
}

// How planes of so many rows are cut into tasks: few planes into bundles of rows.
struct PlaneCuts {
    int64_t rows, count;

    TATAMI_INLINE PlaneCuts(int64_t planes, int64_t all)
        : rows(planes >= 32 ? all : min<int64_t>(all, 32)), count(ceil_div(all, rows)) {}
};

// All planes of all images: source (n, channels, h, w), weight (channels, K, K) -> to.
template <class T, int S, int K, bool Flip>
static void depthwise_planes(const PlaneShape& g, int64_t n, int64_t channels, const T* source,
                             const T* weight, const T* bias, Activation activation, T* to) {
    const int64_t planes = n * channels, results = planes * g.rows * g.columns;
    const int64_t work = planes * g.rows * ceil_div(g.columns, kLanes<T>) * 2 * K * K;
    const bool streamed = results * int64_t(sizeof(T)) >= kStreamBytes;
    const PlaneCuts cuts(planes, g.rows);
    parallel_ranges(planes * cuts.count, 1, work, [&](int64_t begin, int64_t end) {
        const PaddedRows<T, S, K> padded(g);
        const memory::Scratch scratch(size_t(padded.room() + kRows * g.columns) * sizeof(T));
        std::memset(scratch.as<T>(), 0, size_t(padded.room()) * sizeof(T));
        for (int64_t i = begin; i < end; i++) {
            const int64_t plane = i / cuts.count, c = plane % channels;
            const int64_t first = i % cuts.count * cuts.rows;
            depthwise_rows<T, S, K, Flip>(g, padded, scratch.as<T>(), source + plane * g.h * g.w,
                                          weight + c * K * K, bias ? bias + c : nullptr, activation,
                                          streamed, first, min(g.rows, first + cuts.rows),
                                          to + plane * g.rows * g.columns);
        }
        if (streamed) stream_fence();
    });
}

template <class T>
static void depthwise_forward(const Conv2d& p, const T* x, const T* weight, const T* bias, T* y) {
    const PlaneShape g{p.h, p.w, p.oh, p.ow, -p.pad_top, -p.pad_left};
    with_depthwise(p, [&]<int S, int K>() {
        depthwise_planes<T, S, K, false>(g, p.n, p.c, x, weight, bias, p.activation, y);
    });
}

// stride 1
template <class T>
static void depthwise_input_grad(const Conv2d& p, const T* dy, const T* weight, const T* bias,
                                 T* dx) {
    const PlaneShape g{p.oh, p.ow, p.h, p.w, p.pad_top - p.kh + 1, p.pad_left - p.kw + 1};
    with_depthwise(p, [&]<int S, int K>() {
        if constexpr (S == 1)
            depthwise_planes<T, S, K, true>(g, p.n, p.c, dy, weight, bias, p.activation, dx);
    });
}

}  // namespace tatami::TATAMI_ISA
