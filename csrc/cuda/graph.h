// Work that is captured instead of done, to be launched as one graph of a GPU.
#pragma once

#include <memory>

namespace tatami::cuda {

// Parts in a row, each of what a stream was given from begin() to add(). A part can be given again,
// by the same kernels with other arguments: from begin() to replace().
class Graph {
  public:
    virtual ~Graph() = default;
    virtual void begin(void* stream) = 0;  // not the default stream
    // The number of the part, which must not read or write memory of the host.
    virtual int add() = 0;
    virtual void replace(int part) = 0;
    virtual void abandon() = 0;             // what was begun, if anything
    virtual void launch(void* stream) = 0;  // of any kind
};

std::unique_ptr<Graph> make_graph();

}  // namespace tatami::cuda
