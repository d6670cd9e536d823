// Images read at any places: a thread finds where its place lies once for many channels. For the
// gradient of the images the places are sorted by the pixels they lie between, and every pixel
// gathers from those around it.
#include "cuda/divide.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/rows.cuh"
#include "cuda/sort.cuh"
#include "cuda/table.h"
#include "ops/grid_sample.h"

namespace tatami::cuda {

// The problem as kernels see it.
template <class T>
struct Sampling {
    struct Axis {
        int size;
        T scale, shift;
    };
    int64_t images, channels, pixels;
    Axis vertical, horizontal;
    bool nearest, border;
    int corners;  // that count
    Divider by_pixels;

    explicit Sampling(const GridSample& p)
        : images(p.images),
          channels(p.channels),
          pixels(p.pixels),
          vertical(axis(p.vertical)),
          horizontal(axis(p.horizontal)),
          nearest(p.nearest),
          border(p.border),
          corners(p.nearest ? 1 : 4),
          by_pixels(p.pixels) {}

    static Axis axis(const GridSample::Axis& a) { return {int(a.size), T(a.scale), T(a.shift)}; }
    TATAMI_DEVICE int64_t plane() const { return int64_t(vertical.size) * horizontal.size; }
};

// Where a place lies along one axis.
template <class T>
struct Place {
    int low;     // the pixel before it, or the nearest one; that after it is low + 1
    T above;     // the share of the higher pixel; NaN where the place is
    bool moves;  // whether the place decides: not past the border

    TATAMI_DEVICE Place(const Sampling<T>& p, const typename Sampling<T>::Axis& axis, T place) {
        const T least = p.border ? T(0) : T(-2);  // where no pixel is near
        const T most = p.border ? T(axis.size - 1) : T(axis.size + 1);
        const T wanted = fma(place, axis.scale, axis.shift);
        T at = wanted < least ? least : wanted > most ? most : wanted;
        if (p.nearest) at = nearbyint(at);
        low = int(floor(at != at ? least : at));
        above = at - T(low);
        moves = wanted > least && wanted < most && !p.nearest;
    }
    TATAMI_DEVICE T share(int high) const { return high ? above : T(1) - above; }
};

// The four pixels around a place: above left, above right, below left, below right.
template <class T>
struct Corners {
    Place<T> v, h;
    int64_t at[4];
    bool inside[4];

    template <class S>
    TATAMI_DEVICE Corners(const Sampling<T>& p, const S* grid)
        : v(p, p.vertical, grid[1]), h(p, p.horizontal, grid[0]) {
        TATAMI_UNROLL
        for (int k = 0; k < 4; k++) {
            const int row = v.low + k / 2, column = h.low + k % 2;
            inside[k] = row >= 0 && row < p.vertical.size && column >= 0 &&
                        column < p.horizontal.size && k < p.corners;
            at[k] = inside[k] ? int64_t(row) * p.horizontal.size + column : 0;
        }
    }
    template <class S>
    TATAMI_DEVICE T fetch(const S* plane, int k) const {
        return inside[k] ? T(plane[at[k]]) : T(0);
    }
    TATAMI_DEVICE T weight(int k) const { return v.share(k / 2) * h.share(k % 2); }
};

// Channels of a thread: few where there are few places, so that all processors have work.
static int64_t channels_together(const GridSample& p) {
    int64_t together = p.channels;
    while (together > 1 && p.images * p.pixels * (p.channels / together) < 1 << 18) together /= 2;
    return together;
}

// Thread i: the group of channels, image and place by turns, the places first.
template <class T>
__global__ void sample(int64_t count, Sampling<Real<T>> p, int64_t together, Divider by_groups,
                       const T* x, const T* grid, T* y) {
    const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t rest = p.by_pixels(i), place = i - rest * p.pixels;
    const int64_t groups = (p.channels + together - 1) / together;
    const int64_t image = by_groups(rest), first = (rest - image * groups) * together;
    using V = Real<T>;
    const Corners<V> corners(p, grid + (image * p.pixels + place) * 2);
    V weight[4];
    TATAMI_UNROLL
    for (int k = 0; k < 4; k++) weight[k] = corners.weight(k);
    const int64_t end = first + together < p.channels ? first + together : p.channels;
    for (int64_t c = image * p.channels + first; c < image * p.channels + end; c++) {
        const T* const plane = x + c * p.plane();
        V sum = corners.fetch(plane, 0) * weight[0];
        TATAMI_UNROLL
        for (int k = 1; k < 4; k++) sum = fma(corners.fetch(plane, k), weight[k], sum);
        y[c * p.pixels + place] = sum;
    }
}

template <class T>
static void forward(const GridSample& p, const T* x, const T* grid, T* y) {
    const int64_t together = channels_together(p);
    if (together <= 0) return;
    const int64_t groups = (p.channels + together - 1) / together;
    const int64_t count = p.images * groups * p.pixels;
    if (count <= 0) return;
    launch({dim3(unsigned((count + kRowThreads - 1) / kRowThreads)), dim3(kRowThreads)}, &sample<T>,
           count, Sampling<Real<T>>(p), together, Divider(groups), x, grid, y);
}

// The cell of a place: the pixel before it, counted from one before the image; those that touch no
// pixel have the last number.
template <class T>
struct Cells {
    using V = Real<T>;
    Sampling<V> p;
    const T* grid;

    TATAMI_DEVICE int64_t across() const { return p.horizontal.size + 1; }
    TATAMI_DEVICE int64_t of_image() const { return (p.vertical.size + 1) * across(); }
    TATAMI_DEVICE int64_t operator()(int64_t i) const {
        const Place<V> v(p, p.vertical, grid[2 * i + 1]), h(p, p.horizontal, grid[2 * i]);
        if (v.low < -1 || v.low >= p.vertical.size || h.low < -1 || h.low >= p.horizontal.size)
            return p.images * of_image();
        return p.by_pixels(i) * of_image() + (v.low + 1) * across() + h.low + 1;
    }
};

// begins[key], ends[key]: where the elements of each key that there is stand.
template <class I>
__global__ void find_runs(int64_t n, const I* keys, I* begins, I* ends) {
    const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
    if (i >= n) return;
    if (i == 0 || keys[i - 1] != keys[i]) begins[keys[i]] = I(i);
    if (i == n - 1 || keys[i + 1] != keys[i]) ends[keys[i]] = I(i + 1);
}

static constexpr int kGradChannels = 4;  // of a thread

// Thread i: the pixel, group of channels and image by turns, the pixels first.
template <class T, class I>
__global__ void gather_places(int64_t count, Cells<T> cells, Divider by_plane, Divider by_groups,
                              const I* begins, const I* ends, const I* positions, const T* dy,
                              T* dx) {
    const int64_t i = int64_t(blockIdx.x) * kRowThreads + threadIdx.x;
    if (i >= count) return;
    using V = Real<T>;
    const Sampling<V>& p = cells.p;
    const int64_t rest = by_plane(i), pixel = i - rest * p.plane();
    const int64_t groups = (p.channels + kGradChannels - 1) / kGradChannels;
    const int64_t image = by_groups(rest), first = (rest - image * groups) * kGradChannels;
    const int row = int(pixel / p.horizontal.size);
    const int column = int(pixel) - row * p.horizontal.size;
    const int channels =
        int(p.channels - first < kGradChannels ? p.channels - first : kGradChannels);
    const T* const from = dy + (image * p.channels + first) * p.pixels;
    V sum[kGradChannels] = {};
    for (int k = 0; k < p.corners; k++) {
        // The pixel is corner k of the places in this cell.
        const int64_t cell =
            image * cells.of_image() + (row + 1 - k / 2) * cells.across() + (column + 1 - k % 2);
        for (I j = begins[cell]; j < ends[cell]; j++) {
            const int64_t position = positions[j], place = position - image * p.pixels;
            const Place<V> v(p, p.vertical, cells.grid[2 * position + 1]);
            const Place<V> h(p, p.horizontal, cells.grid[2 * position]);
            const V weight = v.share(k / 2) * h.share(k % 2);
            TATAMI_UNROLL
            for (int c = 0; c < kGradChannels; c++)
                if (c < channels) sum[c] = fma(V(from[c * p.pixels + place]), weight, sum[c]);
        }
    }
    T* const to = dx + (image * p.channels + first) * p.plane() + pixel;
    TATAMI_UNROLL
    for (int c = 0; c < kGradChannels; c++)
        if (c < channels) to[c * p.plane()] = sum[c];
}

template <class T>
static void input_grad(const GridSample& p, const T* dy, const T* grid, T* dx) {
    const int64_t groups = (p.channels + kGradChannels - 1) / kGradChannels;
    const int64_t plane = p.vertical.size * p.horizontal.size;
    const int64_t count = p.images * groups * plane, n = p.images * p.pixels;
    if (count <= 0) return;
    const Cells<T> cells{Sampling<Real<T>>(p), grid};
    const int64_t limit = p.images * (p.vertical.size + 1) * (p.horizontal.size + 1) + 1;
    with_integer(n, limit, [&]<class I>() {
        const Sorted<I> sorted(n, limit, cells);
        const Workspace runs(size_t(2 * limit) * sizeof(I));
        I *const begins = runs.as<I>(), *const ends = begins + limit;
        fill(2 * limit, I(0), begins);
        const auto grid_of = [](int64_t threads) {
            return Grid{dim3(unsigned((threads + kRowThreads - 1) / kRowThreads)),
                        dim3(kRowThreads)};
        };
        if (n > 0) launch(grid_of(n), &find_runs<I>, n, sorted.keys, begins, ends);
        launch(grid_of(count), &gather_places<T, I>, count, cells, Divider(plane), Divider(groups),
               begins, ends, sorted.positions, dy, dx);
    });
}

template <class T>
struct Both {
    T by_row, by_column;
    TATAMI_DEVICE Both operator+(const Both& b) const {
        return {by_row + b.by_row, by_column + b.by_column};
    }
};

// A team a place, which shares the channels.
template <class Team, class T>
__global__ void grid_gradient(int64_t count, Sampling<Real<T>> p, const T* dy, const T* x,
                              const T* grid, T* dgrid) {
    const int64_t i =
        int64_t(blockIdx.x) * Team::kTeams + threadIdx.x / (kRowThreads / Team::kTeams);
    if (i >= count) return;
    const Team team;
    const int64_t image = p.by_pixels(i), place = i - image * p.pixels;
    using V = Real<T>;
    const Corners<V> at(p, grid + 2 * i);
    const V down = at.v.above, right = at.h.above;
    Both<V> sum{};
    for (int64_t c = team.rank(); c < p.channels; c += team.size()) {
        const T* const plane = x + (image * p.channels + c) * p.plane();
        const V g = dy[(image * p.channels + c) * p.pixels + place];
        const V a = at.fetch(plane, 0), b = at.fetch(plane, 1);
        const V d = at.fetch(plane, 2), e = at.fetch(plane, 3);
        sum.by_column = fma(g, (b - a) * (V(1) - down) + (e - d) * down, sum.by_column);
        sum.by_row = fma(g, (d - a) * (V(1) - right) + (e - b) * right, sum.by_row);
    }
    sum = team.reduce(sum, Plus{});
    if (team.rank() > 0) return;
    dgrid[2 * i] = at.h.moves ? sum.by_column * p.horizontal.scale : V(0);
    dgrid[2 * i + 1] = at.v.moves ? sum.by_row * p.vertical.scale : V(0);
}

template <class T>
static void grid_grad(const GridSample& p, const T* dy, const T* x, const T* grid, T* dgrid) {
    const int64_t count = p.images * p.pixels;
    if (count <= 0) return;
    const auto start = [&]<class Team>(Team) {
        launch({dim3(unsigned((count + Team::kTeams - 1) / Team::kTeams)), dim3(kRowThreads)},
               &grid_gradient<Team, T>, count, Sampling<Real<T>>(p), dy, x, grid, dgrid);
    };
    // Places alone fill the processors, or a warp goes over the channels of each.
    if (p.channels < kWarp || p.pixels >= 1 << 14)
        start(Single{});
    else
        start(WarpTeam{});
}

template <class T>
GridSampleKernels<T> grid_sample_kernels() {
    return {&forward<T>, &input_grad<T>, &grid_grad<T>};
}
template GridSampleKernels<float> grid_sample_kernels();
template GridSampleKernels<double> grid_sample_kernels();
template GridSampleKernels<Half> grid_sample_kernels();
template GridSampleKernels<Bfloat16> grid_sample_kernels();

}  // namespace tatami::cuda
