// Max pooling by windows of 2x2 side by side where a vector is one pixel of kLanes images, as in
// batch.h: maxima are taken between vectors, and gradients put back between them.
#pragma once

#include "cpu/argmax.h"
#include "cpu/batch.h"
#include "cpu/bytes.h"
#include "ops/pooled_conv2d.h"

namespace tatami::TATAMI_ISA {

// Where the choice of the windows of a channel begins, kLanes images from `image` on.
template <class T, class Byte>
TATAMI_INLINE Byte* choice_of(const PooledConv2d& p, Byte* choice, int64_t image, int64_t channel) {
    const int64_t block = image / kPack<T> * p.conv.o + channel;
    return choice + block * p.rows * p.columns * kPack<T> + image % kPack<T>;
}

inline constexpr int kNoChoice = 4;

// The maximum of a window of vectors, as max_pool2d finds it; with RELU no less than 0.
template <bool RELU, class T>
TATAMI_INLINE Vec<T> window_max(const T* top, const T* bottom) {
    constexpr int n = kLanes<T>;
    const Vec<T> best = max_nan<T>(max_nan<T>(load(top), load(top + n)),
                                   max_nan<T>(load(bottom), load(bottom + n)));
    return RELU ? at_least<T>(best, T(0)) : best;
}

// The same with the choice.
template <bool RELU, class T>
TATAMI_INLINE Best<T> window_best(const T* top, const T* bottom) {
    constexpr int n = kLanes<T>;
    Best<T> best{load(top), Mask<T>{}};
    best.take(load(top + n), Mask<T>{} + Int<T>(1));
    best.take(load(bottom), Mask<T>{} + Int<T>(2));
    best.take(load(bottom + n), Mask<T>{} + Int<T>(3));
    if constexpr (RELU) {
        best.place = best.value <= T(0) ? Mask<T>{} + Int<T>(kNoChoice) : best.place;
        best.value = at_least<T>(best.value, T(0));
    }
    return best;
}

// The windows of a band, c (count, rows, columns, kLanes), are pooled in its place: (count,
// windows, kLanes), densely.
template <bool RELU, class T>
void pool_band(const PooledConv2d& p, const BatchBand& band, T* c, uint8_t* choice) {
    constexpr int64_t n = kLanes<T>;
    const int64_t row_size = p.conv.ow * n, windows = p.columns, rows = band.rows / 2;
    const int64_t first = band.row / 2 * windows * kPack<T>;
    T* to = c;
    for (int64_t r = 0; r < band.count; r++) {
        uint8_t* chosen =
            choice ? choice_of<T>(p, choice, band.image, band.first + r) + first : nullptr;
        const T* top = c + r * band.rows * row_size;
        for (int64_t i = 0; i < rows; i++, top += 2 * row_size)
            for (int64_t j = 0; j < windows; j++, to += n) {
                const T *a = top + 2 * j * n, *b = a + row_size;
                if (!choice) {
                    store(to, window_max<RELU>(a, b));
                    continue;
                }
                const Best<T> best = window_best<RELU>(a, b);
                store(to, best.value);
                store_bytes<T>(chosen, best.place);
                chosen += kPack<T>;
            }
    }
}

// The gradient of the pooling for kLanes images from `image` on, laid out as vectors: to (o, oh,
// s.pitch, kLanes) from dy (n, o, windows).
template <class T>
void expand_batch(const PooledConv2d& p, const BatchStrip& s, const T* dy, const uint8_t* choice,
                  int64_t image, int64_t images, T* to) {
    constexpr int64_t n = kLanes<T>;
    const int64_t windows = p.rows * p.columns, size = p.conv.o * windows;
    const int64_t row = s.pitch * n, right = s.pitch - s.left - 2 * p.columns;
    const memory::Scratch scratch(size_t(size * n) * sizeof(T));
    const T* from = scratch.as<T>();
    const GatherShape dense{1, 1, size, size, 1, size, 1, 1, 1, nullptr};
    fill_batch(dense, {0, size, size}, dy + image * size, images, scratch.as<T>());
    const auto zeros = [](T* at, int64_t count) {
        for (int64_t j = 0; j < count; j++) store(at + j * n, Vec<T>{});
    };
    for (int64_t c = 0; c < p.conv.o; c++) {
        const uint8_t* chosen = choice_of<T>(p, choice, image, c);
        for (int64_t i = 0; i < p.rows; i++, to += 2 * row) {
            T *top = to + s.left * n, *bottom = top + row;
            zeros(to, s.left);
            zeros(to + row, s.left);
            for (int64_t j = 0; j < p.columns; j++, from += n, chosen += kPack<T>) {
                const Vec<T> v = load(from);
                const Mask<T> place = load_bytes<T>(chosen);
                const auto at = [&](int pixel) {
                    return select<T>(place == Int<T>(pixel), v, Vec<T>{});
                };
                store(top, at(0)), store(top + n, at(1));
                store(bottom, at(2)), store(bottom + n, at(3));
                top += 2 * n, bottom += 2 * n;
            }
            zeros(top, right);
            zeros(bottom, right);
        }
        if (p.conv.oh % 2) zeros(to, s.pitch), to += row;
    }
}

}  // namespace tatami::TATAMI_ISA
