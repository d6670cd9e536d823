#include "core/cuda_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "core/kernels.h"

namespace tatami {

namespace {

// The folder of the library that this code is in.
std::string own_folder() {
    Dl_info info;
    if (!dladdr(reinterpret_cast<const void*>(&own_folder), &info) || !info.dli_fname) return "";
    const std::string path = info.dli_fname;
    return path.substr(0, path.rfind('/') + 1);
}

const Tables& tables_of(const char* file, const char* how) {
    const std::string path = own_folder() + file;
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error("CUDA: " + std::string(dlerror()) + " (" + how + ")");
    using Get = const Tables* (*)();
    const auto get = reinterpret_cast<Get>(dlsym(library, "tatami_cuda_tables"));
    if (!get) throw std::runtime_error("CUDA: " + path + " is not of this version of tatami");
    return *get();
}

}  // namespace

bool cuda_is_emulated() {
    const char* const wanted = std::getenv("TATAMI_CUDA");
    return wanted && std::string(wanted) == "emulate";
}

const Tables& emulated_cuda_tables() {
    return tables_of("libtatami_cuda_emulated.so",
                     "TATAMI_CUDA=emulate wants a build with -DTATAMI_CUDA_EMULATOR=ON");
}

}  // namespace tatami
