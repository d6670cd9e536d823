#include "core/kernels.h"

#include <cstdlib>

#include "core/check.h"
#include "core/cuda_library.h"

namespace tatami {

#ifdef TATAMI_HAVE_AVX512
namespace avx512 {
Tables make_tables();
}
namespace avx512_bf16 {
Tables make_tables();
}
#endif
#ifdef TATAMI_HAVE_AVX2
namespace avx2 {
Tables make_tables();
}
#endif
#ifdef TATAMI_HAVE_NEON
namespace neon {
Tables make_tables();
}
#endif
#ifdef TATAMI_HAVE_PORTABLE
namespace portable {
Tables make_tables();
}
#endif

namespace {

#ifdef __x86_64__
// x86-64-v3 and -v4 by the features that tell them; the compilers' own names for them are newer.
bool has_v3() {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
bool has_v4() {
    return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
bool has_bfloat16() {
    return has_v4() && __builtin_cpu_supports("avx512bf16");
}
#endif

struct Backend {
    std::string name;
    bool supported;
    Tables (*make)();
};

// Best first.
const std::vector<Backend>& backends() {
    static const std::vector<Backend> emulated = {
        {"cuda", true, [] { return *cuda_library().tables; }}};
    if (cuda_is_emulated()) return emulated;
    static const std::vector<Backend> list = {
#ifdef TATAMI_HAVE_AVX512
        {"avx512_bf16", has_bfloat16(), &avx512_bf16::make_tables},
        {"avx512", has_v4(), &avx512::make_tables},
#endif
#ifdef TATAMI_HAVE_AVX2
        {"avx2", has_v3(), &avx2::make_tables},
#endif
#ifdef TATAMI_HAVE_NEON
        {"neon", true, &neon::make_tables},
#endif
#ifdef TATAMI_HAVE_PORTABLE
        {"portable", true, &portable::make_tables},
#endif
    };
    return list;
}

struct Active {
    std::string name;
    Tables tables;
};

Active choose(const std::string& wanted) {
    for (const Backend& b : backends())
        if (b.supported && (wanted.empty() || b.name == wanted)) return {b.name, b.make()};
    std::string names;
    for (const std::string& n : isas()) names += (names.empty() ? "" : ", ") + n;
    throw ValueError(concat("instruction set '", wanted,
                            "' (TATAMI_ISA) is not available here: choose one of ", names));
}

Active& active() {
    static Active chosen = [] {
        const char* wanted = std::getenv("TATAMI_ISA");
        return choose(wanted ? wanted : "");
    }();
    return chosen;
}

}  // namespace

const Tables& tables(Device device) {
    return device == Device::cuda ? *cuda_library().tables : active().tables;
}
const std::string& isa() {
    return active().name;
}
void set_isa(const std::string& wanted) {
    active() = choose(wanted);
}

std::vector<std::string> isas() {
    std::vector<std::string> names;
    for (const Backend& b : backends())
        if (b.supported) names.push_back(b.name);
    return names;
}

}  // namespace tatami
