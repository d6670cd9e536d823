// Positions sorted by their keys, those with one key in their order: a radix sort, the lowest digit
// first. What shares a key then stands side by side, and can be summed in a fixed order.
#pragma once

#include <utility>

#include "cuda/launch.cuh"
#include "cuda/reduce.cuh"

namespace tatami::cuda {

inline constexpr int kSortThreads = 256, kSortWarps = kSortThreads / kWarp;
inline constexpr int kDigitBits = 8, kDigits = 1 << kDigitBits;
inline constexpr int kSortRounds = 8;  // of a warp, in each of which a lane has one element
inline constexpr int kSortTile = kSortThreads * kSortRounds;  // elements of a block
static_assert(kDigits == kSortThreads);

// How a block sees its tile: warp w has the elements first + w · 32 · rounds and so on.
struct SortTile {
    int64_t first, n;
    TATAMI_DEVICE explicit SortTile(int64_t n)
        : first(int64_t(blockIdx.x) * kSortTile +
                int64_t(threadIdx.x) / kWarp * (kWarp * kSortRounds)),
          n(n) {}
    TATAMI_DEVICE int64_t element(int round) const {
        return first + round * kWarp + threadIdx.x % kWarp;
    }
};

// ranks[round]: how many elements of the warp stand before this one and share its digit. counters
// (of the warp, shared): how many have each digit. Digits are `bits` wide.
template <class Digit>
TATAMI_DEVICE void rank_digits(const SortTile& tile, int bits, Digit digit_of, int* counters,
                               int (&ranks)[kSortRounds]) {
    const int lane = int(threadIdx.x) % kWarp;
    for (int d = lane; d < kDigits; d += kWarp) counters[d] = 0;
    sync_warp();
    TATAMI_UNROLL
    for (int round = 0; round < kSortRounds; round++) {
        const int64_t i = tile.element(round);
        const bool some = i < tile.n;
        const int digit = some ? digit_of(i) : 0;
        uint32_t peers = ballot(some);
        for (int b = 0; b < bits; b++) {
            const bool set = digit >> b & 1;
            const uint32_t lanes = ballot(set);
            peers &= set ? lanes : ~lanes;
        }
        const int before = counters[digit], earlier = bit_count(peers & ((1u << lane) - 1));
        ranks[round] = before + earlier;
        sync_warp();
        if (some && earlier == 0) counters[digit] = before + bit_count(peers);
        sync_warp();
    }
}

// counts (digits, tiles) of one digit of the keys, which key(i) gives.
template <class I, class Key>
__global__ void count_digits(int64_t n, int shift, int bits, Key key, I* counts) {
    int* const counters = shared_memory<int>();
    const int mask = (1 << bits) - 1;
    int ranks[kSortRounds];
    rank_digits(
        SortTile(n), bits, [&](int64_t i) { return int(key(i) >> shift) & mask; },
        counters + threadIdx.x / kWarp * kDigits, ranks);
    sync_block();
    if (int(threadIdx.x) > mask) return;
    int sum = 0;
    for (int w = 0; w < kSortWarps; w++) sum += counters[w * kDigits + threadIdx.x];
    counts[int64_t(threadIdx.x) * gridDim.x + blockIdx.x] = I(sum);
}

// A block a digit: counts (tiles) become the sums of those before, totals[digit] the sum of all.
template <class I>
__global__ void sum_tiles(int64_t tiles, I* counts, I* totals) {
    I* const own = counts + int64_t(blockIdx.x) * tiles;
    const int64_t each = (tiles + kSortThreads - 1) / kSortThreads;
    const int64_t begin = int64_t(threadIdx.x) * each;
    const int64_t end = begin + each < tiles ? begin + each : tiles;
    I sum = 0;
    for (int64_t t = begin; t < end; t++) sum += own[t];
    I before = sum_before(sum, shared_memory<I>());
    for (int64_t t = begin; t < end; t++) {
        const I count = own[t];
        own[t] = before;
        before += count;
    }
    if (threadIdx.x == kSortThreads - 1) totals[blockIdx.x] = before;
}

// Elements to where their digit puts them.
template <class I, class Key, class Position>
__global__ void move_by_digit(int64_t n, int shift, int bits, Key key, Position position,
                              const I* counts, const I* totals, I* keys, I* positions) {
    I* const starts = shared_memory<I>();  // of the digits in this tile, once for every warp
    int* const counters = reinterpret_cast<int*>(starts + kSortWarps * kDigits);
    I* const room = reinterpret_cast<I*>(counters + kSortWarps * kDigits);
    const int mask = (1 << bits) - 1, own = int(threadIdx.x), warp = own / kWarp;
    const SortTile tile(n);
    const auto digit_of = [&](int64_t i) { return int(key(i) >> shift) & mask; };
    int ranks[kSortRounds];
    rank_digits(tile, bits, digit_of, counters + warp * kDigits, ranks);
    I start = sum_before(own <= mask ? totals[own] : I(0), room);
    if (own <= mask) start += counts[int64_t(own) * gridDim.x + blockIdx.x];
    for (int w = 0; w < kSortWarps; w++) {
        starts[w * kDigits + own] = start;
        start += counters[w * kDigits + own];
    }
    sync_block();
    TATAMI_UNROLL
    for (int round = 0; round < kSortRounds; round++) {
        const int64_t i = tile.element(round);
        if (i >= n) continue;
        const I to = starts[warp * kDigits + digit_of(i)] + ranks[round];
        keys[to] = I(key(i));
        positions[to] = I(position(i));
    }
}

struct OwnPosition {
    TATAMI_DEVICE int64_t operator()(int64_t i) const { return i; }
};

template <class I>
struct Stored {
    const I* values;
    TATAMI_DEVICE int64_t operator()(int64_t i) const { return values[i]; }
};

// The positions 0 ... n - 1 by key(position), in 0 ... limit - 1. I holds n and limit.
template <class I>
class Sorted {
  public:
    template <class Key>
    Sorted(int64_t n, int64_t limit, const Key& key)
        : n_(n),
          tiles_((n + kSortTile - 1) / kSortTile),
          workspace_(size_t(4 * n + tiles_ * kDigits + kDigits) * sizeof(I)),
          counts_(workspace_.template as<I>()),
          totals_(counts_ + tiles_ * kDigits) {
        I* const first = totals_ + kDigits;
        keys = first, positions = first + n;
        spare_keys_ = first + 2 * n, spare_positions_ = first + 3 * n;
        if (n <= 0) return;
        int width = 1;
        while (width < 62 && (limit - 1) >> width) width++;
        const int passes = (width + kDigitBits - 1) / kDigitBits;
        const int bits = (width + passes - 1) / passes;
        pass(0, bits, key, OwnPosition{});
        for (int p = 1; p < passes; p++) {
            std::swap(keys, spare_keys_), std::swap(positions, spare_positions_);
            pass(p * bits, bits, Stored<I>{spare_keys_}, Stored<I>{spare_positions_});
        }
    }

    I *keys, *positions;  // (n), sorted

  private:
    template <class Key, class Position>
    void pass(int shift, int bits, const Key& key, const Position& position) {
        constexpr size_t kCounters = kSortWarps * kDigits;
        const dim3 blocks{unsigned(tiles_)}, threads{kSortThreads};
        launch({blocks, threads, kCounters * sizeof(int)}, &count_digits<I, Key>, n_, shift, bits,
               key, counts_);
        launch({dim3(1u << bits), threads, kReduceRoom * sizeof(I)}, &sum_tiles<I>, tiles_, counts_,
               totals_);
        launch({blocks, threads, kCounters * (sizeof(I) + sizeof(int)) + kReduceRoom * sizeof(I)},
               &move_by_digit<I, Key, Position>, n_, shift, bits, key, position, counts_, totals_,
               keys, positions);
    }

    int64_t n_, tiles_;
    Workspace workspace_;
    I *counts_, *totals_, *spare_keys_, *spare_positions_;
};

// Calls use.operator()<I>() with the smallest integer that holds n and limit.
template <class Use>
void with_integer(int64_t n, int64_t limit, const Use& use) {
    if ((n | limit) >> 31)
        use.template operator()<int64_t>();
    else
        use.template operator()<int32_t>();
}

}  // namespace tatami::cuda
