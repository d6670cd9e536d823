// Groups that the registers of a warp or a block hold: memory is read once and written once.
#pragma once

#include "cuda/norm.cuh"

namespace tatami::cuda {

// Most threads of a team: each may use 128 registers.
inline constexpr int kHeldThreads = 512;

// What a thread has of a group, as numbers to compute with.
template <class T, int N, int P>
struct Held {
    Elements<T, N> at[P];
};

// The first element of pack p of a thread of the team.
template <int N, class Team>
TATAMI_DEVICE int held_place(const Team& team, int p) {
    return (p * team.size() + team.rank()) * N;
}

template <class T, int N, int P, class Team>
TATAMI_DEVICE void load_held(const Team& team, const T* x, int count, bool wide,
                             Held<Real<T>, N, P>& to) {
    TATAMI_UNROLL
    for (int p = 0; p < P; p++) {
        const auto own = load_elements<N>(x, held_place<N>(team, p), count, wide);
        TATAMI_UNROLL
        for (int k = 0; k < N; k++) to.at[p].at[k] = own.at[k];
    }
}

template <class T, int N, int P, class Team>
TATAMI_DEVICE void store_held(const Team& team, T* y, int count, bool wide,
                              const Held<Real<T>, N, P>& from) {
    TATAMI_UNROLL
    for (int p = 0; p < P; p++) {
        Elements<T, N> own;
        TATAMI_UNROLL
        for (int k = 0; k < N; k++) own.at[k] = from.at[p].at[k];
        store_elements<N>(y, held_place<N>(team, p), count, wide, own);
    }
}

// f(p, k, j) for what a thread holds of element j.
template <int N, int P, class Team, class F>
TATAMI_DEVICE void each_held(const Team& team, int count, const F& f) {
    TATAMI_UNROLL
    for (int p = 0; p < P; p++) {
        const int j = held_place<N>(team, p);
        TATAMI_UNROLL
        for (int k = 0; k < N; k++)
            if (j + k < count) f(p, k, j + k);
    }
}

template <class Team>
TATAMI_DEVICE int team_of_block() {
    return Team::kTeams == 1 ? 0 : int(threadIdx.x) / kWarp;
}

// ---- Forward: the mean, then the variance around it.

template <class T>
struct HeldForward {
    Groups p;
    int64_t groups;
    bool wide;
    const T *x, *weight, *bias;
    double *mean, *var;
    T* y;
};

template <class Team, int N, int P, class T>
__global__ __launch_bounds__(kHeldThreads) void held_forward(const HeldForward<T> a) {
    const Team team;
    const int64_t g = int64_t(blockIdx.x) * Team::kTeams + team_of_block<Team>();
    if (g >= a.groups) return;
    const int n = int(a.p.count);
    const int64_t first = g * n, run = first / a.p.inner;
    using V = Real<T>;
    const V inverse = V(a.p.inverse_count);
    Held<V, N, P> x;
    load_held(team, a.x + first, n, a.wide, x);
    V sum = V(0), near = V(0);
    if (a.p.centred) {
        each_held<N, P>(team, n, [&](int p, int k, int) { sum += x.at[p].at[k]; });
        near = team.reduce(sum, Plus{}) * inverse;
    }
    Pair<V> own{};
    each_held<N, P>(team, n, [&](int p, int k, int) {
        const V d = x.at[p].at[k] - near;
        own = {own.first + d, fma(d, d, own.second)};
    });
    own = team.reduce(own, Plus{});
    const V rest = a.p.centred ? own.first * inverse : V(0);
    const V variance = not_negative(fma(-rest, own.first, own.second)) * inverse;
    const V scale = V(1) / sqrt(variance + V(a.p.eps));
    if (team.rank() == 0) {
        a.mean[g] = double(near) + double(rest);
        a.var[g] = double(variance);
    }
    const int64_t channel = a.p.channel(run);
    each_held<N, P>(team, n, [&](int p, int k, int j) {
        const int64_t c = channel + (a.p.inner == 1 ? j : j / int(a.p.inner));
        const V w = a.weight ? V(a.weight[c]) : V(1), b = a.bias ? V(a.bias[c]) : V(0);
        x.at[p].at[k] = fma(((x.at[p].at[k] - near) - rest) * scale, w, b);
    });
    store_held(team, a.y + first, n, a.wide, x);
}

// ---- Backward of rows with a weight for each element: a block takes some rows, and keeps what
// they add to dweight and dbias.

template <class T>
struct HeldBackward {
    Groups p;
    int64_t rows, slot_rows;  // slot_rows: of a block
    bool wide;
    const T *dy, *x, *weight;
    const double *mean, *var;
    T* dx;
    Real<T>* part;  // (slots, 2, count) or nullptr
};

// Asked for one block a processor, ptxas does not spill registers of warps' teams for more of them.
template <class Team, int N, int P, class T>
__global__ __launch_bounds__(kHeldThreads,
                             Team::kTeams > 1) void held_backward(const HeldBackward<T> a) {
    const Team team;
    const int n = int(a.p.count);
    const int64_t slot = blockIdx.x, begin = slot * a.slot_rows;
    const int64_t end = a.rows < begin + a.slot_rows ? a.rows : begin + a.slot_rows;
    using V = Real<T>;
    const V inverse = V(a.p.inverse_count);
    Held<V, N, P> dw{}, db{};
    for (int64_t row = begin + team_of_block<Team>(); row < end; row += Team::kTeams) {
        const auto [near, rest, scale] = scaling_of<V>(a.mean[row], a.var[row], a.p.eps);
        Held<V, N, P> dy, x;
        load_held(team, a.dy + row * n, n, a.wide, dy);
        load_held(team, a.x + row * n, n, a.wide, x);
        Pair<V> own{};
        each_held<N, P>(team, n, [&](int p, int k, int j) {
            const V g = dy.at[p].at[k], z = ((x.at[p].at[k] - near) - rest) * scale;
            const V weighted = a.weight ? g * a.weight[j] : g;
            own = {own.first + weighted, fma(weighted, z, own.second)};
            dw.at[p].at[k] = fma(g, z, dw.at[p].at[k]);
            db.at[p].at[k] += g;
            dy.at[p].at[k] = weighted;
            x.at[p].at[k] = z;
        });
        own = team.reduce(own, Plus{});
        const V slope = own.second * inverse, level = a.p.centred ? own.first * inverse : V(0);
        TATAMI_UNROLL
        for (int p = 0; p < P; p++)
            for (int k = 0; k < N; k++)
                x.at[p].at[k] = scale * ((dy.at[p].at[k] - level) - x.at[p].at[k] * slope);
        store_held(team, a.dx + row * n, n, a.wide, x);
    }
    if (!a.part) return;
    V *to_w = a.part + slot * 2 * n, *to_b = to_w + n;
    if (Team::kTeams == 1) {
        each_held<N, P>(team, n, [&](int p, int k, int j) {
            to_w[j] = dw.at[p].at[k];
            to_b[j] = db.at[p].at[k];
        });
        return;
    }
    V *sum_w = shared_memory<V>(), *sum_b = sum_w + n;  // warp after warp adds to them
    for (int t = 0; t < Team::kTeams; t++) {
        if (t == team_of_block<Team>())
            each_held<N, P>(team, n, [&](int p, int k, int j) {
                sum_w[j] = dw.at[p].at[k] + (t ? sum_w[j] : V(0));
                sum_b[j] = db.at[p].at[k] + (t ? sum_b[j] : V(0));
            });
        sync_block();
    }
    for (int j = int(threadIdx.x); j < n; j += int(blockDim.x)) {
        to_w[j] = sum_w[j];
        to_b[j] = sum_b[j];
    }
}

// Elements of each array that a thread holds: 64 bytes of registers, or half where it loads them
// one by one.
template <class T, int N>
inline constexpr int kHeld = (N == 1 ? 32 : 64) / int(sizeof(Real<T>));

template <class T>
bool is_held(int64_t count) {
    bool held = false;
    with_width<T>(count, [&]<int N>(std::integral_constant<int, N>) {
        held = count > 0 && count <= kHeldThreads * kHeld<T, N>;
    });
    return held;
}

// start.operator()<Team, N, P>(threads) for the team that holds `count` elements.
template <class T, class Start>
void with_team(int64_t count, const Start& start) {
    with_width<T>(count, [&]<int N>(std::integral_constant<int, N>) {
        constexpr int kAll = kHeld<T, N>;
        int threads = 128;
        while (int64_t(threads) * kAll < count) threads *= 2;
        if (count <= kWarp * kWidth<T>)
            start.template operator()<WarpTeam, N, kWidth<T> / N>(kRowThreads);
        else if (count <= kWarp * kAll)
            start.template operator()<WarpTeam, N, kAll / N>(kRowThreads);
        else
            start.template operator()<BlockTeam, N, kAll / N>(threads);
    });
}

}  // namespace tatami::cuda
