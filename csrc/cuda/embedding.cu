// Rows gathered from a table; their gradients sorted by row and summed in the order of the indices.
// An index outside the table reads NaN, and its gradient goes nowhere.
#include "cuda/divide.cuh"
#include "cuda/elementwise.cuh"
#include "cuda/sort.cuh"
#include "cuda/table.h"
#include "ops/embedding.h"

namespace tatami::cuda {

static constexpr int kThreads = 256;

static unsigned blocks_of(int64_t threads) {
    return unsigned((threads + kThreads - 1) / kThreads);
}

// What elements V are summed in.
template <class V>
struct WideOf;
template <class T, int N>
struct WideOf<Elements<T, N>> {
    using type = Elements<Real<T>, N>;
};
template <class V>
using Wide = typename WideOf<V>::type;

// to += from, or to = from, between elements of any two types.
template <class To, class From>
static TATAMI_DEVICE void add(To& to, const From& from) {
    for (int k = 0; k < int(sizeof(to.at) / sizeof(to.at[0])); k++) to.at[k] += from.at[k];
}
template <class To, class From>
static TATAMI_DEVICE void put(To& to, const From& from) {
    for (int k = 0; k < int(sizeof(to.at) / sizeof(to.at[0])); k++) to.at[k] = from.at[k];
}

// A thread an element V of y, which has several columns.
template <class T, class V>
__global__ void gather_rows(int64_t count, int64_t table, Divider by_columns, int64_t columns,
                            const int64_t* indices, const V* weight, V* y) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t row = by_columns(i), index = indices[row];
    V value;
    if (uint64_t(index) < uint64_t(table))
        value = weight[index * columns + (i - row * columns)];
    else
        for (T& v : value.at) v = T(NAN);
    y[i] = value;
}

// Calls use(V{}, columns) with V the widest elements that all rows of the arrays are made of.
template <class T, class Use>
static void with_elements(const Embedding& p, const T* a, const T* b, const Use& use) {
    constexpr int kWide = 16 / int(sizeof(T));
    if (p.columns % kWide == 0 && aligned_to(a, 16) && aligned_to(b, 16))
        use(Elements<T, kWide>{}, p.columns / kWide);
    else
        use(Elements<T, 1>{}, p.columns);
}

template <class T>
static void forward(const Embedding& p, const int64_t* indices, const T* weight, T* y) {
    with_elements(p, weight, y, [&]<class V>(V, int64_t columns) {
        const int64_t count = p.rows * columns;
        if (count <= 0) return;
        launch({dim3(blocks_of(count)), dim3(kThreads)}, &gather_rows<T, V>, count, p.table,
               Divider(columns), columns, indices, reinterpret_cast<const V*>(weight),
               reinterpret_cast<V*>(y));
    });
}

// The index at a position, or `table` where it is outside.
struct RowKey {
    const int64_t* indices;
    int64_t table;
    TATAMI_DEVICE int64_t operator()(int64_t i) const {
        const int64_t index = indices[i];
        return uint64_t(index) < uint64_t(table) ? index : table;
    }
};

// The sorted rows in chunks of equal length. A run of one key that lies within a chunk is summed
// there; the part of a longer one that begins in a chunk is its tail, others are heads.
template <class I, class V>
struct Runs {
    int64_t n, chunk, columns, table;
    Divider by_columns;
    const I *keys, *positions;
    Wide<V>*heads, *tails;  // (chunks, columns)
    V* dweight;

    // Whether the element at `at` belongs to the run of the one before.
    TATAMI_DEVICE bool goes_on(int64_t at) const {
        return at > 0 && at < n && keys[at] == keys[at - 1];
    }
};

static constexpr int kRowsAhead = 4;  // that a thread reads before it adds them

template <class I, class V>
__global__ void sum_runs(int64_t count, Runs<I, V> r, const V* dy) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t number = r.by_columns(i), column = i - number * r.columns;
    const int64_t begin = number * r.chunk, end = begin + r.chunk < r.n ? begin + r.chunk : r.n;
    bool head = r.goes_on(begin);
    Wide<V> sum{};
    for (int64_t first = begin; first < end; first += kRowsAhead) {
        V row[kRowsAhead];
        TATAMI_UNROLL
        for (int k = 0; k < kRowsAhead; k++)
            row[k] =
                first + k < end ? dy[int64_t(r.positions[first + k]) * r.columns + column] : V{};
        TATAMI_UNROLL
        for (int k = 0; k < kRowsAhead; k++) {
            const int64_t at = first + k;
            if (at >= end) break;
            add(sum, row[k]);
            const bool more = r.goes_on(at + 1);
            if (more && at + 1 < end) continue;
            const int64_t key = r.keys[at];
            if (head)
                r.heads[i] = sum;
            else if (more)
                r.tails[i] = sum;
            else if (key < r.table)
                put(r.dweight[key * r.columns + column], sum);
            head = false;
            sum = {};
        }
    }
}

// dweight of the runs that begin in one chunk and go on in others.
template <class I, class V>
__global__ void join_runs(int64_t count, Runs<I, V> r) {
    const int64_t i = int64_t(blockIdx.x) * kThreads + threadIdx.x;
    if (i >= count) return;
    const int64_t number = r.by_columns(i), begin = number * r.chunk, end = begin + r.chunk;
    if (!r.goes_on(end)) return;
    const I key = r.keys[end];
    if (key >= r.table || (r.goes_on(begin) && r.keys[begin] == key)) return;
    Wide<V> sum = r.tails[i];
    for (int64_t at = end, c = i + r.columns; at < r.n && r.keys[at] == key;
         at += r.chunk, c += r.columns)
        add(sum, r.heads[c]);
    put(r.dweight[key * r.columns + (i - number * r.columns)], sum);
}

// Rows of a chunk: short enough for enough threads.
static int64_t chunk_of(int64_t n, int64_t columns) {
    int64_t chunk = 64;
    while (chunk > 4 && n / chunk * columns < 1 << 17) chunk /= 2;
    return chunk;
}

template <class T>
static void backward(const Embedding& p, const T* dy, const int64_t* indices, T* dweight) {
    fill(p.table * p.columns, T(0), dweight);
    if (p.rows * p.columns <= 0) return;
    const auto sum = [&]<class I>() {
        const Sorted<I> sorted(p.rows, p.table + 1, RowKey{indices, p.table});
        with_elements(p, dy, dweight, [&]<class V>(V, int64_t columns) {
            const int64_t chunk = chunk_of(p.rows, columns);
            const int64_t count = (p.rows + chunk - 1) / chunk * columns;
            const Workspace partial(size_t(2 * count) * sizeof(Wide<V>));
            auto* const heads = partial.template as<Wide<V>>();
            const Runs<I, V> runs{p.rows,           chunk,
                                  columns,          p.table,
                                  Divider(columns), sorted.keys,
                                  sorted.positions, heads,
                                  heads + count,    reinterpret_cast<V*>(dweight)};
            const Grid grid{dim3(blocks_of(count)), dim3(kThreads)};
            launch(grid, &sum_runs<I, V>, count, runs, reinterpret_cast<const V*>(dy));
            launch(grid, &join_runs<I, V>, count, runs);
        });
    };
    with_integer(p.rows, p.table + 1, sum);
}

template <class T>
EmbeddingKernels<T> embedding_kernels() {
    return {&forward<T>, &backward<T>};
}
template EmbeddingKernels<float> embedding_kernels();
template EmbeddingKernels<double> embedding_kernels();
template EmbeddingKernels<Half> embedding_kernels();
template EmbeddingKernels<Bfloat16> embedding_kernels();

}  // namespace tatami::cuda
