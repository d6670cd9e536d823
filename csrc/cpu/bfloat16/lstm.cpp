// LSTM of bfloat16 in the processor's own instruction. Factors have 16 bits: x, h, the weights and
// the gradients of the gates before their functions. All sums are float32, and so is c from step to
// step.
#include "cpu/lstm.h"

#include "cpu/bfloat16/product.h"
#include "cpu/recurrent_grad.h"
#include "cpu/table.h"

namespace tatami::TATAMI_ISA {

// Elements of a row of x: whole cache lines, and no multiple of 1 KiB, as in recurrent.cpp.
static int64_t factor_row(int64_t k) {
    const int64_t whole = round_up(max<int64_t>(k, 1), 32);
    return whole % 512 ? whole : whole + 32;
}

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
    const bool keep = a.h_states != nullptr;
    const int64_t x_row = factor_row(p.i), slot = p.n * p.state_row, gates_size = p.n * p.columns;
    const Blocks chunks = even_blocks(
        p.t,
        max<int64_t>(kProjectionBytes / max<int64_t>(gates_size * int64_t(sizeof(float)), 1), 1),
        1);
    const memory::Scratch x_panels(panels_size<Twin, 4>(p.h, twins(p.i)) * sizeof(Twin)),
        h_panels(panels_size<Twin, 4>(p.h, twins(p.h)) * sizeof(Twin)),
        x(p.t * p.n * x_row * sizeof(Bfloat16)), h_memory(keep ? 0 : 2 * slot * sizeof(Bfloat16)),
        c_memory(2 * slot * sizeof(float)), gates(chunks.size * gates_size * sizeof(float)),
        bias(p.columns * sizeof(float));
    const Widened b_ih(a.b_ih, p.columns), b_hh(a.b_hh, p.columns), c0(a.c0, p.n * p.h);
    for (int64_t j = 0; j < p.columns; j++)
        bias.as<float>()[j] = (a.b_ih ? b_ih[j] : 0) + (a.b_hh ? b_hh[j] : 0);
    pack_gates(x_panels.as<Twin>(), a.w_ih, p.h, p.i);
    pack_gates(h_panels.as<Twin>(), a.w_hh, p.h, p.h);
    copy_factors(x.as<Bfloat16>(), x_row, a.x, p.t * p.n, p.i);

    const States<Bfloat16> h{keep ? a.h_states : h_memory.as<Bfloat16>(), slot, keep, p.reverse};
    const States<float> c{c_memory.as<float>(), slot, false, p.reverse};
    const States<Bfloat16> kept_c{a.c_states, slot, true, p.reverse};
    const int64_t first = p.reverse ? p.t : 0, last = p.reverse ? 0 : p.t;
    if (p.h % 2)  // the second number of each row's last twin
        std::memset(h.data, 0, size_t((keep ? p.t + 1 : 2) * slot) * sizeof(Bfloat16));
    copy_factors(h.at(first), p.state_row, a.h0, p.n, p.h);
    copy_rows<float>(c.at(first), p.state_row, c0, p.h, p.n, p.h);
    if (keep) copy_factors(kept_c.at(first), p.state_row, a.c0, p.n, p.h);
    for (int64_t done = 0; done < p.t; done += chunks.size) {
        const int64_t steps = min(chunks.size, p.t - done);
        const int64_t first_t = p.reverse ? p.t - done - steps : done;
        const auto project = [&](const StepShare& share) {
            const StepProduct<Twin> of_x{
                p.h,        twins(p.i),          as_twins(x.as<Bfloat16>() + first_t * p.n * x_row),
                x_row / 2,  x_panels.as<Twin>(), nullptr,
                twins(p.i), {nullptr, 0}};
            const Projection<float, 4> finish{bias.as<float>(), gates.as<float>(), p.h, p.columns};
            over_steps<Twin, 4>(of_x, steps, p.n, share, finish);
        };
        for_steps<Bfloat16>(p, 1 + steps, [&](int64_t s, const StepShare& share) {
            if (s == 0) return project(share);
            const int64_t t = time_of(p, done + s - 1);
            const Live live{a.lengths, t};
            const LstmForward<float, Bfloat16> finish{
                live,
                p.h,
                p.state_row,
                gates.as<float>() + (t - first_t) * gates_size,
                h.before(t),
                c.before(t),
                h.after(t),
                c.after(t),
                a.y + t * p.n * p.h,
                keep ? a.kept + t * gates_size : nullptr,
                keep ? kept_c.after(t) : nullptr};
            step<Twin, 4>({p.h, twins(p.h), as_twins(h.before(t)), p.state_row / 2,
                           h_panels.as<Twin>(), nullptr, twins(p.h), live},
                          share, finish);
        });
    }
    for (int64_t r = 0; r < p.n; r++) {
        std::memmove(a.h_n + r * p.h, h.at(last) + r * p.state_row, size_t(p.h) * sizeof(Bfloat16));
        convert(c.at(last) + r * p.state_row, a.c_n + r * p.h, p.h);
    }
}

// to (panels; twins, 2 vectors) = W_hh (columns, h), as step.h reads it.
static void pack_back(Twin* to, const Bfloat16* w_hh, const Recurrent& p) {
    constexpr int64_t n = kLanes<Twin>, width = kStepUnits<Twin, 1>;
    const int64_t depth = twins(p.columns);
    parallel_for(ceil_div(p.h, width), p.h * depth / n, [&](int64_t panel, int) {
        for (int64_t d = 0; d < depth; d++)
            for (int64_t unit = panel * width; unit < (panel + 1) * width; unit += n) {
                const Bfloat16* const row = w_hh + 2 * d * p.h + unit;
                store(to + panel * depth * width + d * width + unit % width,
                      zip_twins(row + p.h, row, max<int64_t>(min(n, p.h - unit), 0)));
            }
    });
}

static void backward(const Recurrent& p, const RecurrentBackward<Bfloat16>& a) {
    const int64_t rows = p.t * p.n, slot = p.n * p.state_row, depth = twins(p.columns);
    const memory::Scratch panels(panels_size<Twin, 1>(p.h, depth) * sizeof(Twin)),
        deltas(rows * p.delta_row * sizeof(Bfloat16)), carries(2 * slot * sizeof(float));
    Bfloat16* const delta = deltas.as<Bfloat16>();
    float *const carry = carries.as<float>(), *const carry_c = carry + slot;
    const States<const Bfloat16> h{a.h_states, slot, true, p.reverse},
        c{a.c_states, slot, true, p.reverse};
    pack_back(panels.as<Twin>(), a.w_hh, p);
    copy_rows<float>(carry, p.state_row, Widened(a.grad_h_n, p.n * p.h), p.h, p.n, p.h);
    copy_rows<float>(carry_c, p.state_row, Widened(a.grad_c_n, p.n * p.h), p.h, p.n, p.h);

    const auto from_later = [&](int64_t s) -> StepProduct<Twin> {
        const bool last = s + 1 >= p.t;
        const int64_t t = last ? 0 : time_of(p, s + 1);
        return {p.h,
                last ? 0 : depth,
                as_twins(delta + t * p.n * p.delta_row),
                p.delta_row / 2,
                panels.as<Twin>(),
                nullptr,
                depth,
                {a.lengths, t}};
    };
    for_steps<Bfloat16>(p, p.t + 1, [&](int64_t done, const StepShare& share) {
        const int64_t s = p.t - 1 - done, t = time_of(p, s);
        if (s < 0) {
            const FirstState<float, Bfloat16> finish{carry, p.state_row, a.grad_h0, p.h};
            return step<Twin, 1>(from_later(s), share, finish);
        }
        const LstmBackward<float, Bfloat16> finish{{a.lengths, t},
                                                   p.h,
                                                   p.state_row,
                                                   p.delta_row,
                                                   a.grad_y ? a.grad_y + t * p.n * p.h : nullptr,
                                                   a.kept + t * p.n * p.kept_row,
                                                   c.before(t),
                                                   c.after(t),
                                                   carry,
                                                   carry_c,
                                                   delta + t * p.n * p.delta_row};
        step<Twin, 1>(from_later(s), share, finish);
    });
    for (int64_t r = 0; r < p.n && a.grad_c0; r++)
        convert(carry_c + r * p.state_row, a.grad_c0 + r * p.h, p.h);

    const auto rounded = [](Bfloat16* to, int64_t columns) {
        return RoundedC{to, columns, nullptr, Activation::none};
    };
    const EndedRows<Bfloat16> x(p, a, 0, p.t);
    const TwinsA turned{delta, 1, p.delta_row, rows};
    product(rows, p.i, TwinsA{delta, p.delta_row, 1, p.columns}, TwinsB{a.w_ih, p.i, 1, p.columns},
            rounded(a.grad_x, p.i));
    product(p.columns, p.i, turned, TwinsB{x.data(), p.i, 1, rows}, rounded(a.grad_w_ih, p.i));
    product(p.columns, p.h, turned, TwinsB{h.before(0), p.state_row, 1, rows},
            rounded(a.grad_w_hh, p.h));
    for (Bfloat16* sum : {a.grad_b_ih, a.grad_b_hh})
        if (sum) sum_rows<float>(delta, p.delta_row, rows, p.columns, sum);
}

template <>
RecurrentKernels<Bfloat16> lstm_kernels() {
    return {&forward, &backward};
}

}  // namespace tatami::TATAMI_ISA
