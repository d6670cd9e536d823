// Graphs by capturing a stream; on the emulator a list of launches.
#include <vector>

#include "cuda/graph.h"
#include "cuda/launch.cuh"

namespace tatami::cuda {

namespace {

constexpr char kOther[] =
    "jit: an optimizer or another part of the step that stays live does other work than when it "
    "was recorded; call tatami.jit anew";

#ifdef __CUDACC__

bool on_device(const void* memory) {
    cudaPointerAttributes its{};
    check(cudaPointerGetAttributes(&its, memory), "captured copy");
    return its.type == cudaMemoryTypeDevice || its.type == cudaMemoryTypeManaged;
}

std::vector<cudaGraphNode_t> nodes_of(cudaGraph_t graph) {
    size_t count = 0;
    check(cudaGraphGetNodes(graph, nullptr, &count), "captured work");
    std::vector<cudaGraphNode_t> nodes(count);
    if (count) check(cudaGraphGetNodes(graph, nodes.data(), &count), "captured work");
    return nodes;
}

// Whether a copy's memory, or work of the host, would have to be there again at every launch.
bool needs_host(cudaGraphNode_t node) {
    cudaGraphNodeType type;
    check(cudaGraphNodeGetType(node, &type), "captured work");
    if (type == cudaGraphNodeTypeHost) return true;
    if (type != cudaGraphNodeTypeMemcpy) return false;
    cudaMemcpy3DParms copy{};
    check(cudaGraphMemcpyNodeGetParams(node, &copy), "captured copy");
    return !on_device(copy.srcPtr.ptr) || !on_device(copy.dstPtr.ptr);
}

// A captured part, while it lasts.
struct Part {
    cudaGraph_t graph = nullptr;
    Part() = default;
    Part(const Part&) = delete;
    ~Part() {
        if (graph) cudaGraphDestroy(graph);
    }
};

class StreamGraph final : public Graph {
  public:
    StreamGraph() { check(cudaGraphCreate(&whole_, 0), "graph"); }
    ~StreamGraph() override {
        if (ready_) cudaGraphExecDestroy(ready_);
        cudaGraphDestroy(whole_);
    }

    void begin(void* stream) override {
        stream_ = static_cast<cudaStream_t>(stream);
        check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "begin of a capture");
    }

    int add() override {
        Part part;
        cudaGraphNode_t node = nullptr;  // of a part without work
        if (end(part)) {
            check(cudaGraphAddChildGraphNode(&node, whole_, last_ ? &last_ : nullptr, last_ ? 1 : 0,
                                             part.graph),
                  "graph");
            last_ = node;
        }
        parts_.push_back(node);
        return int(parts_.size()) - 1;
    }

    void replace(int number) override {
        Part part;
        const cudaGraphNode_t node = parts_[size_t(number)];
        if (end(part) != bool(node)) throw std::runtime_error(kOther);
        if (node)
            check(cudaGraphExecChildGraphNodeSetParams(ready_, node, part.graph),
                  "what was captured again");
    }

    void abandon() override {
        cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
        if (cudaStreamIsCapturing(stream_, &status) != cudaSuccess ||
            status == cudaStreamCaptureStatusNone)
            return;
        Part part;
        cudaStreamEndCapture(stream_, &part.graph);  // an error here tells nothing new
        cudaGetLastError();
    }

    void launch(void* stream) override {
        if (!ready_) check(cudaGraphInstantiate(&ready_, whole_, 0), "graph");
        check(cudaGraphLaunch(ready_, static_cast<cudaStream_t>(stream)), "launch of a graph");
    }

  private:
    // Whether there is work in the part that ends.
    bool end(Part& part) {
        check(cudaStreamEndCapture(stream_, &part.graph), "end of a capture");
        const std::vector<cudaGraphNode_t> nodes = nodes_of(part.graph);
        for (const cudaGraphNode_t node : nodes)
            if (needs_host(node))
                throw std::runtime_error(
                    "something is copied to or from the host, which no replay can do");
        return !nodes.empty();
    }

    cudaStream_t stream_ = nullptr;  // of the capture
    cudaGraph_t whole_ = nullptr;
    cudaGraphExec_t ready_ = nullptr;
    cudaGraphNode_t last_ = nullptr;
    std::vector<cudaGraphNode_t> parts_;
};

#else

class StreamGraph final : public Graph {
  public:
    void begin(void* stream) override { emulator::begin_capture(stream); }
    int add() override {
        parts_.push_back(emulator::end_capture());
        return int(parts_.size()) - 1;
    }
    void replace(int number) override {
        emulator::Launches again = emulator::end_capture(), &part = parts_[size_t(number)];
        bool same = again.size() == part.size();
        for (size_t i = 0; same && i < part.size(); i++) same = again[i].code == part[i].code;
        if (!same) throw std::runtime_error(kOther);
        part = std::move(again);
    }
    void abandon() override { emulator::abandon_capture(); }
    void launch(void*) override {
        for (const emulator::Launches& part : parts_)
            for (const emulator::Launch& each : part) each.run();
    }

  private:
    std::vector<emulator::Launches> parts_;
};

#endif

}  // namespace

std::unique_ptr<Graph> make_graph() {
    return std::make_unique<StreamGraph>();
}

}  // namespace tatami::cuda
