// Means and variances of groups too large for registers: tiles or columns, then their merging.
#pragma once

#include "cuda/norm.cuh"

namespace tatami::cuda {

// Of n elements: mean and sum of squared distances from it.
struct Moments {
    double n = 0, mean = 0, squares = 0;
};

TATAMI_DEVICE Moments operator+(Moments a, Moments b) {
    const double n = a.n + b.n, d = b.mean - a.mean;
    if (b.n == 0) return a;
    if (a.n == 0) return b;
    return {n, a.mean + d * (b.n / n), a.squares + b.squares + d * d * (a.n * (b.n / n))};
}

// sums(shift) gives the sums of x - shift and of its square. One sweep around the first element; a
// second one, around the mean, where the digits of the first cancel.
template <class T, class Sums>
TATAMI_DEVICE Moments moments_of(int64_t n, bool centred, T first, const Sums& sums) {
    if (n <= 0) return {};
    T shift = centred ? first : T(0);
    Pair<double> s = sums(shift);
    if (!centred) return {double(n), 0, s.second};
    if (s.first * s.first > 0.875 * s.second * double(n)) {
        shift = T(double(shift) + s.first / double(n));
        s = sums(shift);
    }
    const double rest = s.first / double(n);
    return {double(n), double(shift) + rest, not_negative(s.second - rest * s.first)};
}

template <class T, int N>
struct TileMoments {
    Tiles tiles;
    bool wide, centred;
    const T* x;
    Moments* part;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t i) const {
        using V = Real<T>;
        const Tile q = tiles.at(i);
        const auto sums = [&](V shift) {
            Pair<V> own[N] = {};
            each_of_lane<N>(q, [&](int64_t at) {
                const auto v = load_elements<N>(x, at, INT64_MAX, wide);
                for (int k = 0; k < N; k++) {
                    const V d = v.at[k] - shift;
                    own[k] = {own[k].first + d, fma(d, d, own[k].second)};
                }
            });
            for (int k = 1; k < N; k++) own[0] = own[0] + own[k];
            return team.reduce(wider(own[0]), Plus{});
        };
        const Moments found = moments_of(q.elements(), centred, V(x[q.start]), sums);
        if (team.rank() == 0) part[i] = found;
    }
};

template <class T>
struct ColumnMoments {
    int64_t columns;
    const T* x;
    TATAMI_DEVICE Moments operator()(int64_t column, int64_t row, int64_t step, int64_t end) const {
        const int64_t n = row < end ? (end - row + step - 1) / step : 0;
        const T* const from = x + row * columns + column;
        using V = Real<T>;
        const auto sums = [&](V shift) {
            Pair<V> own{};
            for (int64_t k = 0; k < n; k++) {
                const V d = from[k * step * columns] - shift;
                own = {own.first + d, fma(d, d, own.second)};
            }
            return wider(own);
        };
        return moments_of(n, true, n ? V(from[0]) : V(0), sums);
    }
};

// mean and var of each group from its parts.
struct FoldMoments {
    Parts parts;
    bool centred;
    double inverse_count;
    const Moments* part;
    double *mean, *var;

    template <class Team>
    TATAMI_DEVICE void operator()(const Team& team, int64_t g) const {
        double sum = 0, squares = 0;
        for (int64_t k = team.rank(); k < parts.count; k += team.size()) {
            const Moments m = part[parts.at(g, k)];
            sum += m.n * m.mean;
        }
        const double center = centred ? team.reduce(sum, Plus{}) * inverse_count : 0;
        for (int64_t k = team.rank(); k < parts.count; k += team.size()) {
            const Moments m = part[parts.at(g, k)];
            squares += m.squares + m.n * (m.mean - center) * (m.mean - center);
        }
        squares = team.reduce(squares, Plus{});
        if (team.rank() == 0) {
            mean[g] = center;
            var[g] = squares * inverse_count;
        }
    }
};

// The tiles of groups, or where they are runs of channels the tiles of those.
inline Tiles tiles_of(const Groups& p, bool by_run) {
    const int64_t samples = p.channels * p.inner > 0 ? p.elements / (p.channels * p.inner) : 0;
    if (p.across) return {p.channels, p.inner, samples, p.channels * p.inner, p.inner};
    if (by_run) return {samples * p.channels, p.inner, 1, 0, p.inner};
    return {p.count ? p.elements / p.count : 0, p.count, 1, 0, p.count};
}

template <class T>
void group_moments(const Groups& p, int64_t groups, const T* x, double* mean, double* var) {
    const auto fold = [&](const Parts& parts, const Moments* part) {
        each_team(groups, parts.large(),
                  FoldMoments{parts, p.centred, p.inverse_count, part, mean, var});
    };
    if (p.across && p.inner < kShortRun) {
        const int64_t columns = p.channels * p.inner, rows = columns ? p.elements / columns : 0;
        const Workspace space(size_t(column_slots(rows) * columns) * sizeof(Moments));
        each_column(rows, columns, ColumnMoments<T>{columns, x}, space.as<Moments>());
        return fold(column_parts(rows, columns, p.inner), space.as<Moments>());
    }
    const Tiles tiles = tiles_of(p, false);
    const Workspace space(size_t(tiles.count()) * sizeof(Moments));
    with_width<T>(tiles.length, [&]<int N>(std::integral_constant<int, N>) {
        each_team(tiles.count(), false,
                  TileMoments<T, N>{tiles, aligned_to(x, 16), p.centred, x, space.as<Moments>()});
    });
    fold(channel_parts(tiles, groups), space.as<Moments>());
}

}  // namespace tatami::cuda
