#include "core/cuda_library.h"

#include <dlfcn.h>
#include <unistd.h>

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

[[noreturn]] void fail(const std::string& why) {
    throw std::runtime_error("CUDA: " + why);
}

CudaLibrary open(const char* file, const char* how) {
    const std::string path = own_folder() + file;
    if (access(path.c_str(), F_OK)) fail(std::string("this build of tatami has no ") + file + how);
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) fail(dlerror());
    using Get = const Tables* (*)(size_t bytes);
    const auto get = reinterpret_cast<Get>(dlsym(library, "tatami_cuda_tables"));
    CudaLibrary found{get ? get(sizeof(Tables)) : nullptr, nullptr, nullptr};
    found.context =
        reinterpret_cast<decltype(found.context)>(dlsym(library, "tatami_cuda_context"));
    found.graph = reinterpret_cast<decltype(found.graph)>(dlsym(library, "tatami_cuda_graph"));
    if (!found.tables || !found.context || !found.graph)
        fail(path + " is not of this version of tatami");
    return found;
}

}  // namespace

bool cuda_is_emulated() {
    static const bool emulated = [] {
        const char* wanted = std::getenv("TATAMI_CUDA");
        return wanted && std::string(wanted) == "emulate";
    }();
    return emulated;
}

const CudaLibrary& cuda_library() {
    static const CudaLibrary library =
        cuda_is_emulated()
            ? open("libtatami_cuda_emulated.so",
                   ": TATAMI_CUDA=emulate wants a build with -DTATAMI_CUDA_EMULATOR=ON")
            : open("libtatami_cuda.so",
                   ": it is built where nvcc is found (pip install . with CUDA 13's toolkit on "
                   "PATH)");
    return library;
}

}  // namespace tatami
