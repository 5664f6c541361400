// Module: what layers and models have in common. A layer of your own is one struct in one file:
//
//   struct Swish final : nn::Layer<Swish> {
//     nn::Parameter beta = parameter("beta", Tensor::ones({1}));
//     Variable forward(const Variable& x, nn::Context&) override { return x * sigmoid(beta * x); }
//   };
//
// Registering a parameter, a buffer or a child once, where it is declared, is all: counting, naming,
// cloning, saving, loading and the optimiser see it. Names are dotted paths, as in PyTorch ("2.weight",
// "block1.conv.bias").
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "keel/autograd/variable.h"
#include "keel/core/named_tensor.h"
#include "keel/nn/constraint.h"
#include "keel/nn/context.h"
#include "keel/nn/pytorch_layout.h"
#include "keel/nn/regularizer.h"
#include "keel/ops/activation.h"

namespace keel::nn {

class Module;

// Runs a part of a module under its name: the context's path leads to it meanwhile, the observer sees what it
// returns, and what it throws has its path and kind in front: "layer 2.body.0 (dense): [dense] input ...".
// For containers; Child and Sequential do it.
Variable run_part(Module& part, const std::string& name, const Variable& x, Context& context);
// The same for a part and the activation behind it, if the part can take that over: see
// Module::forward_activated.
std::optional<Variable> run_activated_part(Module& part, const std::string& name, const Variable& x,
                                           Activation activation, Context& context);

// A registered variable: trained by the optimiser (requires_grad), or a buffer, state that training only
// records (running statistics). Copying one is copying its layer: see Module(const Module&). Another handle
// of the same variable is a Variable:   Variable w = layer.weight;
class Parameter : public Variable {
 public:
  Parameter() = default;
  Parameter(const Parameter& other);
  Parameter& operator=(const Parameter&) = delete;
  Parameter(Parameter&&) = default;
  Parameter& operator=(Parameter&&) = default;

 private:
  friend class Module;
  explicit Parameter(Variable variable) : Variable(std::move(variable)) {}
};
using Buffer = Parameter;

// A registered part of a module. In forward(), call it like a function; otherwise use it like a pointer.
//
//   struct Residual final : nn::Layer<Residual> {
//     nn::Child<nn::Sequential> body;
//     explicit Residual(std::shared_ptr<nn::Sequential> layers) : body(child("body", std::move(layers))) {}
//     Variable forward(const Variable& x, nn::Context& context) override { return x + body(x, context); }
//   };
template <class M>
class Child {
 public:
  Child() = default;
  Child(const Child& other);
  Child& operator=(const Child&) = delete;
  Child(Child&&) noexcept = default;
  Child& operator=(Child&&) noexcept = default;
  // See run_part().
  Variable operator()(const Variable& x, Context& context) const {
    return run_part(**this, name_, x, context);
  }
  // throws: Error if child() was not called for this member
  M& operator*() const {
    check(module_ != nullptr, "[module] a Child was used before child() gave it a module");
    return *module_;
  }
  M* operator->() const { return &**this; }
  const std::shared_ptr<M>& pointer() const { return module_; }

 private:
  friend class Module;
  Child(std::string name, std::shared_ptr<M> module) : name_(std::move(name)), module_(std::move(module)) {}
  std::string name_;
  std::shared_ptr<M> module_;
};

struct NamedVariable {
  std::string name;
  Variable variable;
};

class Module {
 public:
  virtual ~Module() = default;
  Module& operator=(const Module&) = delete;

  // The output for a batch. Layers document shapes in their own headers.
  virtual Variable forward(const Variable& x, Context& context) = 0;
  Variable operator()(const Variable& x, Context& context) { return forward(x, context); }

  // activation(forward(x)), value for value, in fewer passes over memory; nothing from a layer that cannot.
  // What Sequential asks of a layer with an activation behind it.
  virtual std::optional<Variable> forward_activated(const Variable& x, Activation activation,
                                                    Context& context);
  // The function that this layer is, if it is one that the layer in front may take over.
  virtual Activation as_activation() const { return Activation::none; }

  // How PyTorch holds this layer's own tensors; by default as they are here.
  virtual PyTorchLayout pytorch_layout() const { return {}; }

  // A deep copy, independent of this one: parameters, buffers, options and children, without gradients. A
  // module that is a part of several others is copied once, and the copy is a part of their copies.
  virtual std::shared_ptr<Module> clone() const = 0;

  // The kind of layer in summaries and messages: "dense". Without a name of its own, the type's.
  virtual std::string kind() const;

  // All of this module and its children, in order of registration, with dotted names. Those of a module that
  // is a part of several others come once, under the first name.
  std::vector<NamedVariable> named_parameters() const;
  std::vector<NamedVariable> named_buffers() const;
  // Both, module by module, the parameters of each first: PyTorch's order.
  std::vector<NamedVariable> named_state() const;
  // The same as tensors, which share the elements of the parameters and buffers: clone() what is to outlast
  // the next step. load_state_dict() in nn/state_dict.h is the way back.
  std::vector<NamedTensor> state_dict() const;
  std::vector<Variable> parameters() const;
  // Elements of all parameters, each counted once.
  Index num_parameters() const;

  struct NamedChild {
    std::string name;
    std::shared_ptr<Module> module;
  };
  const std::vector<NamedChild>& children() const { return children_; }
  // Calls f for this module and everything below it, with dotted paths ("" for this one), once for each.
  void visit(const std::function<void(const std::string& path, Module& module)>& f);

  // Gives a parameter of this module, or of one below it by its dotted name, a penalty or a constraint in
  // place of the one it has; {} takes it away. Both belong to the parameter: clone() copies them, files do
  // not hold them.   throws: ValueError naming the parameters if there is none of that name
  void regularize(const std::string& parameter, Regularizer regularizer);
  void constrain(const std::string& parameter, Constraint constraint);
  // Whether a parameter of this module or of one below it has a penalty or a constraint.
  bool has_parameter_rules() const;
  // The sum of the penalties of all parameters that require a gradient, to be added to the loss; undefined if
  // none of them has one.   throws: ShapeError if a regulariser of one's own gives more than one element
  Variable penalty() const;
  // Makes all parameters that require a gradient satisfy their constraints: after each step of the optimiser.
  void apply_constraints();

  // Converts real parameters and buffers in place, and drops gradients: to(DType::float64) before a gradient
  // check.   throws: DTypeError unless float32 or float64
  void to(DType dtype);
  void clear_grad();

 protected:
  Module() = default;
  // Copies what is registered. Parameter, Buffer and Child members of the derived class pick up their copies
  // when the (defaulted) copy constructor comes to them, so no layer writes one.
  //   throws: Error outside clone()
  Module(const Module& other);
  // Takes over what is registered: a model may be returned from a function. What it is moved from has no
  // parameters and children any more, and is good for nothing but its destructor.
  Module(Module&& other) = default;
  // Open while a clone() copies a module: holds what was copied so far.
  class CopyScope {
   public:
    CopyScope();
    ~CopyScope();
    CopyScope(const CopyScope&) = delete;
    CopyScope& operator=(const CopyScope&) = delete;
  };

  // The initial elements are taken over, or copied if another handle shares them: two parameters never do.
  //   throws: ValueError if the name is taken, empty or has a dot
  Parameter parameter(std::string name, Tensor initial);
  Buffer buffer(std::string name, Tensor initial);
  template <class M>
  Child<M> child(std::string name, std::shared_ptr<M> module) {
    add_child(name, module);
    return Child<M>(std::move(name), std::move(module));
  }
  void add_child(std::string name, std::shared_ptr<Module> module);

 private:
  friend class Parameter;
  template <class M>
  friend class Child;

  struct Registered {
    std::string name;
    Variable variable;
    bool is_buffer;
    Regularizer regularizer = {};
    Constraint constraint = {};
  };
  Registered& find_parameter(const std::string& dotted_name);
  void require_new_name(const std::string& name) const;
  std::vector<NamedVariable> collect(bool parameters, bool buffers) const;
  // Calls f(path, module) for each module once; M is Module or const Module.
  template <class M, class F>
  static void walk(const std::string& path, M& module, std::vector<const Module*>& seen, const F& f);
  // What the open CopyScope holds for an original.
  static std::shared_ptr<Module> copy_of(const Module& original);
  static Variable copy_of(const Variable& original);

  std::vector<Registered> variables_;
  std::vector<NamedChild> children_;
};

// Gives a layer its clone(): struct MyLayer final : Layer<MyLayer>.
//   clone() throws: Error if the object is of a class derived from Derived, which would be cut down to
//   Derived
template <class Derived>
class Layer : public Module {
 public:
  std::shared_ptr<Module> clone() const override {
    check(typeid(*this) == typeid(Derived),
          "[module] {} inherits clone() from another layer; it needs its own", kind());
    const Module::CopyScope scope;
    return std::make_shared<Derived>(static_cast<const Derived&>(*this));
  }
};

template <class M>
Child<M>::Child(const Child& other)
    : name_(other.name_),
      module_(other.module_ ? std::static_pointer_cast<M>(Module::copy_of(*other.module_)) : nullptr) {}

}  // namespace keel::nn
