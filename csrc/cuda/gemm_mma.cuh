// The products of numbers of 16 bits, and of float32 rounded to TF32, on the tensor cores, with
// sums in float32. Tiles of A and B lie in shared memory as they come from memory, in chunks of 16
// bytes, kStages - 1 of them under way while one is used. Chunks are shuffled within lines of 128
// bytes, so that what a warp reads at once lies in different banks whichever way it is read.
#pragma once

#include "cuda/gemm_factor.cuh"
#include "cuda/primitives.cuh"

namespace tatami::cuda {

// A tile of WIDTH lines by DEPTH of k; the chunks of a row are neighbours in memory: of k
// (ALONG_DEPTH), or of lines.
template <class T, int WIDTH, int DEPTH, bool ALONG_DEPTH>
struct ChunkTile {
    static constexpr int kEach = kChunk<T>, kOfRow = (ALONG_DEPTH ? DEPTH : WIDTH) / kEach;

    // Where chunk c of row r starts.
    TATAMI_DEVICE static int chunk(int r, int c) {
        constexpr int kRows = kOfRow < 8 ? 8 / kOfRow : 1;  // in 128 bytes
        constexpr int kMask = kOfRow < 8 ? kOfRow - 1 : 7;
        constexpr int kTurn = kOfWords && !ALONG_DEPTH ? 2 : 1;  // two chunks are read of a row
        return (r * kOfRow + (c ^ (r / kRows * kTurn & kMask))) * kEach;
    }
    TATAMI_DEVICE static int element(int line, int k) {
        return ALONG_DEPTH ? chunk(line, k / kEach) + k % kEach
                           : chunk(k, line / kEach) + line % kEach;
    }
    // Four matrices of 8 lines by a chunk of k, from (line, k) on: `lane & LINE_BIT` says which
    // begin 8 lines later, the other one of bits 8 and 16 which begin a chunk later.
    template <int LINE_BIT>
    TATAMI_DEVICE static Matrices4 matrices(const T* tile, int line, int k) {
        const int lane = int(threadIdx.x) % kWarp;
        const int l = line + (lane & LINE_BIT ? 8 : 0);
        const int d = k + (lane & (24 ^ LINE_BIT) ? kEach : 0);
        if constexpr (ALONG_DEPTH)
            return load_matrices<false>(tile + chunk(l + lane % 8, d / kEach));
        else if constexpr (kOfWords)
            return words<LINE_BIT>(tile, line + lane / 4, k + lane % 4);
        else
            return load_matrices<true>(tile + chunk(d + lane % 8, l / kEach));
    }

  private:
    static constexpr bool kOfWords = sizeof(T) == 4;

    // The same where no instruction turns matrices: of words.
    template <int LINE_BIT>
    TATAMI_DEVICE static Matrices4 words(const T* tile, int line, int k) {
        Matrices4 m;
        TATAMI_UNROLL
        for (int i = 0; i < 4; i++) {
            const int l = i * 8 & LINE_BIT ? 8 : 0, d = i * 8 & (24 ^ LINE_BIT) ? kEach : 0;
            memcpy(&m.at[i], tile + element(line + l, k + d), sizeof m.at[i]);
        }
        return m;
    }
};

// A factor that says where its elements lie, and whether the neighbours of a chunk lie together and
// aligned.
template <class F, class Line>
concept HasPlaces = requires(const F& f, Line line) {
    f.wide();
    f.place(line, int64_t(0));
};

// How a block's threads bring the tiles of such a factor, by asynchronous copies.
template <class T, class Shape, int WIDTH, class Factor, class Line, class Find>
class ChunkFeeder {
    using Tile = ChunkTile<T, WIDTH, Shape::kDepth, Factor::kAlongDepth>;
    static constexpr int kEach = WIDTH * Shape::kDepth / kChunk<T> / Shape::kThreads;
    static_assert(kEach * Shape::kThreads * kChunk<T> == WIDTH * Shape::kDepth);
    static constexpr int kLines = Factor::kAlongDepth ? kEach : 1;
    static_assert(Shape::kThreads % Tile::kOfRow == 0);

  public:
    TATAMI_DEVICE ChunkFeeder(const Factor& factor, const Find& find, int64_t first, int64_t count)
        : factor_(factor), find_(find), first_(first), count_(count), wide_(factor.wide()) {
        TATAMI_UNROLL
        for (int i = 0; i < kLines; i++) line_[i] = find(inside(i) > 0 ? first + line_of(i) : 0);
    }
    TATAMI_DEVICE void begin(T* tile, int64_t k, int64_t end) {
        TATAMI_UNROLL
        for (int i = 0; i < kEach; i++) {
            const int at = int(threadIdx.x) + i * Shape::kThreads;
            T* const to = tile + Tile::chunk(at / Tile::kOfRow, at % Tile::kOfRow);
            const int64_t d = k + depth_of(i);
            if (wide_)
                copy(to, i, d, end);
            else
                gather(to, i, d, end);
        }
    }
    TATAMI_DEVICE void finish(T*) {}

  private:
    TATAMI_DEVICE static int line_of(int i) {
        const int at = int(threadIdx.x) + i * Shape::kThreads;
        return Factor::kAlongDepth ? at / Tile::kOfRow : at % Tile::kOfRow * kChunk<T>;
    }
    TATAMI_DEVICE static int depth_of(int i) {
        const int at = int(threadIdx.x) + i * Shape::kThreads;
        return Factor::kAlongDepth ? at % Tile::kOfRow * kChunk<T> : at / Tile::kOfRow;
    }
    // Lines from that of chunk i on.
    TATAMI_DEVICE int64_t inside(int i) const { return count_ - first_ - line_of(i); }
    TATAMI_DEVICE const Line& line(int i) const { return line_[Factor::kAlongDepth ? i : 0]; }

    TATAMI_DEVICE void copy(T* to, int i, int64_t d, int64_t end) const {
        const int64_t lines = inside(i), deep = end - d;
        int64_t some = lines > 0 && deep > 0 ? (Factor::kAlongDepth ? deep : lines) : 0;
        if (some > kChunk<T>) some = kChunk<T>;
        async_copy(to, factor_.place(line(i), some ? d : 0), int(some) * int(sizeof(T)));
    }
    TATAMI_DEVICE void gather(T* to, int i, int64_t d, int64_t end) const {
        Elements<T, kChunk<T>> own;
        TATAMI_UNROLL
        for (int k = 0; k < kChunk<T>; k++) {
            if constexpr (Factor::kAlongDepth)
                own.at[k] = inside(i) > 0 && d + k < end ? factor_.at(line(i), d + k) : T(0);
            else
                own.at[k] =
                    inside(i) > k && d < end ? factor_.at(find_(first_ + line_of(i) + k), d) : T(0);
        }
        *reinterpret_cast<Elements<T, kChunk<T>>*>(to) = own;
    }

    const Factor& factor_;
    Find find_;
    int64_t first_, count_;
    bool wide_;
    Line line_[kLines];
};

// The same for a factor that can only be read by element, through registers.
template <class T, class Shape, int WIDTH, class Factor, class Line, class Find>
class ElementFeeder {
    using Tile = ChunkTile<T, WIDTH, Shape::kDepth, Factor::kAlongDepth>;
    static constexpr int kEach = WIDTH * Shape::kDepth / Shape::kThreads;
    static constexpr bool kAlong = Factor::kAlongDepth;

  public:
    TATAMI_DEVICE ElementFeeder(const Factor& factor, const Find& find, int64_t first,
                                int64_t count)
        : factor_(factor), find_(find), first_(first), count_(count) {
        if constexpr (!kAlong) line_ = find(first + line_of(0) < count ? first + line_of(0) : 0);
    }
    TATAMI_DEVICE void begin(T*, int64_t k, int64_t end) {
        TATAMI_UNROLL
        for (int i = 0; i < kEach; i++) {
            const int64_t at = first_ + line_of(i), d = k + depth_of(i);
            value_[i] = T(0);
            if (at >= count_ || d >= end) continue;
            if constexpr (kAlong)
                value_[i] = factor_.at(find_(at), d);
            else
                value_[i] = factor_.at(line_, d);
        }
    }
    TATAMI_DEVICE void finish(T* tile) {
        TATAMI_UNROLL
        for (int i = 0; i < kEach; i++) tile[Tile::element(line_of(i), depth_of(i))] = value_[i];
    }

  private:
    TATAMI_DEVICE static int line_of(int i) {
        return kAlong ? int(threadIdx.x) / Shape::kDepth + i * (Shape::kThreads / Shape::kDepth)
                      : int(threadIdx.x) % WIDTH;
    }
    TATAMI_DEVICE static int depth_of(int i) {
        return kAlong ? int(threadIdx.x) % Shape::kDepth
                      : int(threadIdx.x) / WIDTH + i * (Shape::kThreads / WIDTH);
    }

    const Factor& factor_;
    Find find_;
    int64_t first_, count_;
    struct Nothing {};
    std::conditional_t<kAlong, Nothing, Line> line_;
    T value_[kEach];
};

template <class T, class Shape, int WIDTH, class Factor, class Line, class Find>
using Feeder =
    std::conditional_t<HasPlaces<Factor, Line>, ChunkFeeder<T, Shape, WIDTH, Factor, Line, Find>,
                       ElementFeeder<T, Shape, WIDTH, Factor, Line, Find>>;

// A main loop (gemm.cuh): warps have (WARP_ROWS, WARP_COLUMNS) of the block's (ROWS, COLUMNS).
template <class T, int ROWS, int COLUMNS, int WARP_ROWS, int WARP_COLUMNS>
struct MmaLoop {
    using Sum = float;
    static constexpr bool kUseful = kMultiplies<T>;
    static constexpr int kRows = ROWS, kColumns = COLUMNS, kStages = 3;
    static constexpr int kDepth = 4 * kChunk<T>;
    static constexpr int kWarpsAcross = COLUMNS / WARP_COLUMNS;
    static constexpr int kThreads = ROWS / WARP_ROWS * kWarpsAcross * kWarp;
    static constexpr int kBlocks = 256 / kThreads;  // that a processor shall hold
    static constexpr int kDown = WARP_ROWS / 16, kAcross = WARP_COLUMNS / 8;
    static constexpr int kOwnRows = 2 * kDown, kOwnColumns = 2 * kAcross;
    static constexpr int kStage = kDepth * (ROWS + COLUMNS);
    static constexpr size_t kShared = kStages * kStage * sizeof(T);

    Sums4 sums[kDown][kAcross] = {};

    TATAMI_DEVICE static int lane() { return int(threadIdx.x) % kWarp; }
    TATAMI_DEVICE static int warp_row() {
        return int(threadIdx.x) / kWarp / kWarpsAcross * WARP_ROWS;
    }
    TATAMI_DEVICE static int warp_column() {
        return int(threadIdx.x) / kWarp % kWarpsAcross * WARP_COLUMNS;
    }
    TATAMI_DEVICE static int row(int i) { return warp_row() + i / 2 * 16 + i % 2 * 8 + lane() / 4; }
    TATAMI_DEVICE static int column(int j) {
        return warp_column() + j / 2 * 8 + lane() % 4 * 2 + j % 2;
    }
    TATAMI_DEVICE float& at(int i, int j) { return sums[i / 2][j / 2].at[i % 2 * 2 + j % 2]; }

    template <class A, class B>
    TATAMI_DEVICE void multiply(const A& a, const B& b, const Part& p) {
        const auto row_of = [&a](int64_t r) { return a.row(r); };
        const auto column_of = [&b](int64_t c) { return b.column(c); };
        Feeder<T, MmaLoop, ROWS, A, typename A::Row, decltype(row_of)> left(a, row_of, p.row, p.m);
        Feeder<T, MmaLoop, COLUMNS, B, typename B::Column, decltype(column_of)> right(
            b, column_of, p.column, p.n);
        T* const shared = shared_memory<T>();
        const auto stage = [&](int64_t t) { return shared + int(t % kStages) * kStage; };
        const auto begin = [&](int64_t t) {
            left.begin(stage(t), p.k0 + t * kDepth, p.end);
            right.begin(stage(t) + ROWS * kDepth, p.k0 + t * kDepth, p.end);
        };
        const auto finish = [&](int64_t t) {
            left.finish(stage(t));
            right.finish(stage(t) + ROWS * kDepth);
        };
        const int64_t steps = p.end > p.k0 ? (p.end - p.k0 + kDepth - 1) / kDepth : 0;
        // The first turns only begin what later ones use.
        TATAMI_ROLL
        for (int64_t t = 1 - kStages; t < steps; t++) {
            if (t >= 0) {
                wait_for_copies<kStages - 2>();
                sync_block();  // this stage is there, and nobody reads the one before any more
            }
            const int64_t next = t + kStages - 1;
            if (next < steps) begin(next);
            close_copies();
            if (t >= 0)
                multiply_stage<A::kAlongDepth, B::kAlongDepth>(stage(t), stage(t) + ROWS * kDepth);
            if (next < steps) finish(next);
        }
    }

  private:
    // One of the two matrices (8 columns, two chunks of k).
    TATAMI_DEVICE static Pair32 half_of(const Matrices4& m, int which) {
        return {m.at[2 * which], m.at[2 * which + 1]};
    }
    template <bool A_DEEP, bool B_DEEP>
    TATAMI_DEVICE void multiply_stage(const T* a, const T* b) {
        using Left = ChunkTile<T, ROWS, kDepth, A_DEEP>;
        using Right = ChunkTile<T, COLUMNS, kDepth, B_DEEP>;
        TATAMI_UNROLL
        for (int k = 0; k < kDepth; k += 2 * kChunk<T>) {
            Matrices4 left[kDown], right[kAcross / 2];
            TATAMI_UNROLL
            for (int i = 0; i < kDown; i++)
                left[i] = rounded<T>(Left::template matrices<8>(a, warp_row() + i * 16, k));
            TATAMI_UNROLL
            for (int j = 0; j < kAcross / 2; j++)
                right[j] = rounded<T>(Right::template matrices<16>(b, warp_column() + j * 16, k));
            TATAMI_UNROLL
            for (int i = 0; i < kDown; i++) TATAMI_UNROLL
            for (int j = 0; j < kAcross; j++)
                multiply_matrices<T>(sums[i][j], left[i], half_of(right[j / 2], j % 2));
        }
    }
};

// A loop for GPUs from the first with TF32 on (Device::tf32): their copies take no registers.
template <class Loop>
struct FromTf32 : Loop {
    static constexpr bool kUseful = kMultiplies<float>;
};

}  // namespace tatami::cuda
