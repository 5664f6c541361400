// Variable: a Tensor that takes part in differentiation.
//
// Operations on Variables record how to push gradients back (the tape); backward() replays it from a scalar
// to the leaves. A Variable is a handle: copies are the same variable.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "keel/core/tensor.h"

namespace keel {

namespace detail {
struct Node;
struct Operation;
}  // namespace detail

class Variable;

// What a gradient function writes to: one accumulator for each input of the operation.
class Gradients {
 public:
  // Made by backward(), for the gradient function of one operation.
  explicit Gradients(const detail::Operation& operation) : operation_(operation) {}

  // Whether the gradient of this input is needed at all.
  bool wants(std::size_t index) const;
  // The accumulator, of the shape the input had in the forward pass, zeros at first. Add to it; never
  // overwrite.   throws: ShapeError or DTypeError if the input or its gradient is of another kind by now
  Tensor& add_to(std::size_t index);
  // Adds a tensor of the shape and element type the input had in the forward pass. One that nobody else holds
  // becomes the accumulator if there is none yet.   throws: ShapeError or DTypeError, as add_to does too
  void add(std::size_t index, Tensor gradient);

 private:
  const Variable& input(std::size_t index) const;

  const detail::Operation& operation_;
};

// dy is the gradient of the output. Captures tensors, never the output variable (that would be a cycle).
using GradientFunction = std::function<void(const Tensor& dy, Gradients& gradients)>;

class Variable {
 public:
  // No variable at all: defined() is false.
  Variable() = default;
  // A leaf. One that requires a gradient must be real. throws: DTypeError
  explicit Variable(Tensor value, bool requires_grad = false);

  // The result of an operation. Records `gradient` if recording is on and any input requires a gradient;
  // otherwise the result is a plain leaf and `gradient` is dropped.
  static Variable from_op(const char* operation, Tensor value, std::vector<Variable> inputs,
                          GradientFunction gradient);

  bool defined() const { return node_ != nullptr; }
  const Tensor& value() const;
  // Replaces a leaf's value by the given tensor (its elements are shared, not copied). A gradient that does
  // not have the new value's shape and element type is dropped. Operations recorded before keep the elements
  // they were computed from: their gradients are those of the old value; but backward() through them throws
  // if shape or element type have changed.
  //   throws: Error on the result of a recorded operation; DTypeError if a leaf that requires a gradient
  //   would not be real
  void set_value(Tensor value);
  // A leaf's elements, to be changed in place, as optimisers do. What was recorded before shares them, and
  // its gradients would be of neither value: each call counts as a change, and backward() throws on
  // operations recorded before it that this variable is an input of. Not noticed are changes by a reference
  // or a Tensor handle taken earlier, and by other variables of the same elements, such as detach() gives: do
  // not make them between the forward pass and backward().
  //   throws: Error on the result of a recorded operation
  Tensor& mutable_value();

  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  double item() const { return value().item(); }

  bool requires_grad() const;
  // Leaves only. throws: Error on the result of a recorded operation
  void set_requires_grad(bool requires_grad);

  // The gradient accumulated so far by backward(); kept for leaves only. Undefined if none has arrived.
  const Tensor& grad() const;
  // Shape and element type of the value. Elements that somebody else holds are copied: backward() adds in
  // place.   throws: ShapeError or DTypeError if it does not fit; Error if it is undefined
  void set_grad(Tensor gradient);
  void clear_grad();

  // The same value, cut off from the tape.
  Variable detach() const;

  // Adds d(this)/d(leaf) to grad() of every leaf that requires one, and frees the tape as it goes.
  //   shapes: this has one element, or `seed` (the gradient of this) has this variable's shape
  //   throws, before any gradient is changed: ShapeError or DTypeError if the seed does not fit, or an input
  //           has another shape or element type than in the forward pass; Error if nothing was recorded, an
  //           earlier call freed the tape, or an input was changed in place after the forward pass
  void backward() const;
  void backward(const Tensor& seed) const;

  // Two handles of one variable.
  friend bool operator==(const Variable& a, const Variable& b) { return a.node_ == b.node_; }

 private:
  friend class Gradients;
  explicit Variable(std::shared_ptr<detail::Node> node) : node_(std::move(node)) {}
  detail::Node& node() const;

  std::shared_ptr<detail::Node> node_;
};

// Whether operations are recorded, in this thread. On at first; independent of training and evaluation mode.
bool is_recording();

// Switches recording off (or on) for a scope:   NoGrad no_grad;   validate(model);
class RecordingGuard {
 public:
  explicit RecordingGuard(bool recording);
  ~RecordingGuard();
  RecordingGuard(const RecordingGuard&) = delete;
  RecordingGuard& operator=(const RecordingGuard&) = delete;

 private:
  bool previous_;
};
struct NoGrad : RecordingGuard {
  NoGrad() : RecordingGuard(false) {}
};

}  // namespace keel
