// The pass back: gradients flow from the outputs to the leaves, the latest call first.
#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "bindings/module.h"
#include "tape/tape.h"

namespace tatami::tape {

namespace {

// Gradients that arrive at one place, added up.
struct Sum {
    py::object value;
    bool ours = false;  // made here by an addition: nobody else holds it, so it may change in place

    void add(py::object gradient, bool create_graph) {
        if (!value) {
            value = std::move(gradient);
        } else if (create_graph) {
            value = value + gradient;
        } else {
            value = sum_of(std::move(value), gradient, ours);
            ours = true;
        }
    }
};

// A node that gradients have reached, one sum an output.
struct Reached {
    py::object node;
    Sum first;
    std::unique_ptr<Sum[]> more;

    Sum& at(int place) { return place ? more[place - 1] : first; }
    Node* get() const { return reinterpret_cast<Node*>(node.ptr()); }

    // The sum, or a tuple of them with None for outputs that nothing came from.
    py::object gradient() {
        const int outputs = get()->outputs;
        if (outputs == 1 && get()->op->outputs == 1) return first.value;
        py::tuple all(outputs);
        for (int k = 0; k < outputs; k++)
            all[size_t(k)] = at(k).value ? at(k).value : py::object(py::none());
        return all;
    }
};

Tensor* tensor_of(py::handle value) {
    if (Tensor* t = as_tensor(value.ptr())) return t;
    throw py::type_error(
        concat("backward: gradients are of tensors, not of ", Py_TYPE(value.ptr())->tp_name));
}

// Where the gradient of a tensor is added up.
PyObject* source_of(Tensor* t) {
    return t->node ? reinterpret_cast<PyObject*>(t->node) : reinterpret_cast<PyObject*>(t);
}

// Every node behind the outputs, the earliest first.
std::vector<Node*> behind(const py::sequence& outputs) {
    std::unordered_set<Node*> seen;
    std::vector<Node*> nodes;
    auto see = [&](Node* node) {
        if (node && seen.insert(node).second) nodes.push_back(node);
    };
    for (py::handle y : outputs) see(tensor_of(y)->node);
    for (size_t done = 0; done < nodes.size(); done++) {
        Node* node = nodes[done];
        const Locked lock(node);
        if (!node->value) refuse_freed(node);
        for (Py_ssize_t k = 0; k < Py_SIZE(node); k++)
            if (PyObject* source = node->arguments[k].source) see(as_node(source));
    }
    std::sort(nodes.begin(), nodes.end(), [](Node* a, Node* b) { return a->number < b->number; });
    return nodes;
}

// Which places of the graph are asked for, and which nodes lead to them.
class Goal {
  public:
    // `stop`: the inputs count as independent, so nothing leads further back from them.
    Goal(const py::sequence& inputs, const py::sequence& outputs, bool stop) {
        for (size_t k = 0; k < inputs.size(); k++) {
            Tensor* t = tensor_of(inputs[k]);
            PyObject* source = source_of(t);
            if (stop && is_place(source, t->place)) continue;  // given twice: counts once
            places_.emplace(source, Place{t->place, k});
        }
        for (Node* node : behind(outputs))
            if (!stop || !places_.contains(reinterpret_cast<PyObject*>(node))) consider(node);
    }

    bool concerns(const Argument& a) const {
        return a.source && (is_place(a.source, a.place) || leads_.contains(as_node(a.source)));
    }
    bool leads(Node* node) const { return leads_.contains(node); }

    // Stores gradient(place) for every input that is a place of `source`.
    template <class Get>
    void collect(PyObject* source, py::list& results, const Get& gradient) const {
        const auto [begin, end] = places_.equal_range(source);
        for (auto it = begin; it != end; ++it)
            if (py::object g = gradient(it->second.place)) results[it->second.input] = g;
    }

  private:
    struct Place {
        int place;
        size_t input;
    };

    void consider(Node* node) {
        if (std::any_of(node->arguments, node->arguments + Py_SIZE(node),
                        [&](const Argument& a) { return concerns(a); }))
            leads_.insert(node);
    }

    bool is_place(PyObject* source, int place) const {
        const auto [begin, end] = places_.equal_range(source);
        return std::any_of(begin, end, [&](const auto& p) { return p.second.place == place; });
    }

    std::unordered_multimap<PyObject*, Place> places_;
    std::unordered_set<Node*> leads_;
};

class Pass {
  public:
    Pass(const Goal* goal, bool retain_graph, bool create_graph, py::handle by_composition)
        : goal_(goal),
          retain_graph_(retain_graph),
          create_graph_(create_graph),
          by_composition_(by_composition),
          recording_before_(std::exchange(recording, create_graph)) {}
    Pass(const Pass&) = delete;
    ~Pass() { recording = recording_before_; }

    void add(PyObject* source, int place, py::object gradient) {
        Node* node = as_node(source);
        if (!node) {
            auto [it, is_new] = leaves.try_emplace(source);
            if (is_new) it->second.leaf = py::reinterpret_borrow<py::object>(source);
            return it->second.sum.add(std::move(gradient), create_graph_);
        }
        auto [it, is_new] = reached_.try_emplace(node->number);
        if (is_new) {
            it->second.node = py::reinterpret_borrow<py::object>(source);
            if (node->outputs > 1) it->second.more.reset(new Sum[size_t(node->outputs) - 1]);
        }
        it->second.at(place).add(std::move(gradient), create_graph_);
    }

    void run(py::list& results) {
        while (!reached_.empty()) {
            Reached latest = std::move(reached_.begin()->second);
            reached_.erase(reached_.begin());
            Node* node = latest.get();
            if (goal_) {
                goal_->collect(latest.node.ptr(), results,
                               [&](int p) { return latest.at(p).value; });
                if (!goal_->leads(node)) continue;
            }
            step(node, latest);
        }
    }

    struct Leaf {
        py::object leaf;
        Sum sum;
    };
    std::unordered_map<PyObject*, Leaf> leaves;

  private:
    void step(Node* node, Reached& latest) {
        const Py_ssize_t count = Py_SIZE(node);
        std::vector<bool> wanted(static_cast<size_t>(count));
        std::vector<std::pair<py::object, int>> sources(static_cast<size_t>(count));
        for (Py_ssize_t k = 0; k < count; k++) {
            const Locked lock(node);
            const Argument& a = node->arguments[k];
            wanted[size_t(k)] = goal_ ? goal_->concerns(a) : a.source != nullptr;
            if (wanted[size_t(k)])
                sources[size_t(k)] = {py::reinterpret_borrow<py::object>(a.source), a.place};
        }
        Gradients found =
            gradients(node, latest.gradient(), wanted, create_graph_, by_composition_);
        if (!retain_graph_) free_node(node);
        for (size_t k = 0; k < found.size(); k++)
            if (found[k]) add(sources[k].first.ptr(), sources[k].second, std::move(found[k]));
    }

    const Goal* goal_;
    const bool retain_graph_, create_graph_;
    const py::handle by_composition_;
    const bool recording_before_;
    std::map<int64_t, Reached, std::greater<int64_t>> reached_;
};

}  // namespace

py::list propagate(py::sequence outputs, py::sequence starts, py::object inputs, bool retain_graph,
                   bool create_graph, bool stop, py::object by_composition) {
    std::unique_ptr<Goal> goal;
    py::list results;
    if (!inputs.is_none()) {
        const py::sequence asked(inputs);
        goal = std::make_unique<Goal>(asked, outputs, stop);
        for (size_t k = 0; k < asked.size(); k++) results.append(py::none());
    }
    Pass pass(goal.get(), retain_graph, create_graph, by_composition);
    for (size_t k = 0; k < outputs.size(); k++) {
        Tensor* t = tensor_of(outputs[k]);
        if (t->requires_grad) pass.add(source_of(t), t->place, starts[k]);
    }
    pass.run(results);
    for (auto& [source, leaf] : pass.leaves) {
        if (goal)
            goal->collect(source, results, [&](int) { return leaf.sum.value; });
        else
            results.append(py::make_tuple(leaf.leaf, leaf.sum.value));
    }
    return results;
}

py::list leaves(py::sequence outputs) {
    py::list found;
    std::unordered_set<PyObject*> seen;
    for (Node* node : behind(outputs))
        for (Py_ssize_t k = 0; k < Py_SIZE(node); k++) {
            PyObject* source = node->arguments[k].source;
            if (source && !as_node(source) && seen.insert(source).second)
                found.append(py::handle(source));
        }
    return found;
}

}  // namespace tatami::tape

void tatami::bind_tape(py::module_& m) {
    tape::bind_like(m);
    tape::bind_node(m);
    tape::bind_op(m);
    tape::bind_tensor(m);
    m.def("propagate", &tape::propagate);
    m.def("leaves", &tape::leaves);
}
