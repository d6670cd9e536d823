// LSTM inference of bfloat16 in the processor's own instruction: x, h and the weights are factors
// of 16 bits, c, the gates and all sums are float32.
#include "cpu/bfloat16/by_float32.h"
#include "cpu/bfloat16/factors.h"
#include "cpu/math.h"
#include "cpu/recurrent.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Elements of a row of factors: whole cache lines, and no multiple of 1 KiB, as in recurrent.cpp.
static int64_t factor_row(int64_t k) {
    const int64_t whole = round_up(max<int64_t>(k, 1), 32);
    return whole % 512 ? whole : whole + 32;
}

// From W_hh h to the next state.
struct LstmStep {
    Live live;
    int64_t h_size, h_row, c_row;
    const float *gates, *c_before;  // gates (n, 4, h): projections of x
    const Bfloat16* h_before;
    Bfloat16 *h, *y;
    float* c;

    TATAMI_INLINE void fetch(int64_t row, Units<float> u) const {
        for (int gate = 0; gate < 4; gate++) u.fetch(gates + (row * 4 + gate) * h_size);
        u.fetch(c_before + row * c_row);
    }
    TATAMI_INLINE void operator()(int64_t row, Units<float> u, const Vec<float> (&sum)[4]) const {
        Bfloat16 *const to_h = h + row * h_row + u.first, *const to_y = y + row * h_size + u.first;
        const Vec<float> old_c = u.load(c_before + row * c_row);
        if (!live(row)) {
            store_first(to_h, load_first(h_before + row * h_row + u.first, u.count), u.count);
            store_first(to_y, Vec<float>{}, u.count);
            return u.store(c + row * c_row, old_c);
        }
        const float* const x = gates + row * 4 * h_size;
        const Vec<float> i = sigmoid<float>(sum[0] + u.load(x));
        const Vec<float> f = sigmoid<float>(sum[1] + u.load(x + h_size));
        const Vec<float> g = tanh<float>(sum[2] + u.load(x + 2 * h_size));
        const Vec<float> o = sigmoid<float>(sum[3] + u.load(x + 3 * h_size));
        const Vec<float> new_c = fma(f, old_c, i * g), new_h = o * tanh<float>(new_c);
        u.store(c + row * c_row, new_c);
        store_first(to_h, new_h, u.count);
        store_first(to_y, new_h, u.count);
    }
};

// to (panels; twins, 4 vectors) = W (4 units, k), as step.h reads it.
static void pack_gates(Twin* to, const Bfloat16* w, int64_t units, int64_t k) {
    constexpr int64_t n = kLanes<Twin>;
    const int64_t depth = twins(k);
    parallel_for(ceil_div(units, n), 4 * units * depth / n, [&](int64_t p, int) {
        for (int64_t g = 0; g < 4; g++)
            transpose_twins<TwinOrder::stored>(to + (p * depth * 4 + g) * n, 4 * n,
                                               w + (g * units + p * n) * k, k,
                                               min(n, units - p * n), depth, k);
    });
}

// to (rows, to_row) = from (rows, k), zeros past them and for nullptr.
static void copy_factors(Bfloat16* to, int64_t to_row, const Bfloat16* from, int64_t rows,
                         int64_t k) {
    std::memset(to, 0, size_t(rows * to_row) * sizeof(Bfloat16));
    for (int64_t r = 0; r < rows && from; r++)
        std::memcpy(to + r * to_row, from + r * k, size_t(k) * sizeof(Bfloat16));
}

static const Twin* as_twins(const Bfloat16* row) {
    return reinterpret_cast<const Twin*>(row);
}

static void forward(const Recurrent& p, const RecurrentForward<Bfloat16>& a) {
    if (a.h_states) return avx512::lstm_kernels<Bfloat16>().forward.call(p, a);  // training
    const int64_t x_row = factor_row(p.i), h_row = factor_row(p.h), gates_size = p.n * p.columns;
    const Blocks chunks = even_blocks(
        p.t,
        max<int64_t>(kProjectionBytes / max<int64_t>(gates_size * int64_t(sizeof(float)), 1), 1),
        1);
    const memory::Scratch x_panels(panels_size<Twin, 4>(p.h, twins(p.i)) * sizeof(Twin)),
        h_panels(panels_size<Twin, 4>(p.h, twins(p.h)) * sizeof(Twin)),
        x(p.t * p.n * x_row * sizeof(Bfloat16)), h_memory(2 * p.n * h_row * sizeof(Bfloat16)),
        c_memory(2 * p.n * p.state_row * sizeof(float)),
        gates(chunks.size * gates_size * sizeof(float)), bias(p.columns * sizeof(float));
    const Widened b_ih(a.b_ih, p.columns), b_hh(a.b_hh, p.columns), c0(a.c0, p.n * p.h);
    for (int64_t j = 0; j < p.columns; j++)
        bias.as<float>()[j] = (a.b_ih ? b_ih[j] : 0) + (a.b_hh ? b_hh[j] : 0);
    pack_gates(x_panels.as<Twin>(), a.w_ih, p.h, p.i);
    pack_gates(h_panels.as<Twin>(), a.w_hh, p.h, p.h);
    copy_factors(x.as<Bfloat16>(), x_row, a.x, p.t * p.n, p.i);

    const States<Bfloat16> h{h_memory.as<Bfloat16>(), p.n * h_row, false, p.reverse};
    const States<float> c{c_memory.as<float>(), p.n * p.state_row, false, p.reverse};
    const int64_t first = p.reverse ? p.t : 0, last = p.reverse ? 0 : p.t;
    copy_factors(h.at(first + 1), h_row, nullptr, p.n, p.h);
    copy_factors(h.at(first), h_row, a.h0, p.n, p.h);
    copy_rows<float>(c.at(first), p.state_row, c0, p.h, p.n, p.h);
    for (int64_t done = 0; done < p.t; done += chunks.size) {
        const int64_t steps = min(chunks.size, p.t - done);
        const int64_t first_t = p.reverse ? p.t - done - steps : done;
        const auto project = [&](const StepShare& share) {
            const StepProduct<Twin> of_x{
                p.h,        twins(p.i),          as_twins(x.as<Bfloat16>() + first_t * p.n * x_row),
                x_row / 2,  x_panels.as<Twin>(), nullptr,
                twins(p.i), {nullptr, 0}};
            const Projection<float, 4> finish{bias.as<float>(), gates.as<float>(), p.h, p.columns};
            const auto [begin, end] = share.rows;
            if (end - begin == p.n)  // the rows of all steps are neighbours
                return step<Twin, 4>(of_x, {{0, steps * p.n}, share.part, share.parts}, finish);
            for (int64_t s = 0; s < steps; s++)
                step<Twin, 4>(of_x, {{s * p.n + begin, s * p.n + end}, share.part, share.parts},
                              finish);
        };
        for_steps<Bfloat16>(p, 1 + steps, [&](int64_t s, const StepShare& share) {
            if (s == 0) return project(share);
            const int64_t t = time_of(p, done + s - 1);
            const Live live{a.lengths, t};
            const LstmStep finish{live,
                                  p.h,
                                  h_row,
                                  p.state_row,
                                  gates.as<float>() + (t - first_t) * gates_size,
                                  c.before(t),
                                  h.before(t),
                                  h.after(t),
                                  a.y + t * p.n * p.h,
                                  c.after(t)};
            step<Twin, 4>({p.h, twins(p.h), as_twins(h.before(t)), h_row / 2, h_panels.as<Twin>(),
                           nullptr, twins(p.h), live},
                          share, finish);
        });
    }
    for (int64_t r = 0; r < p.n; r++) {
        std::memmove(a.h_n + r * p.h, h.at(last) + r * h_row, size_t(p.h) * sizeof(Bfloat16));
        convert(c.at(last) + r * p.state_row, a.c_n + r * p.h, p.h);
    }
}

template <>
RecurrentKernels<Bfloat16> lstm_kernels() {
    return {&forward, avx512::lstm_kernels<Bfloat16>().backward};
}

}  // namespace tatami::TATAMI_ISA
