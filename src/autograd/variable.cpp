#include "keel/autograd/variable.h"

#include <algorithm>
#include <atomic>
#include <unordered_set>

#include "keel/core/tensor_ops.h"

namespace keel {
namespace detail {

// What the gradient function was made for: an input as it was in the forward pass.
struct RecordedInput {
  Shape shape;
  DType dtype = DType::float32;
  std::uint64_t version = 0;
};

// How a result came about: enough to push its gradient back to the inputs.
struct Operation {
  const char* name;
  std::vector<Variable> inputs;
  std::vector<RecordedInput> recorded;  // one for each input
  GradientFunction gradient;
};

struct Node {
  Tensor value;
  Tensor grad;
  bool requires_grad = false;
  bool freed = false;          // was the result of an operation whose record backward() has used up
  std::uint64_t version = 0;   // counts the calls that gave the elements out to be changed in place
  std::uint64_t sequence = 0;  // later results have higher numbers, so descending order is a reverse replay
  std::unique_ptr<Operation> made_by;

  Node() = default;
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();
};

namespace {

thread_local bool recording = true;
// One count for all threads: a result may be made in another thread than its inputs.
std::atomic<std::uint64_t> next_sequence = 1;
// Records whose nodes have died, in this thread. See ~Node.
thread_local std::vector<std::unique_ptr<Operation>>* dying = nullptr;

}  // namespace

// A tape that was never replayed dies from its end to its start. Left to destructors alone, that is a
// recursion as deep as the tape is long, and overflows the stack for long recurrent networks; so the
// outermost one works off a list.
Node::~Node() {
  if (!made_by) return;
  if (dying != nullptr) {
    dying->push_back(std::move(made_by));
    return;
  }
  std::vector<std::unique_ptr<Operation>> list;
  dying = &list;
  list.push_back(std::move(made_by));
  while (!list.empty()) {
    const std::unique_ptr<Operation> next = std::move(list.back());
    list.pop_back();
  }
  dying = nullptr;
}

}  // namespace detail

using detail::Node;

namespace {

// A kernel writes as many elements as there were in the forward pass.
void require_as_recorded(const detail::Operation& operation, std::size_t index, const Tensor& value) {
  const detail::RecordedInput& recorded = operation.recorded[index];
  check<ShapeError>(value.shape() == recorded.shape,
                    "[{}] backward: input {} was {} in the forward pass and is {} now", operation.name, index,
                    recorded.shape, value.shape());
  check<DTypeError>(value.dtype() == recorded.dtype,
                    "[{}] backward: input {} was {} in the forward pass and is {} now", operation.name, index,
                    name_of(recorded.dtype), name_of(value.dtype()));
}

void require_fit(const detail::Operation& operation, std::size_t index, const Tensor& gradient) {
  const detail::RecordedInput& recorded = operation.recorded[index];
  check<ShapeError>(gradient.shape() == recorded.shape,
                    "[{}] backward: expected a gradient of shape {} for input {}, found {}", operation.name,
                    recorded.shape, index, gradient.shape());
  check<DTypeError>(gradient.dtype() == recorded.dtype,
                    "[{}] backward: expected a gradient of {} elements for input {}, found {}",
                    operation.name, name_of(recorded.dtype), index, name_of(gradient.dtype()));
}

}  // namespace

const Variable& Gradients::input(std::size_t index) const {
  check(index < operation_.inputs.size(), "[{}] backward: expected the number of one of {} inputs, found {}",
        operation_.name, operation_.inputs.size(), index);
  return operation_.inputs[index];
}

bool Gradients::wants(std::size_t index) const { return input(index).requires_grad(); }

Tensor& Gradients::add_to(std::size_t index) {
  Node& node = input(index).node();
  require_as_recorded(operation_, index, node.value);
  if (!node.grad.defined()) node.grad = Tensor::zeros_like(node.value);
  require_fit(operation_, index, node.grad);
  return node.grad;
}

void Gradients::add(std::size_t index, Tensor gradient) {
  Node& node = input(index).node();
  require_as_recorded(operation_, index, node.value);
  require_fit(operation_, index, gradient);
  if (node.grad.defined()) {
    add_scaled(add_to(index), gradient);
  } else {
    node.grad = gradient.unique() ? std::move(gradient) : gradient.clone();
  }
}

Variable::Variable(Tensor value, bool requires_grad) : node_(std::make_shared<Node>()) {
  check(value.defined(), "[variable] expected a tensor, found an undefined one");
  node_->value = std::move(value);
  set_requires_grad(requires_grad);
}

Variable Variable::from_op(const char* operation, Tensor value, std::vector<Variable> inputs,
                           GradientFunction gradient) {
  check(gradient != nullptr, "[{}] expected a function for the gradient, found none", operation);
  Variable result(std::move(value));
  const bool needed = std::any_of(inputs.begin(), inputs.end(),
                                  [](const Variable& v) { return v.defined() && v.requires_grad(); });
  if (detail::recording && needed) {
    result.node_->requires_grad = true;
    result.node_->sequence = detail::next_sequence++;
    std::vector<detail::RecordedInput> recorded(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].defined()) continue;
      recorded[i] = {inputs[i].shape(), inputs[i].dtype(), inputs[i].node().version};
    }
    result.node_->made_by = std::make_unique<detail::Operation>(
        detail::Operation{operation, std::move(inputs), std::move(recorded), std::move(gradient)});
  }
  return result;
}

detail::Node& Variable::node() const {
  check(defined(), "[variable] used before it was given a value");
  return *node_;
}

const Tensor& Variable::value() const { return node().value; }

void Variable::set_value(Tensor value) {
  check(value.defined(), "[set_value] expected a tensor, found an undefined one");
  check(!node().made_by, "[set_value] expected a leaf, found the result of '{}'",
        node().made_by ? node().made_by->name : "");
  check<DTypeError>(!node().requires_grad || is_floating(value.dtype()),
                    "[set_value] gradients need float32 or float64 elements, found {}",
                    name_of(value.dtype()));
  const Tensor& grad = node().grad;
  if (grad.defined() && (grad.shape() != value.shape() || grad.dtype() != value.dtype())) clear_grad();
  node().value = std::move(value);
}

Tensor& Variable::mutable_value() {
  check(!node().made_by, "[mutable_value] expected a leaf, found the result of '{}'",
        node().made_by ? node().made_by->name : "");
  ++node().version;
  return node().value;
}

bool Variable::requires_grad() const { return defined() && node_->requires_grad; }

void Variable::set_requires_grad(bool requires_grad) {
  check(!node().made_by, "[set_requires_grad] expected a leaf, found the result of '{}'",
        node().made_by ? node().made_by->name : "");
  check<DTypeError>(!requires_grad || is_floating(node().value.dtype()),
                    "[variable] gradients need float32 or float64 elements, found {}",
                    name_of(node().value.dtype()));
  node().requires_grad = requires_grad;
}

const Tensor& Variable::grad() const { return node().grad; }

void Variable::set_grad(Tensor gradient) {
  check(gradient.defined(), "[set_grad] expected a tensor, found an undefined one");
  check<ShapeError>(gradient.shape() == shape(), "[set_grad] expected shape {}, found {}", shape(),
                    gradient.shape());
  check<DTypeError>(gradient.dtype() == dtype(), "[set_grad] expected {} elements, found {}",
                    name_of(dtype()), name_of(gradient.dtype()));
  node().grad = gradient.unique() ? std::move(gradient) : gradient.clone();
}

void Variable::clear_grad() { node().grad = Tensor(); }

Variable Variable::detach() const { return Variable(value()); }

void Variable::backward() const {
  check<ShapeError>(
      value().numel() == 1,
      "[backward] expected a scalar (a loss), found shape {}; pass the gradient of this variable", shape());
  backward(Tensor::ones(shape(), dtype()));
}

void Variable::backward(const Tensor& seed) const {
  Node& root = node();
  check(!root.freed, "[backward] the tape was freed by an earlier backward(); run the forward pass again");
  check(root.requires_grad,
        "[backward] nothing to differentiate: no input requires a gradient, or recording was off");
  check<ShapeError>(seed.shape() == shape(), "[backward] expected a seed of shape {}, found {}", shape(),
                    seed.shape());
  check<DTypeError>(seed.dtype() == dtype(), "[backward] expected a seed of {} elements, found {}",
                    name_of(dtype()), name_of(seed.dtype()));

  // All results this one depends on, newest first: each has its whole gradient when its turn comes.
  std::vector<std::shared_ptr<Node>> results;
  std::unordered_set<const Node*> seen;
  const auto visit = [&](const std::shared_ptr<Node>& node) {
    if (!node || !node->requires_grad || !seen.insert(node.get()).second) return;
    check(!node->freed,
          "[backward] a part of the tape was freed by an earlier backward(); run the forward pass again");
    if (node->made_by) results.push_back(node);
  };
  visit(node_);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const detail::Operation& operation = *results[i]->made_by;
    for (std::size_t k = 0; k < operation.inputs.size(); ++k) {
      const Variable& input = operation.inputs[k];
      if (!input.defined()) continue;
      visit(input.node_);
      require_as_recorded(operation, k, input.value());
      check(input.node().version == operation.recorded[k].version,
            "[{}] backward: input {} was changed in place after the forward pass", operation.name, k);
    }
  }
  std::sort(results.begin(), results.end(),
            [](const auto& a, const auto& b) { return a->sequence > b->sequence; });

  if (root.grad.defined()) {
    add_scaled(root.grad, seed);  // a leaf, or a result that already holds a gradient
  } else {
    // A leaf keeps it, and may add to it later; an operation only reads it.
    root.grad = root.made_by ? seed : seed.clone();
  }
  for (std::shared_ptr<Node>& result : results) {
    const std::unique_ptr<detail::Operation> operation = std::move(result->made_by);
    const Tensor dy = std::move(result->grad);
    result->grad = Tensor();
    result->freed = true;
    if (dy.defined()) {
      Gradients gradients(*operation);
      operation->gradient(dy, gradients);
    }
    result.reset();
  }
}

bool is_recording() { return detail::recording; }

RecordingGuard::RecordingGuard(bool recording) : previous_(detail::recording) {
  detail::recording = recording;
}

RecordingGuard::~RecordingGuard() { detail::recording = previous_; }

}  // namespace keel
