// Pooling over any windows (windows.cuh): folds of windows the one way, and the other way every
// pixel gathers from the windows over it, in their order.
#pragma once

#include "cuda/elementwise.cuh"
#include "cuda/rows.cuh"
#include "cuda/windows.cuh"

namespace tatami::cuda {

// What a window is folded with. States of taps are joined in their order; merge() takes any order.
template <class T>
struct MaxFold {
    using Value = Real<T>;
    using State = Value;
    T* y;

    TATAMI_DEVICE static Value padding() { return -Value(INFINITY); }
    TATAMI_DEVICE static State one(Value v, int64_t) { return v; }
    TATAMI_DEVICE static State join(State a, State b) { return largest(a, b); }
    TATAMI_DEVICE static State merge(State a, State b) { return largest(a, b); }
    template <class Windows>
    TATAMI_DEVICE void store(int64_t at, State s, const Windows&, int64_t, const Windows&,
                             int64_t) const {
        y[at] = s;
    }
};

// The first maximum, or the first NaN.
template <class T>
struct ArgmaxFold {
    using Value = Real<T>;
    struct State {
        Value value;
        int64_t place;
    };
    T* y;
    int64_t* indices;

    TATAMI_DEVICE static Value padding() { return -Value(INFINITY); }
    TATAMI_DEVICE static State one(Value v, int64_t place) { return {v, place}; }
    TATAMI_DEVICE static State join(State a, State b) {
        return !(b.value <= a.value) && a.value == a.value ? b : a;
    }
    TATAMI_DEVICE static State merge(State a, State b) {
        return a.place <= b.place ? join(a, b) : join(b, a);
    }
    template <class Windows>
    TATAMI_DEVICE void store(int64_t at, State s, const Windows&, int64_t, const Windows&,
                             int64_t) const {
        y[at] = s.value;
        indices[at] = s.place;
    }
};

template <class T>
struct MeanFold {
    using Value = Real<T>;
    using State = Value;
    T* y;

    TATAMI_DEVICE static Value padding() { return Value(0); }
    TATAMI_DEVICE static State one(Value v, int64_t) { return v; }
    TATAMI_DEVICE static State join(State a, State b) { return a + b; }
    TATAMI_DEVICE static State merge(State a, State b) { return a + b; }
    template <class Windows>
    TATAMI_DEVICE void store(int64_t at, State s, const Windows& rows, int64_t o,
                             const Windows& columns, int64_t q) const {
        y[at] = s / (Value(rows.divisor(o)) * Value(columns.divisor(q)));
    }
};

template <class Fold>
struct Merging {
    template <class State>
    TATAMI_DEVICE State operator()(State a, State b) const {
        return Fold::merge(a, b);
    }
};

// Taps that a thread reads before it folds them.
inline constexpr int kTapsAhead = 4;

// A team folds a window: its taps in the order of memory, shared by turns.
template <class Team, class T, class Windows, class Fold>
__global__ void fold_by_teams(int64_t count, Windows rows, Windows columns, Divider by_out_rows,
                              Divider by_out_columns, const T* x, Fold fold) {
    const int64_t i =
        int64_t(blockIdx.x) * Team::kTeams + threadIdx.x / (kRowThreads / Team::kTeams);
    if (i >= count) return;
    const Team team;
    const int64_t row = by_out_columns(i), q = i - row * columns.out;
    const int64_t plane = by_out_rows(row), o = row - plane * rows.out;
    const Taps down = rows.taps(o), across = columns.taps(q);
    const T* const image = x + plane * rows.size * columns.size;
    const int64_t taps = down.count * across.count;
    const int64_t first = down.first * columns.size + across.first;
    // Tap t is (r, c) of the window; the next of this thread is `size` further.
    const int64_t step_rows = team.size() / across.count;
    const int64_t step_columns = team.size() - step_rows * across.count;
    int64_t r = team.rank() / across.count, c = team.rank() - r * across.count;
    auto state = Fold::one(Fold::padding(), first);
    for (int64_t t = team.rank(); t < taps;) {
        typename Fold::Value value[kTapsAhead];
        int64_t place[kTapsAhead];
        TATAMI_UNROLL
        for (int k = 0; k < kTapsAhead; k++) {
            place[k] = first + r * down.step * columns.size + c * across.step;
            value[k] = t < taps ? typename Fold::Value(image[place[k]]) : Fold::padding();
            t += team.size();
            r += step_rows, c += step_columns;
            if (c >= across.count) r++, c -= across.count;
        }
        TATAMI_UNROLL
        for (int k = 0; k < kTapsAhead; k++)
            state = Fold::join(state, Fold::one(value[k], place[k]));
    }
    state = team.reduce(state, Merging<Fold>{});
    if (team.rank() == 0) fold.store(i, state, rows, o, columns, q);
}

// Windows of so many taps are folded by a thread each, or a warp each, larger ones by a block.
inline constexpr int64_t kThreadTaps = 32, kWarpTaps = 2048;

// x (planes, h, w); `taps`: of a window, about.
template <class T, class Windows, class Fold>
void fold_windows(int64_t planes, const Windows& rows, const Windows& columns, int64_t taps,
                  const T* x, const Fold& fold) {
    const int64_t count = planes * rows.out * columns.out;
    if (count <= 0) return;
    const auto start = [&]<class Team>(Team, size_t shared) {
        const int64_t blocks = (count + Team::kTeams - 1) / Team::kTeams;
        launch({dim3(unsigned(blocks)), dim3(kRowThreads), shared},
               &fold_by_teams<Team, T, Windows, Fold>, count, rows, columns, Divider(rows.out),
               Divider(columns.out), x, fold);
    };
    if (taps <= kThreadTaps)
        start(Single{}, 0);
    else if (taps <= kWarpTaps)
        start(WarpTeam{}, 0);
    else
        start(BlockTeam{}, kReduceRoom * sizeof(typename Fold::State));
}

// Pixels, one below the other, that a thread computes: they share what it knows of their column.
inline constexpr int kGatherRows = 4;

// dx (planes, h, w): for every pixel the sum of gather(window, ...) over the windows that hold it.
template <class T, class Windows, class Gather>
__global__ void gather_windows(int64_t count, Windows rows, Windows columns, Divider by_strips,
                               Divider by_columns, Gather gather, T* dx) {
    const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t strip = by_columns(i), c = i - strip * columns.size;
    const int64_t strips = (rows.size + kGatherRows - 1) / kGatherRows;
    const int64_t plane = by_strips(strip), top = (strip - plane * strips) * kGatherRows;
    const Range across = columns.over(c);
    for (int64_t r = top; r < top + kGatherRows && r < rows.size; r++) {
        const Range down = rows.over(r);
        Real<T> sum = 0;
        for (int64_t o = down.begin; o < down.end; o++) {
            if (!rows.holds(o, r)) continue;
            const int64_t line = (plane * rows.out + o) * columns.out;
            for (int64_t q = across.begin; q < across.end; q++)
                if (columns.holds(q, c)) sum += gather(line + q, rows, o, r, columns, q, c);
        }
        dx[(plane * rows.size + r) * columns.size + c] = sum;
    }
}

template <class T, class Windows, class Gather>
void gather_all(int64_t planes, const Windows& rows, const Windows& columns, const Gather& gather,
                T* dx) {
    const int64_t strips = (rows.size + kGatherRows - 1) / kGatherRows;
    const int64_t count = planes * strips * columns.size;
    if (count <= 0) return;
    const int64_t blocks = (count + kRowThreads - 1) / kRowThreads;
    launch({dim3(unsigned(blocks)), dim3(kRowThreads)}, &gather_windows<T, Windows, Gather>, count,
           rows, columns, Divider(strips), Divider(columns.size), gather, dx);
}

template <class T>
struct MeanGather {
    using V = Real<T>;
    const T* dy;
    V inverse;  // of the divisor, or 0 where windows differ in it

    template <class Windows>
    TATAMI_DEVICE V operator()(int64_t at, const Windows& rows, int64_t o, int64_t,
                               const Windows& columns, int64_t q, int64_t) const {
        if (inverse != V(0)) return dy[at] * inverse;
        return dy[at] / (V(rows.divisor(o)) * V(columns.divisor(q)));
    }
};

template <class T, class Windows>
void average_gradient(int64_t planes, const Windows& rows, const Windows& columns, const T* dy,
                      T* dx) {
    using V = Real<T>;
    V inverse = V(0);
    if (rows.uniform() && columns.uniform())
        inverse = V(1) / (V(rows.first_divisor()) * V(columns.first_divisor()));
    gather_all(planes, rows, columns, MeanGather<T>{dy, inverse}, dx);
}

template <class T>
struct MaxGather {
    const T* dy;
    const int64_t* indices;
    Divider by_width;
    int* strays;  // set by a legal index that a pixel which looks at its own windows does not find

    template <class Windows>
    TATAMI_DEVICE Real<T> operator()(int64_t at, const Windows& rows, int64_t o, int64_t r,
                                     const Windows& columns, int64_t q, int64_t c) const {
        const int64_t index = indices[at];
        if (index == r * columns.size + c) return dy[at];
        if (rows.begins(o, r) && columns.begins(q, c)) look(index, rows, o, columns, q);
        return 0;
    }

  private:
    // Once a window.
    template <class Windows>
    TATAMI_DEVICE void look(int64_t index, const Windows& rows, int64_t o, const Windows& columns,
                            int64_t q) const {
        if (uint64_t(index) >= uint64_t(rows.size * columns.size)) return;
        const auto inside = [](const Windows& windows, int64_t window, int64_t pixel) {
            const Range over = windows.over(pixel);
            return over.begin <= window && window < over.end && windows.holds(window, pixel);
        };
        const int64_t r = by_width(index);
        if (!inside(rows, o, r) || !inside(columns, q, index - r * columns.size)) *strays = 1;
    }
};

// dx[indices] += dy in the order of the windows, for indices anywhere: a warp a plane. Of lanes
// with one index the first adds for all. Slow, and never needed for a real gradient: it begins
// anew, and only where an index was met that the gather does not see.
template <class T>
__global__ void scatter_planes(int64_t planes, int64_t out_plane, int64_t plane, const T* dy,
                               const int64_t* indices, const int* strays, T* dx) {
    const int64_t p = int64_t(blockIdx.x) * WarpTeam::kTeams + threadIdx.x / kWarp;
    if (p >= planes || !*strays) return;
    const int own = int(threadIdx.x) % kWarp;
    for (int64_t i = own; i < plane; i += kWarp) dx[p * plane + i] = T(0);
    sync_warp();
    for (int64_t first = 0; first < out_plane; first += kWarp) {
        const int64_t at = p * out_plane + first + own;
        const int64_t index = first + own < out_plane ? indices[at] : -1;
        const bool some = uint64_t(index) < uint64_t(plane);
        const Real<T> value = some ? Real<T>(dy[at]) : Real<T>(0);
        T* const to = dx + p * plane + index;
        Real<T> sum = some ? Real<T>(*to) : Real<T>(0);
        bool leads = some;
        for (int lane = 0; lane < kWarp; lane++) {
            const int64_t other = shuffle(index, lane);
            const Real<T> more = shuffle(value, lane);
            if (other != index) continue;
            sum += more;
            if (lane < own) leads = false;
        }
        if (leads) *to = sum;
        sync_warp();
    }
}

// Always true: what lies outside its plane goes nowhere, and the host does not wait to hear of it.
template <class T, class Windows>
bool max_gradient(int64_t planes, const Windows& rows, const Windows& columns, const T* dy,
                  const int64_t* indices, T* dx) {
    const int64_t plane = rows.size * columns.size, out_plane = rows.out * columns.out;
    if (planes == 0 || plane == 0) return true;
    const Workspace workspace(sizeof(int));
    int* const strays = workspace.template as<int>();
    fill(1, 0, strays);
    gather_all(planes, rows, columns, MaxGather<T>{dy, indices, Divider(columns.size), strays}, dx);
    const int64_t blocks = (planes + WarpTeam::kTeams - 1) / WarpTeam::kTeams;
    launch({dim3(unsigned(blocks)), dim3(kRowThreads)}, &scatter_planes<T>, planes, out_plane,
           plane, dy, indices, strays, dx);
    return true;
}

}  // namespace tatami::cuda
