// Convolutions with few rows of weights a group (depthwise, RGB, first layers, first gradients) or
// wide images. A packed panel would be read a few times only, so none is built: vectors of pixels
// slide over a strip of the source. One strip serves every phase of a strided input gradient.
//
// Each element is the same chain of fused multiply-adds as through gemm.h: the same bits.
#pragma once

#include "cpu/activate.h"
#include "cpu/image.h"
#include "cpu/parallel.h"
#include "cpu/strip.h"

namespace tatami::TATAMI_ISA {

inline constexpr int kDirectTileRows = kRegisters == 32 ? 12 : 6;

inline constexpr int kMostVectors = 8;

// As many vectors of pixels as the registers hold beside them and a broadcast.
template <int ROWS>
inline constexpr int kDirectVectors = min(kMostVectors, (kRegisters - 2) / (ROWS + 1));

// Where one vector of a tile goes: of the first row, and elements between rows.
template <class T>
struct VectorTarget {
    SumOf<T>* data;
    int64_t row;
};

// to (NV vectors of ROWS) = [relu of] bias (ROWS, or nullptr) + sum over channels and taps of a
// (channels, taps, ROWS) · strip[position[vector] + channel·channel_stride + offset[tap]...]
template <class T, int ROWS>
void direct_tile(int64_t channels, int64_t taps, const int64_t* offset, int64_t channel_stride,
                 const T* a, const T* strip, const int64_t* position, const SumOf<T>* bias,
                 bool relu, const VectorTarget<T>* to) {
    constexpr int NV = kDirectVectors<ROWS>;
    const T* b[NV];
    for (int j = 0; j < NV; j++) b[j] = strip + position[j];
    Vec<T> acc[ROWS][NV] = {};
    for (int64_t channel = 0, base = 0; channel < channels; channel++, base += channel_stride)
        for (int64_t t = 0; t < taps; t++, a += ROWS) {
            Vec<T> row[NV];
#pragma GCC unroll 8
            for (int j = 0; j < NV; j++) row[j] = load(b[j] + base + offset[t]);
            multiply_add<T, ROWS, NV>(acc, a, 1, row);
        }
#pragma GCC unroll 12
    for (int i = 0; i < ROWS; i++)
#pragma GCC unroll 8
        for (int j = 0; j < NV; j++) {
            const Vec<SumOf<T>> sum = bias ? acc[i][j] + bias[i] : acc[i][j];
            store(to[j].data + i * to[j].row, relu ? Relu<SumOf<T>>{}(sum) : sum);
        }
}

template <class T>
struct DirectTile {
    void (*run)(int64_t channels, int64_t taps, const int64_t* offset, int64_t channel_stride,
                const T* a, const T* strip, const int64_t* position, const SumOf<T>* bias,
                bool relu, const VectorTarget<T>* to);
    int64_t vectors;
};

template <class T, int... I>
TATAMI_INLINE DirectTile<T> direct_tile_for(int64_t rows, std::integer_sequence<int, I...>) {
    static constexpr DirectTile<T> table[] = {{&direct_tile<T, I + 1>, kDirectVectors<I + 1>}...};
    return table[rows - 1];
}

// One product over the strip: some of its taps, onto a grid of its own.
template <class T, class A>
struct Phase {
    A weights;
    int64_t first_tap, taps;
    Image<T> out;

    // What it gathers; g: the taps of all phases, on the largest grid.
    TATAMI_INLINE GatherShape shape(GatherShape g) const {
        g.rows = out.rows, g.columns = out.columns;
        g.taps = taps, g.tap += first_tap;
        return g;
    }
};

// The vectors that cover `rows` rows of a grid: each row for itself, or one after the other through
// the margins of the strip, where that takes fewer.
template <class T>
struct Walk {
    int64_t columns, pitch, row_vectors, vectors;
    bool by_row;

    TATAMI_INLINE Walk(int64_t rows, int64_t columns, int64_t pitch)
        : columns(columns), pitch(pitch), row_vectors(ceil_div(columns, kLanes<T>)) {
        const int64_t through = ceil_div(rows * pitch, kLanes<T>);
        by_row = rows * row_vectors <= through;
        vectors = by_row ? rows * row_vectors : through;
    }

    TATAMI_INLINE int64_t position(int64_t vector) const {
        return by_row ? vector / row_vectors * pitch + vector % row_vectors * kLanes<T>
                      : vector * kLanes<T>;
    }

    // use(lane, i, j, length): the pixels of the grid among a vector's lanes.
    template <class Use>
    TATAMI_INLINE void each_run(int64_t vector, int64_t rows, const Use& use) const {
        const int64_t first = position(vector);
        int64_t i = first / pitch, j = first % pitch;
        for (int64_t lane = 0; lane < kLanes<T> && i < rows; i++, j = 0) {
            const int64_t length = min(kLanes<T> - lane, columns - j);
            if (length > 0) use(lane, i, j, length);
            if (by_row) return;
            lane += pitch - j;
        }
    }
};

// Whether sliding over a strip costs less than packing panels, by shape alone: packing a vector of
// pixels costs about kPackRows rows of products, the strip the products of its margins. phase_taps:
// the most of one phase.
template <class T>
TATAMI_INLINE bool direct_pays(int64_t m, const GatherShape& g, int64_t phase_taps,
                               const Strip& strip) {
    constexpr int64_t kFewRows = 16, kPackRows = 8, kDeepest = 1024;
    if (m <= kFewRows) return true;
    const int64_t pixels = strip.rows * g.columns;
    const int64_t wasted = Walk<T>(strip.rows, g.columns, strip.pitch).vectors * kLanes<T> - pixels;
    return g.taps > 1 && g.channels * phase_taps <= kDeepest && m * wasted < kPackRows * pixels;
}

// A phase made ready: its weights packed in tiles of rows, its taps as offsets into the strip.
template <class T>
struct PackedPhase {
    int64_t m, tile_rows, tile_size;  // of weights: all rows, those of a tile, its elements
    const T* weights;
    int64_t channels, taps;
    const int64_t* offset;  // (taps)
};

// The rows [row, row + rows) of a phase's grid, in one image. tile: scratch for vectors that are
// not whole in one row of the image.
template <class T>
void direct_rows(const PackedPhase<T>& a, const Strip& s, const T* strip, const Image<T>& out,
                 int64_t image, int64_t row, int64_t rows, SumOf<T>* tile) {
    const Walk<T> walk(rows, out.columns, s.pitch);
    const bool relu = out.activation == Activation::relu;
    const bool ready = relu || out.activation == Activation::none;  // when they leave the registers
    const T* weights = a.weights;
    for (int64_t first = 0; first < a.m; first += a.tile_rows, weights += a.tile_size) {
        const int64_t count = min(a.tile_rows, a.m - first);
        const DirectTile<T> kernel =
            direct_tile_for<T>(count, std::make_integer_sequence<int, kDirectTileRows>{});
        const int64_t width = kernel.vectors * kLanes<T>;
        for (int64_t v = 0; v < walk.vectors; v += kernel.vectors) {
            const int64_t used = min(kernel.vectors, walk.vectors - v);
            int64_t position[kMostVectors] = {};
            VectorTarget<T> to[kMostVectors];
            for (int64_t j = 0; j < kernel.vectors; j++) to[j] = {tile + j * kLanes<T>, width};
            for (int64_t j = 0; j < used; j++) {
                position[j] = walk.position(v + j);
                const int64_t i = position[j] / s.pitch, at = position[j] % s.pitch;
                SumOf<T>* const own = out.pixels(first, image, row + i, at);
                if (own && ready && at + kLanes<T> <= out.columns) to[j] = {own, out.plane};
            }
            kernel.run(a.channels, a.taps, a.offset, s.channel_stride, weights, strip, position,
                       out.bias ? out.bias + first : nullptr, relu, to);
            if (!ready) activate_rows(out.activation, tile, width, count, width);
            for (int64_t j = 0; j < used; j++) {
                if (to[j].data != tile + j * kLanes<T>) continue;
                walk.each_run(v + j, rows,
                              [&](int64_t lane, int64_t i, int64_t at, int64_t length) {
                                  out.write_row(tile + j * kLanes<T> + lane, width, first, count,
                                                image, row + i, at, length);
                              });
            }
        }
    }
}

// `count` products of m rows each over all images; g: the taps of all phases, on the largest grid.
template <class T, class A>
void direct(int64_t m, int64_t images, const T* source, const GatherShape& g, const Strip& planned,
            const Phase<T, A>* phase, int64_t count) {
    const Strip s = shared_strip(g, planned, images);
    const Blocks tiles = even_blocks(m, kDirectTileRows, 1);
    // A packer may write up to a vector past its tile: each tile has room of its own.
    const int64_t room = tiles.size * g.channels * g.taps + count * kPack<T>;
    const memory::Scratch offsets(g.taps * sizeof(int64_t)), ready(count * sizeof(PackedPhase<T>)),
        weights(tiles.count * room * sizeof(T));
    strip_offsets(g, s, offsets.as<int64_t>());
    PackedPhase<T>* const packed = ready.as<PackedPhase<T>>();
    T* to = weights.as<T>();
    for (int64_t p = 0; p < count; p++) {
        const int64_t depth = g.channels * phase[p].taps, size = tiles.size * depth + kPack<T>;
        packed[p] = {m,
                     tiles.size,
                     size,
                     to,
                     g.channels,
                     phase[p].taps,
                     offsets.as<int64_t>() + phase[p].first_tap};
        for (int64_t row = 0; row < m; row += tiles.size, to += size)
            if (depth) phase[p].weights.pack(to, row, min(tiles.size, m - row), 0, depth);
    }

    const int64_t strips = ceil_div(g.rows, s.rows);
    const int64_t strip_size = round_up(g.channels * s.channel_stride, kPack<T>) + kPack<T>;
    const int64_t tile_size = kDirectTileRows * kMostVectors * kLanes<T>;
    const memory::Scratch scratch(num_threads() * (strip_size + tile_size) * sizeof(T));
    const int64_t work = images * g.rows * s.pitch * m * (g.channels * g.taps + 4) / kLanes<T>;
    parallel_for(images * strips, work, [&](int64_t task, int worker) {
        T* const strip = scratch.as<T>() + worker * (strip_size + tile_size);
        const int64_t image = task / strips, row = task % strips * s.rows;
        fill_strip(g, s, source + image * g.image_stride, row, strip);
        for (int64_t p = 0; p < count; p++)
            direct_rows(packed[p], s, strip, phase[p].out, image, row,
                        min(s.rows, phase[p].out.rows - row),
                        reinterpret_cast<SumOf<T>*>(strip + strip_size));
    });
}

}  // namespace tatami::TATAMI_ISA
