# Stops with one clear message where the compiler cannot build the kernels.
set(fits TRUE)
if(NOT cxx_std_20 IN_LIST CMAKE_CXX_COMPILE_FEATURES)
  set(fits FALSE)
elseif(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 11)
  set(fits FALSE)  # does not know -march=x86-64-v4
elseif(CMAKE_CXX_COMPILER_ID MATCHES Clang AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  set(fits FALSE)
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(fits FALSE)  # the vectors are GCC's and Clang's extension
endif()
if(NOT fits)
  message(FATAL_ERROR
    "tatami needs a C++20 compiler: GCC 11, Clang 14 or later. ${CMAKE_CXX_COMPILER} is "
    "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}. Install one (on Debian and Ubuntu: "
    "apt install g++) or name it in the environment variable CXX, for example CXX=g++-12.")
endif()
