// Rows gathered from a table, and their gradients added back to it.
#include "ops/embedding.h"

#include "cpu/parallel.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

template <class T>
static void forward(const Embedding& p, const int64_t* indices, const T* weight, T* y) {
    constexpr int64_t line = 64 / int64_t(sizeof(T));
    const int64_t work = p.rows * (p.columns / kLanes<T> + 4) * 2;
    parallel_ranges(p.rows, 16, work, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; row++) {
            const T* const next = weight + indices[min(row + 1, end - 1)] * p.columns;
            for (int64_t i = 0; i < p.columns; i += line) __builtin_prefetch(next + i);
            std::memcpy(y + row * p.columns, weight + indices[row] * p.columns,
                        size_t(p.columns) * sizeof(T));
        }
    });
}

template <class T>
TATAMI_INLINE void add_row(int64_t n, const T* from, T* to) {
    int64_t i = 0;
    for (; i + kLanes<T> <= n; i += kLanes<T>) store(to + i, load(to + i) + load(from + i));
    if (const int64_t left = n - i; left > 0)
        store_first(to + i, load_first(to + i, left) + load_first(from + i, left), left);
}

// A task owns a block of dweight and goes through all indices in order, so that no two tasks write
// one element and the order of each sum is that of the indices. Columns are cut first: unlike rows,
// they share the work evenly whatever the indices.
template <class T>
static void backward(const Embedding& p, const T* dy, const int64_t* indices, T* dweight) {
    constexpr int64_t least = 256 / int64_t(sizeof(T));  // columns of a strip: 4 cache lines
    const int64_t work = (p.rows * 2 + p.table) * (p.columns / kLanes<T> + 4);
    const int64_t threads = num_threads();
    const int64_t strips = max<int64_t>(min(threads, p.columns / least), 1);
    const int64_t width = round_up(ceil_div(p.columns, strips), 64 / int64_t(sizeof(T)));
    const int64_t bands = work < kSerialWork ? 1 : ceil_div(threads, strips);
    const int64_t height = ceil_div(p.table, bands);
    parallel_for(strips * bands, work, [&](int64_t task, int) {
        const int64_t column = task % strips * width, columns = min(width, p.columns - column);
        const int64_t begin = task / strips * height, end = min(begin + height, p.table);
        if (columns <= 0) return;
        for (int64_t row = begin; row < end; row++)
            std::memset(dweight + row * p.columns + column, 0, size_t(columns) * sizeof(T));
        for (int64_t i = 0; i < p.rows; i++)
            if (indices[i] >= begin && indices[i] < end)
                add_row(columns, dy + i * p.columns + column,
                        dweight + indices[i] * p.columns + column);
    });
}

template <class T>
EmbeddingKernels<T> embedding_kernels() {
    return {&forward<T>, &backward<T>};
}
template EmbeddingKernels<float> embedding_kernels();
template EmbeddingKernels<double> embedding_kernels();

}  // namespace tatami::TATAMI_ISA
