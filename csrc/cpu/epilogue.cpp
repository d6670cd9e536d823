#include "cpu/epilogue.h"

#include "cpu/activate.h"

namespace tatami::TATAMI_ISA {

template <class T>
void activate_rows(Activation kind, T* x, int64_t stride, int64_t rows, int64_t columns) {
    with_activation<T>(kind, T(kLeakySlope), [&](auto f) {
        for (int64_t r = 0; r < rows; r++)
            for (int64_t i = 0; i < columns; i += kLanes<T>) {
                const int64_t left = min<int64_t>(kLanes<T>, columns - i);
                T* at = x + r * stride + i;
                store_first(at, f(load_first(at, left)), left);
            }
    });
}
template void activate_rows(Activation, float*, int64_t, int64_t, int64_t);
template void activate_rows(Activation, double*, int64_t, int64_t, int64_t);

}  // namespace tatami::TATAMI_ISA
