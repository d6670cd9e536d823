// Pooling forward: what a window is folded with.
#include "ops/pool2d.h"

#include "cpu/fold.h"
#include "cpu/parallel.h"
#include "cpu/scatter.h"
#include "cpu/spread.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct MaxFold {
    using Fold = Vec<T>;
    static constexpr T kPadding = -T(__builtin_inf());
    static constexpr int kSlots = 1;

    TATAMI_INLINE Fold start(int64_t, Vec<T> v) const { return v; }
    TATAMI_INLINE void take(Fold& fold, Vec<T> v, int64_t) const { fold = max_nan<T>(fold, v); }
    TATAMI_INLINE void keep(T* slot, Fold fold) const { store(slot, fold); }
    TATAMI_INLINE Fold kept(const T* slot) const { return load(slot); }
    TATAMI_INLINE void join(Fold& fold, Fold below, int64_t) const {
        fold = max_nan<T>(fold, below);
    }
    TATAMI_INLINE void finish(const WindowRow& row, int64_t q, int64_t n, Fold fold) const {
        store_first(y + row.index * out + q, fold, n);
    }

    int64_t out;
    T* y;
};

// The integer as wide as T.
template <class T>
using Int = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;

// The first maximum and how many pixels behind its window's first tap it stands.
template <class T>
struct ArgMaxFold {
    struct Fold {
        Vec<T> value;
        Mask<T> offset;
    };
    static constexpr T kPadding = -T(__builtin_inf());
    static constexpr int kSlots = 2;

    TATAMI_INLINE Fold start(int64_t q, Vec<T> v) const {
        Fold fold{v, {}};
        std::memcpy(&fold.offset, first_column + q, sizeof fold.offset);
        return fold;
    }
    TATAMI_INLINE void take(Fold& fold, Vec<T> v, int64_t offset) const {
        join(fold, {v, Mask<T>{} + Int<T>(offset)}, 0);
    }
    TATAMI_INLINE void keep(T* slot, const Fold& fold) const {
        store(slot, fold.value);
        std::memcpy(slot + kLanes<T>, &fold.offset, sizeof fold.offset);
    }
    TATAMI_INLINE Fold kept(const T* slot) const {
        Fold fold;
        fold.value = load(slot);
        std::memcpy(&fold.offset, slot + kLanes<T>, sizeof fold.offset);
        return fold;
    }
    TATAMI_INLINE void join(Fold& fold, const Fold& below, int64_t offset) const {
        const Mask<T> better = ~(below.value <= fold.value) & (fold.value == fold.value);
        fold.value = better ? below.value : fold.value;
        fold.offset = better ? below.offset + Int<T>(offset) : fold.offset;
    }
    TATAMI_INLINE void finish(const WindowRow& row, int64_t q, int64_t n, const Fold& fold) const {
        const int64_t at = row.index * columns.out + q;
        store_first(y + at, fold.value, n);
        Int<T> offset[kLanes<T>];
        std::memcpy(offset, &fold.offset, sizeof offset);
        const int64_t first = row.top * columns.size + q * columns.stride - columns.before;
        if (n == kLanes<T>)
            for (int64_t i = 0; i < kLanes<T>; i++)
                indices[at + i] = first + i * columns.stride + offset[i];
        else
            for (int64_t i = 0; i < n; i++)
                indices[at + i] = first + i * columns.stride + offset[i];
    }

    const WindowAxis& columns;
    const Int<T>* first_column;  // where a window's first tap inside the image stands
    T* y;
    int64_t* indices;
};

template <class T>
struct MeanFold {
    using Fold = Vec<T>;
    static constexpr T kPadding = 0;
    static constexpr int kSlots = 1;

    TATAMI_INLINE Fold start(int64_t, Vec<T> v) const { return v; }
    TATAMI_INLINE void take(Fold& fold, Vec<T> v, int64_t) const { fold += v; }
    TATAMI_INLINE void keep(T* slot, Fold fold) const { store(slot, fold); }
    TATAMI_INLINE Fold kept(const T* slot) const { return load(slot); }
    TATAMI_INLINE void join(Fold& fold, Fold below, int64_t) const { fold += below; }
    TATAMI_INLINE void finish(const WindowRow& row, int64_t q, int64_t n, Fold fold) const {
        const Vec<T> taps = load(divisors.columns + q) * divisors.rows[row.o];
        store_first(y + row.index * out + q, fold / taps, n);
    }

    int64_t out;
    const Divisors<T>& divisors;
    T* y;
};

template <class T, class Op>
static void fold_all(const Pool2d& p, const T* x, const Op& op) {
    const int64_t work =
        p.planes * p.rows.out * p.columns.out / kLanes<T> * (p.rows.kernel + p.columns.kernel) * 2;
    with_window(p.columns, [&]<int S, int K>() {
        parallel_ranges(p.planes * p.rows.out, 1, work, [&](int64_t begin, int64_t end) {
            fold_windows<T, S, K>(p, x, begin, end, op);
        });
    });
}

template <class T>
static void max_forward(const Pool2d& p, const T* x, T* y, int64_t* indices) {
    if (!indices) return fold_all(p, x, MaxFold<T>{p.columns.out, y});
    const int64_t windows = round_up(p.columns.out, kLanes<T>);
    const memory::Scratch scratch(size_t(windows) * sizeof(T));
    Int<T>* first = scratch.as<Int<T>>();
    for (int64_t q = 0; q < windows; q++) {
        const int64_t skipped = q < p.columns.out ? taps_inside(p.columns, q).first : 0;
        first[q] = Int<T>(skipped * p.columns.dilation);
    }
    fold_all(p, x, ArgMaxFold<T>{p.columns, first, y, indices});
}

template <class T>
static void average_forward(const Pool2d& p, const T* x, T* y) {
    const Divisors<T> divisors(p);
    fold_all(p, x, MeanFold<T>{p.columns.out, divisors, y});
}

template <class T>
static bool max_backward(const Pool2d& p, const T* dy, const int64_t* indices, T* dx) {
    const ScatterSizes sizes{p.planes, p.rows.size, p.columns.size, p.rows.out, p.columns.out};
    return scatter_planes(
        sizes, dy, indices, dx,
        [&](int64_t first, int64_t end) { return windows_over(p.rows, first, end); },
        [&](int64_t o) {
            const int64_t start = o * p.rows.stride - p.rows.before;
            return Range{start, start + p.rows.span};
        });
}

template <class T>
Pool2dKernels<T> pool2d_kernels() {
    return {&max_forward<T>, &max_backward<T>, &average_forward<T>, &average_backward<T>};
}
template Pool2dKernels<float> pool2d_kernels();
template Pool2dKernels<double> pool2d_kernels();

}  // namespace tatami::TATAMI_ISA
