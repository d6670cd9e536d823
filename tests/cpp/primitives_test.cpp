// Every primitive of primitives.cuh on random numbers. As a test it runs on the emulator: the same
// bits under any schedule. With the name of a file it writes those bits there; benchmarks/gpu.py
// compares them with what a GPU writes, for which nvcc compiles this file too.
#include <cstdio>
#include <string>
#include <vector>

#include "cuda/launch.cuh"
#ifndef __CUDACC__
#include "check.h"
#endif

namespace tatami::cuda {

Context& context() {
    static thread_local Context one;
    return one;
}

// A primitive: each lane of a warp has kIn random words and makes kOut words of them. NaN is
// written as one NaN, since its payload is nobody's business.

TATAMI_DEVICE uint32_t word_of(float x) {
    return x != x ? 0x7FC00000u : bits::of(x);
}

template <class T>
struct To16 {
    static constexpr int kIn = 1, kOut = 1;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        out[0] = T(bits::as_float(in[0])).word;
    }
};
struct OfHalf {
    static constexpr int kIn = 1, kOut = 1;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        Half h;
        h.word = uint16_t(in[0]);
        out[0] = word_of(h);
    }
};
struct ToTf32 {
    static constexpr int kIn = 1, kOut = 1;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        out[0] = to_tf32(in[0]) & ~0x1FFFu;  // the others are not looked at
    }
};

struct Shuffle {
    static constexpr int kIn = 2, kOut = 1;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        out[0] = shuffle(in[0], int(in[1] % kWarp));
    }
};
struct ShuffleXor {
    static constexpr int kIn = 2, kOut = 10;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        for (int i = 0; i < 5; i++) {
            const Pair32 other = shuffle_xor(Pair32{{in[0], in[1]}}, 1 << i);
            out[2 * i] = other.at[0], out[2 * i + 1] = other.at[1];
        }
    }
};
struct Ballot {
    static constexpr int kIn = 1, kOut = 2;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        out[0] = ballot(in[0] % 3 == 0);
        out[1] = uint32_t(bit_count(out[0]));
    }
};

// Lane l owns 16 bytes of shared memory; row l of what is loaded lies at a lane that is not l.
template <bool TRANSPOSED>
struct LoadMatrices {
    static constexpr int kIn = 4, kOut = 4;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        const int lane = int(threadIdx.x);
        uint32_t* const shared = shared_memory<uint32_t>();
        for (int i = 0; i < 4; i++) shared[lane * 4 + i] = in[i];
        sync_warp();
        const auto m = load_matrices<TRANSPOSED>(shared + (lane * 5 + 3) % kWarp * 4);
        for (int i = 0; i < 4; i++) out[i] = m.at[i];
    }
};

// Copies of 0, 4, 8, 12 or 16 bytes, read by the next lane.
struct AsyncCopy {
    static constexpr int kIn = 8, kOut = 4;
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        const int lane = int(threadIdx.x);
        uint32_t* const shared = shared_memory<uint32_t>();
        async_copy(shared + lane * 4, in, int(in[4] % 5) * 4);
        close_copies();
        wait_for_copies<0>();
        sync_block();
        for (int i = 0; i < 4; i++) out[i] = shared[(lane + 1) % kWarp * 4 + i];
    }
};

// Of whole numbers, since tensor cores round the sums of others in ways of their own.
template <class T>
struct Multiply {
    static constexpr int kIn = 10, kOut = 4;
    static TATAMI_DEVICE float number(uint32_t random) { return float(int(random % 33) - 16); }
    static TATAMI_DEVICE uint32_t word(uint32_t random) {
        if constexpr (sizeof(T) == 4)
            return bits::of(number(random));
        else
            return uint32_t(T(number(random)).word) << 16 | T(number(random >> 8)).word;
    }
    TATAMI_DEVICE void operator()(const uint32_t* in, uint32_t* out) const {
        Matrices4 a;
        Pair32 b;
        Sums4 sums;
        for (int i = 0; i < 4; i++) a.at[i] = word(in[i]), sums.at[i] = number(in[6 + i]);
        for (int i = 0; i < 2; i++) b.at[i] = word(in[4 + i]);
        multiply_matrices<T>(sums, rounded<T>(a), b);
        for (int i = 0; i < 4; i++) out[i] = word_of(sums.at[i] + 0.0f);
    }
};

template <class P>
__global__ void run_primitive(const uint32_t* in, uint32_t* out) {
    const int64_t i = int64_t(blockIdx.x) * kWarp + threadIdx.x;
    P{}(in + i * P::kIn, out + i * P::kOut);
}

inline constexpr int kWords = 1 << 16;  // of random input

// Memory of both.
class Words {
  public:
    explicit Words(int64_t count) {
#ifdef __CUDACC__
        check(cudaMallocManaged(&data_, size_t(count) * 4), "memory");
#else
        data_ = static_cast<uint32_t*>(emulator::allocate(size_t(count) * 4));
#endif
    }
    ~Words() {
#ifdef __CUDACC__
        cudaFree(data_);
#else
        emulator::release(data_);
#endif
    }
    uint32_t* data() const { return data_; }

  private:
    uint32_t* data_ = nullptr;
};

template <class P>
static std::string run(const char* name, bool consecutive = false) {
    const int blocks = kWords / P::kIn / kWarp;
    const Words in(kWords), out(int64_t(blocks) * kWarp * P::kOut);
    uint32_t state = 12345;
    for (int i = 0; i < kWords; i++) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        in.data()[i] = consecutive ? uint32_t(i) : state;
    }
    launch({dim3(unsigned(blocks)), dim3(kWarp), kWarp * 16}, &run_primitive<P>, in.data(),
           out.data());
#ifdef __CUDACC__
    check(cudaDeviceSynchronize(), name);
#endif
    std::string line = name;
    char word[16];
    for (int i = 0; i < blocks * kWarp * P::kOut; i++) {
        std::snprintf(word, sizeof word, " %x", unsigned(out.data()[i]));
        line += word;
    }
    return line + "\n";
}

static std::string run_all() {
    return run<To16<Half>>("to_half") + run<OfHalf>("of_half", true) +
           run<To16<Bfloat16>>("to_bfloat16") + run<ToTf32>("to_tf32") + run<Shuffle>("shuffle") +
           run<ShuffleXor>("shuffle_xor") + run<Ballot>("ballot") +
           run<LoadMatrices<false>>("load_matrices") +
           run<LoadMatrices<true>>("load_matrices_transposed") + run<AsyncCopy>("async_copy") +
           run<Multiply<Half>>("multiply_half") + run<Multiply<Bfloat16>>("multiply_bfloat16") +
           run<Multiply<float>>("multiply_tf32");
}

}  // namespace tatami::cuda

int main(int count, char** arguments) {
    const std::string found = tatami::cuda::run_all();
    if (count > 1) {
        std::FILE* const file = std::fopen(arguments[1], "w");
        if (!file || std::fputs(found.c_str(), file) < 0 || std::fclose(file)) return 1;
    }
#ifndef __CUDACC__
    for (const uint64_t seed : {2, 3}) {
        tatami::emulator::set_schedule(seed);
        CHECK(tatami::cuda::run_all() == found);
    }
#endif
    std::puts("primitives: the same bits under any schedule");
}
