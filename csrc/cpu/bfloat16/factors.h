// Packers and outputs of gemm.h for plain matrices of bfloat16: factors as twins along k, of which
// an odd one ends with a zero, results rounded once. Blocks of the inner axis are counted in twins.
#pragma once

#include "cpu/bfloat16.h"
#include "cpu/pack.h"

namespace tatami::TATAMI_ISA {

TATAMI_INLINE int64_t twins(int64_t k) {
    return ceil_div(k, 2);
}

// In which order the numbers of a twin follow each other along the inner axis.
enum class TwinOrder : uint8_t {
    added,  // as they are added: the first one in the upper half
    stored  // as neighbours lie in memory
};

// kLanes twins of neighbouring numbers, of which those in `mask` are read; zeros for others.
template <TwinOrder ORDER>
TATAMI_INLINE Vec<Twin> load_twins(const Bfloat16* p, uint32_t mask) {
    const __m512i words = _mm512_maskz_loadu_epi16(mask, p);
    return (Vec<Twin>)(ORDER == TwinOrder::added ? _mm512_maskz_rol_epi32(-1, words, 16) : words);
}

// Twins of two rows, kLanes columns of them: first[i], second[i].
TATAMI_INLINE Vec<Twin> zip_twins(__m256i first, __m256i second) {
    const __m512i upper = _mm512_maskz_slli_epi32(-1, _mm512_maskz_cvtepu16_epi32(-1, first), 16);
    return (Vec<Twin>)_mm512_or_si512(upper, _mm512_maskz_cvtepu16_epi32(-1, second));
}
// The first n columns, zeros past them; without the second row where there is none.
TATAMI_INLINE Vec<Twin> zip_twins(const Bfloat16* first, const Bfloat16* second, int64_t n) {
    const __mmask16 lanes = (1u << n) - 1;
    return zip_twins(_mm256_maskz_loadu_epi16(lanes, first),
                     second ? _mm256_maskz_loadu_epi16(lanes, second) : __m256i{});
}

// to (depth, kLanes; row stride to_stride) = the first twins of `width` rows of `left` numbers,
// `stride` apart, transposed; lanes past `width` zero. Whole vectors are stored.
template <TwinOrder ORDER>
void transpose_twins(Twin* to, int64_t to_stride, const Bfloat16* from, int64_t stride,
                     int64_t width, int64_t depth, int64_t left) {
    constexpr int n = kLanes<Twin>;
    for (int64_t d = 0; d < depth; d += n, from += 2 * n, left -= 2 * n) {
        const uint32_t mask = _bzhi_u32(~0u, uint32_t(min<int64_t>(left, 2 * n)));
        Vec<Twin> block[n];
#pragma GCC unroll 16
        for (int i = 0; i < n; i++)
            block[i] = i < width ? load_twins<ORDER>(from + i * stride, mask) : Vec<Twin>{};
        transpose<Twin>(block);
#pragma GCC unroll 16
        for (int i = 0; i < n; i++) {
            if (d + i >= depth) break;
            store(to + (d + i) * to_stride, block[i]);
        }
    }
}

// The left factor (m, k).
struct TwinsA {
    const Bfloat16* data;
    int64_t row_stride, column_stride;  // one of them is 1
    int64_t k;

    TATAMI_INLINE const Bfloat16* at(int64_t row, int64_t k0) const {
        return data + row * row_stride + 2 * k0 * column_stride;
    }

    TATAMI_INLINE Runs runs(int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        return column_stride == 1 ? runs_of(at(row, k0), rows, 2 * depth, row_stride)
                                  : runs_of(at(row, k0), 2 * depth, rows, column_stride);
    }

    // Stores whole vectors: up to kLanes - 1 elements past the end are overwritten.
    void pack(Twin* to, int64_t row, int64_t rows, int64_t k0, int64_t depth) const {
        constexpr int n = kLanes<Twin>;
        const Bfloat16* from = at(row, k0);
        if (column_stride == 1) {
            // From the right: what a narrow strip stores past its width belongs to strips to come.
            for (int64_t r = (rows - 1) / n * n; r >= 0; r -= n)
                transpose_twins<TwinOrder::added>(to + r, rows, from + r * row_stride, row_stride,
                                                  min<int64_t>(n, rows - r), depth, k - 2 * k0);
            return;
        }
        for (int64_t d = 0; d < depth; d++, to += rows, from += 2 * column_stride) {
            const bool both = 2 * (k0 + d) + 1 < k;
            for (int64_t r = 0; r < rows; r += n)
                store(to + r, zip_twins(from + r, both ? from + column_stride + r : nullptr,
                                        min<int64_t>(n, rows - r)));
        }
    }
};

// The right factor (k, n).
struct TwinsB {
    const Bfloat16* data;
    int64_t row_stride, column_stride;  // one of them is 1
    int64_t k;

    TATAMI_INLINE const Bfloat16* at(int64_t k0, int64_t column) const {
        return data + 2 * k0 * row_stride + column * column_stride;
    }

    TATAMI_INLINE Runs runs(int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        return column_stride == 1 ? runs_of(at(k0, column), 2 * depth, columns, row_stride)
                                  : runs_of(at(k0, column), columns, 2 * depth, column_stride);
    }

    void pack(Twin* to, int64_t column, int64_t columns, int64_t k0, int64_t depth) const {
        constexpr int n = kLanes<Twin>;
        const Bfloat16* from = at(k0, column);
        if (column_stride != 1) {
            for (int64_t c = 0; c < round_up(columns, kPanel<Twin>); c += n)
                transpose_twins<TwinOrder::added>(to + panel_address<Twin>(c, 0, depth),
                                                  kPanel<Twin>, from + c * column_stride,
                                                  column_stride, columns - c, depth, k - 2 * k0);
            return;
        }
        // Two rows at a time over all panels: memory is read in long runs.
        for (int64_t d = 0; d < depth; d++, from += 2 * row_stride) {
            const Bfloat16* const second = 2 * (k0 + d) + 1 < k ? from + row_stride : nullptr;
            for (int64_t c = 0; c < round_up(columns, kPanel<Twin>); c += n) {
                __builtin_prefetch(from + 2 * kRowsAhead * row_stride + c);
                __builtin_prefetch(from + (2 * kRowsAhead + 1) * row_stride + c);
                store(to + panel_address<Twin>(c, d, depth),
                      zip_twins(from + c, second ? second + c : nullptr,
                                max<int64_t>(min<int64_t>(n, columns - c), 0)));
            }
        }
    }
};

// The product (m, n), with a bias of (n) and an activation before it is rounded. Sums live in a
// tile until they are complete: blocks of the inner axis have no end.
struct RoundedC {
    Bfloat16* data;
    int64_t row_stride;
    const Bfloat16* column_bias;  // (n), or nullptr
    Activation activation;

    TATAMI_INLINE int64_t depth_limit() const { return kNoLimit; }
    TATAMI_INLINE float* direct(int64_t, int64_t, int64_t, int64_t&) const { return nullptr; }
    TATAMI_INLINE void read(float*, int64_t, int64_t, int64_t, int64_t) const {}

    TATAMI_INLINE void write(const float* tile, int64_t row, int64_t rows, int64_t column,
                             int64_t columns) const {
        for (int64_t r = 0; r < rows; r++)
            convert(tile + r * kPanel<float>, data + (row + r) * row_stride + column, columns);
    }

    TATAMI_INLINE void finish(float* tile, int64_t stride, int64_t, int64_t rows, int64_t column,
                              int64_t columns) const {
        if (column_bias) {
            for (int64_t c = 0; c < columns; c += kLanes<float>) {
                const int64_t left = min<int64_t>(kLanes<float>, columns - c);
                const Vec<float> bias = load_first(column_bias + column + c, left);
                for (int64_t r = 0; r < rows; r++) {
                    float* const at = tile + r * stride + c;
                    store_first(at, load_first(at, left) + bias, left);
                }
            }
        }
        activate_rows(activation, tile, stride, rows, columns);
    }
};

}  // namespace tatami::TATAMI_ISA
