# The library of CUDA kernels, twice: for GPUs where there is nvcc, and as plain C++ on an emulator.
set(TATAMI_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO (where nvcc is found), ON or OFF")
set(TATAMI_CUDA_ARCHS "" CACHE STRING
    "GPUs to build for, as CMAKE_CUDA_ARCHITECTURES, or 'release' for all that a wheel serves; \
empty: this machine's GPU, else 90")
option(TATAMI_CUDA_EMULATOR "Build the emulated CUDA kernels, for TATAMI_CUDA=emulate" OFF)

if(TATAMI_CUDA AND NOT TATAMI_SANITIZE)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    add_subdirectory(csrc/cuda)
  elseif(TATAMI_CUDA STREQUAL AUTO)
    message(STATUS "nvcc was not found: tatami is built without CUDA")
  else()
    message(FATAL_ERROR "TATAMI_CUDA=ON but nvcc was not found: put it on PATH, or name it in CUDACXX")
  endif()
endif()
if(TATAMI_CUDA_EMULATOR)
  add_subdirectory(csrc/cuda/emulator)
endif()
