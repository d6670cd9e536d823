// The product's side of a convolution: rows are channels, columns the pixels of a grid laid over
// the images, every pixel of them or, for one phase of a stride, each stride-th.
#pragma once

#include "cpu/bfloat16.h"
#include "cpu/epilogue.h"
#include "cpu/gather.h"
#include "cpu/gemm.h"

namespace tatami::TATAMI_ISA {

template <class T>
struct Image {
    Stored<T>* data;  // of pixel (0, 0), image 0, channel 0
    int64_t image_stride, plane;
    int64_t rows, columns;             // the grid
    int64_t row_stride, pixel_stride;  // elements a step of the grid
    const SumOf<T>* bias;              // (channels), or nullptr
    Activation activation;

    // Whether the grid's pixels are the plane's own, in order.
    TATAMI_INLINE bool dense() const { return pixel_stride == 1 && row_stride == columns; }

    TATAMI_INLINE SumOf<T>* direct(int64_t channel, int64_t column, int64_t count,
                                   int64_t& stride) const {
        if constexpr (kRounds) {
            return nullptr;
        } else {
            const int64_t pixels = rows * columns, first = column % pixels;
            if (!dense() || first + count > pixels) return nullptr;
            if (count != kLanes<T> && count != kPanel<T>) return nullptr;
            stride = plane;
            return data + column / pixels * image_stride + channel * plane + first;
        }
    }

    TATAMI_INLINE void read(SumOf<T>* tile, int64_t channel, int64_t channels, int64_t column,
                            int64_t count) const {
        if constexpr (!kRounds)
            each_run(channel, column, count, [&](const Run& run, const T* from) {
                for (int64_t r = 0; r < channels; r++)
                    for (int64_t i = run.first; i < run.last; i++)
                        tile[r * kPanel<T> + i] = from[r * plane + (i - run.first) * pixel_stride];
            });
    }

    TATAMI_INLINE void write(const SumOf<T>* tile, int64_t channel, int64_t channels,
                             int64_t column, int64_t count) const {
        each_run(channel, column, count, [&](const Run& run, Stored<T>* to) {
            for (int64_t r = 0; r < channels; r++)
                write_run(to + r * plane, tile + r * kPanel<T> + run.first, run.last - run.first);
        });
    }

    TATAMI_INLINE void finish(SumOf<T>* tile, int64_t stride, int64_t channel, int64_t channels,
                              int64_t, int64_t count) const {
        if (bias)
            for (int64_t r = 0; r < channels; r++)
                add_to(tile + r * stride, bias[channel + r], count);
        activate_rows(activation, tile, stride, channels, count);
    }

    // `length` pixels of grid row i from column j on, in `channels` rows of a tile.
    TATAMI_INLINE void write_row(const SumOf<T>* tile, int64_t tile_stride, int64_t channel,
                                 int64_t channels, int64_t image, int64_t i, int64_t j,
                                 int64_t length) const {
        Stored<T>* const to =
            data + image * image_stride + channel * plane + i * row_stride + j * pixel_stride;
        for (int64_t r = 0; r < channels; r++)
            write_run(to + r * plane, tile + r * tile_stride, length);
    }

    // Neighbouring pixels of grid row i from column j on, where nothing is between them and nothing
    // is rounded; else nullptr.
    TATAMI_INLINE SumOf<T>* pixels(int64_t channel, int64_t image, int64_t i, int64_t j) const {
        if constexpr (!kRounds)
            if (pixel_stride == 1)
                return data + image * image_stride + channel * plane + i * row_stride + j;
        return nullptr;
    }

    // How deep gemm's blocks may be: scattered pixels are dear to revisit, rounded ones no sums.
    TATAMI_INLINE int64_t depth_limit() const {
        return kRounds ? kNoLimit : dense() ? kDepth : 4 * kDepth;
    }

  private:
    static constexpr bool kRounds = !std::is_same_v<Stored<T>, SumOf<T>>;

    template <class Use>
    TATAMI_INLINE void each_run(int64_t channel, int64_t column, int64_t count,
                                const Use& use) const {
        Run runs[kPanel<T>];
        const int used = dense() ? find_runs(1, rows * columns, column, count, runs)
                                 : find_runs(rows, columns, column, count, runs);
        for (int i = 0; i < used; i++)
            use(runs[i], data + runs[i].image * image_stride + channel * plane +
                             runs[i].i * row_stride + runs[i].j * pixel_stride);
    }

    TATAMI_INLINE void write_run(Stored<T>* to, const SumOf<T>* from, int64_t n) const {
        if (pixel_stride == 1) {
            for (int64_t i = 0; i < n; i += kLanes<T>)
                store_first(to + i, load_first(from + i, min<int64_t>(kLanes<T>, n - i)),
                            min<int64_t>(kLanes<T>, n - i));
        } else if constexpr (kRounds) {
            Stored<T> rounded[kPanel<T>];
            convert(from, rounded, n);
            for (int64_t i = 0; i < n; i++) to[i * pixel_stride] = rounded[i];
        } else {
            for (int64_t i = 0; i < n; i++) to[i * pixel_stride] = from[i];
        }
    }
};

}  // namespace tatami::TATAMI_ISA
