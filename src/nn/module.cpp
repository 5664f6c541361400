#include "keel/nn/module.h"

#include <cxxabi.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>

#include "keel/core/did_you_mean.h"
#include "keel/ops/arithmetic.h"
#include "nn/run_part.h"

namespace keel::nn {
namespace {

// What the outermost clone() in progress has copied so far, original by original.
struct Copies {
  int open_scopes = 0;
  std::vector<std::pair<Variable, Variable>> variables;
  std::vector<std::pair<const Module*, std::shared_ptr<Module>>> modules;
};
thread_local Copies copies_in_progress;

constexpr const char* kModuleCopied = "[module] a module is copied with clone(), not by its copy constructor";
constexpr const char* kParameterCopied =
    "[module] a Parameter or Buffer is copied by clone() of its module; for another handle of it write "
    "'Variable w = layer.weight', not 'auto w'";
constexpr const char* kChildCopied =
    "[module] a Child is copied by clone() of its module; for another handle of it take its pointer()";

// throws: Error with the message if no clone() is in progress
Copies& copies(const char* refusal) {
  check(copies_in_progress.open_scopes > 0, "{}", refusal);
  return copies_in_progress;
}

// The context's path with a name added, until it dies.
class PathScope {
 public:
  PathScope(Context& context, const std::string& name) : context_(context), outer_(context.path()) {
    context_.set_path(outer_ + name + ".");
  }
  ~PathScope() { context_.set_path(std::move(outer_)); }
  PathScope(const PathScope&) = delete;
  PathScope& operator=(const PathScope&) = delete;

 private:
  Context& context_;
  std::string outer_;
};

// Puts a layer's place in front of what it threw, keeping the type of the error. A part of the layer has done
// it already for its own errors.
template <class E>
[[noreturn]] void rethrow_with_place(const E& error, const std::string& path, const Module& layer) {
  const std::string message = error.what();
  if (message.starts_with("layer ")) throw error;
  throw E(fmt::format("layer {} ({}): {}", path, layer.kind(), message));
}

bool begins_with(const Shape& shape, const Shape& leading) {
  return shape.rank() > leading.rank() && std::equal(leading.begin(), leading.end(), shape.begin());
}

// What takes the steps of sequences away leaves a mask that is of nothing any more, or that fits something
// else by chance.
void require_steps_of_mask(const Module& part, const Variable& x, const Variable& y, const Context& context) {
  if (!context.training() || !context.mask().defined()) return;
  const Shape& mask = context.mask().shape();
  check<ValueError>(mask.rank() < 2 || !begins_with(x.shape(), mask) || begins_with(y.shape(), mask),
                    "[{}] made {} of {}, without the steps that the mask {} is of: run what comes then in a "
                    "context of its own",
                    part.kind(), y.shape(), x.shape(), mask);
}

// Calls f() with the context's path leading to the part, which what it throws has in front.
template <class F>
auto in_part(const Module& part, const std::string& name, Context& context, const F& f) {
  const std::string path = context.path() + name;
  try {
    const PathScope scope(context, name);
    return f();
  } catch (const ShapeError& error) {
    rethrow_with_place(error, path, part);
  } catch (const ValueError& error) {
    rethrow_with_place(error, path, part);
  } catch (const DTypeError& error) {
    rethrow_with_place(error, path, part);
  } catch (const Error& error) {
    if (typeid(error) != typeid(Error)) throw;  // a class we do not know keeps what it is
    rethrow_with_place(error, path, part);
  }
}

}  // namespace

Variable run_part(Module& part, const std::string& name, const Variable& x, Context& context) {
  return run_part_as(part, name, x, context, [&] { return part.forward(x, context); });
}

Variable run_part_as(Module& part, const std::string& name, const Variable& x, Context& context,
                     const std::function<Variable()>& f) {
  const Variable y = in_part(part, name, context, [&] {
    Variable result = f();
    require_steps_of_mask(part, x, result, context);
    return result;
  });
  if (context.observer()) context.observer()(context.path() + name, x, y);
  return y;
}

std::optional<Variable> run_activated_part(Module& part, const std::string& name, const Variable& x,
                                           Activation activation, Context& context) {
  return in_part(part, name, context, [&] { return part.forward_activated(x, activation, context); });
}

std::optional<Variable> Module::forward_activated(const Variable&, Activation, Context&) { return {}; }

Module::CopyScope::CopyScope() { ++copies_in_progress.open_scopes; }
Module::CopyScope::~CopyScope() {
  if (--copies_in_progress.open_scopes == 0) copies_in_progress = Copies();
}

Parameter::Parameter(const Parameter& other)
    : Variable(other.defined() ? Module::copy_of(static_cast<const Variable&>(other)) : Variable()) {}

Variable Module::copy_of(const Variable& original) {
  for (const auto& [from, to] : copies(kParameterCopied).variables) {
    if (from == original) return to;
  }
  throw Error("[module] a Parameter or Buffer that was not registered cannot be cloned");
}

std::shared_ptr<Module> Module::copy_of(const Module& original) {
  for (const auto& [from, to] : copies(kChildCopied).modules) {
    if (from == &original) return to;
  }
  throw Error("[module] a Child that was not registered cannot be cloned");
}

Module::Module(const Module& other) {
  Copies& done = copies(kModuleCopied);
  for (const Registered& registered : other.variables_) {
    Variable copy(registered.variable.value().clone(), registered.variable.requires_grad());
    done.variables.emplace_back(registered.variable, copy);
    variables_.push_back(
        {registered.name, copy, registered.is_buffer, registered.regularizer, registered.constraint});
  }
  for (const NamedChild& named : other.children_) {
    const auto same = [&](const auto& entry) { return entry.first == named.module.get(); };
    if (std::none_of(done.modules.begin(), done.modules.end(), same)) {
      std::shared_ptr<Module> copy = named.module->clone();
      done.modules.emplace_back(named.module.get(), std::move(copy));
    }
    children_.push_back({named.name, copy_of(*named.module)});
  }
}

std::string Module::kind() const {
  int status = 0;
  char* demangled = abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : typeid(*this).name();
  std::free(demangled);
  // Behind the last scope; the arguments of a template have scopes of their own.
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    depth += name[i] == '<' ? 1 : name[i] == '>' ? -1 : 0;
    if (name[i] == ':' && depth == 0) begin = i + 1;
  }
  return name.substr(begin);
}

void Module::require_new_name(const std::string& name) const {
  check<ValueError>(!name.empty() && name.find('.') == std::string::npos,
                    "[module] expected a name without dots, found '{}'", name);
  const auto same = [&](const auto& entry) { return entry.name == name; };
  check<ValueError>(std::none_of(variables_.begin(), variables_.end(), same) &&
                        std::none_of(children_.begin(), children_.end(), same),
                    "[module] the name '{}' is taken in this {}", name, kind());
}

namespace {

Tensor unshared(Tensor initial) { return initial.unique() ? std::move(initial) : initial.clone(); }

}  // namespace

Parameter Module::parameter(std::string name, Tensor initial) {
  require_new_name(name);
  const Variable variable(unshared(std::move(initial)), true);
  variables_.push_back({.name = std::move(name), .variable = variable, .is_buffer = false});
  return Parameter(variable);
}

Buffer Module::buffer(std::string name, Tensor initial) {
  require_new_name(name);
  const Variable variable(unshared(std::move(initial)), false);
  variables_.push_back({.name = std::move(name), .variable = variable, .is_buffer = true});
  return Buffer(variable);
}

void Module::add_child(std::string name, std::shared_ptr<Module> module) {
  require_new_name(name);
  check<ValueError>(module != nullptr, "[module] expected a module as '{}', found none", name);
  children_.push_back({std::move(name), std::move(module)});
}

template <class M, class F>
void Module::walk(const std::string& path, M& module, std::vector<const Module*>& seen, const F& f) {
  if (std::find(seen.begin(), seen.end(), &module) != seen.end()) return;
  seen.push_back(&module);
  f(path, module);
  for (const NamedChild& named : module.children_) {
    walk<M>(path.empty() ? named.name : path + "." + named.name, *named.module, seen, f);
  }
}

std::vector<NamedVariable> Module::collect(bool parameters, bool buffers) const {
  std::vector<NamedVariable> found;
  std::vector<const Module*> seen;
  walk<const Module>("", *this, seen, [&](const std::string& path, const Module& module) {
    for (const bool is_buffer : {false, true}) {
      if (!(is_buffer ? buffers : parameters)) continue;
      for (const Registered& registered : module.variables_) {
        if (registered.is_buffer != is_buffer) continue;
        found.push_back({path.empty() ? registered.name : path + "." + registered.name, registered.variable});
      }
    }
  });
  return found;
}

std::vector<NamedVariable> Module::named_parameters() const { return collect(true, false); }

std::vector<NamedVariable> Module::named_buffers() const { return collect(false, true); }

std::vector<NamedVariable> Module::named_state() const { return collect(true, true); }

std::vector<NamedTensor> Module::state_dict() const {
  std::vector<NamedTensor> state;
  for (const NamedVariable& named : named_state()) state.push_back({named.name, named.variable.value()});
  return state;
}

std::vector<Variable> Module::parameters() const {
  std::vector<Variable> found;
  for (NamedVariable& named : named_parameters()) found.push_back(std::move(named.variable));
  return found;
}

Index Module::num_parameters() const {
  Index total = 0;
  for (const Variable& parameter : parameters()) total += parameter.value().numel();
  return total;
}

void Module::visit(const std::function<void(const std::string& path, Module& module)>& f) {
  std::vector<const Module*> seen;
  walk<Module>("", *this, seen, f);
}

Module::Registered& Module::find_parameter(const std::string& dotted_name) {
  Registered* found = nullptr;
  std::vector<std::string> names;
  visit([&](const std::string& path, Module& module) {
    for (Registered& registered : module.variables_) {
      if (registered.is_buffer) continue;
      names.push_back(path.empty() ? registered.name : path + "." + registered.name);
      if (names.back() == dotted_name) found = &registered;
    }
  });
  check<ValueError>(found != nullptr, "[module] this {} has no parameter '{}'; it has {}{}", kind(),
                    dotted_name, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")),
                    did_you_mean(dotted_name, names));
  return *found;
}

void Module::regularize(const std::string& parameter, Regularizer regularizer) {
  find_parameter(parameter).regularizer = std::move(regularizer);
}

void Module::constrain(const std::string& parameter, Constraint constraint) {
  find_parameter(parameter).constraint = std::move(constraint);
}

bool Module::has_parameter_rules() const {
  bool found = false;
  std::vector<const Module*> seen;
  walk<const Module>("", *this, seen, [&](const std::string&, const Module& module) {
    for (const Registered& registered : module.variables_) {
      found = found || registered.regularizer || registered.constraint;
    }
  });
  return found;
}

Variable Module::penalty() const {
  Variable total;
  std::vector<const Module*> seen;
  walk<const Module>("", *this, seen, [&](const std::string&, const Module& module) {
    for (const Registered& registered : module.variables_) {
      if (!registered.regularizer || !registered.variable.requires_grad()) continue;
      const Variable penalty = registered.regularizer(registered.variable);
      check<ShapeError>(penalty.shape().numel() == 1,
                        "[module] the regularizer of '{}' in a {} gave {}: expected one element",
                        registered.name, module.kind(), penalty.shape());
      total = total.defined() ? total + penalty : penalty;
    }
  });
  return total;
}

void Module::apply_constraints() {
  visit([](const std::string&, Module& module) {
    for (Registered& registered : module.variables_) {
      if (!registered.constraint || !registered.variable.requires_grad()) continue;
      registered.constraint(registered.variable.mutable_value());
    }
  });
}

void Module::to(DType dtype) {
  check<DTypeError>(is_floating(dtype), "[module] parameters can be float32 or float64, found {}",
                    name_of(dtype));
  visit([dtype](const std::string&, Module& module) {
    for (Registered& registered : module.variables_) {
      if (!is_floating(registered.variable.dtype())) continue;
      registered.variable.set_value(registered.variable.value().to(dtype));
      registered.variable.clear_grad();
    }
  });
}

void Module::clear_grad() {
  for (Variable& parameter : parameters()) parameter.clear_grad();
}

}  // namespace keel::nn
