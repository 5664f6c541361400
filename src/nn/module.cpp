#include "keel/nn/module.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>

namespace keel::nn {
namespace {

// What one clone() has copied so far, original by original.
struct Copies {
  std::vector<std::pair<Variable, Variable>> variables;
  std::vector<std::pair<const Module*, std::shared_ptr<Module>>> modules;
};

// The innermost is the module being copied right now, the others the modules around it.
thread_local std::vector<Copies> copies_in_progress;

Copies& copies() {
  check(!copies_in_progress.empty(), "[module] a module is copied with clone(), not by its copy constructor");
  return copies_in_progress.back();
}

}  // namespace

Module::CopyScope::CopyScope() { copies_in_progress.emplace_back(); }
Module::CopyScope::~CopyScope() { copies_in_progress.pop_back(); }

Parameter::Parameter(const Parameter& other)
    : Variable(other.defined() ? Module::copy_of(static_cast<const Variable&>(other)) : Variable()) {}

Variable Module::copy_of(const Variable& original) {
  for (const auto& [from, to] : copies().variables) {
    if (from == original) return to;
  }
  throw Error("[module] a Parameter or Buffer that was not registered cannot be cloned");
}

std::shared_ptr<Module> Module::copy_of(const Module& original) {
  for (const auto& [from, to] : copies().modules) {
    if (from == &original) return to;
  }
  throw Error("[module] a Child that was not registered cannot be cloned");
}

Module::Module(const Module& other) {
  for (const Registered& registered : other.variables_) {
    Variable copy(registered.variable.value().clone(), registered.variable.requires_grad());
    copies().variables.emplace_back(registered.variable, copy);
    variables_.push_back({registered.name, copy, registered.is_buffer});
  }
  for (const NamedChild& named : other.children_) {
    std::shared_ptr<Module> copy = named.module->clone();
    copies().modules.emplace_back(named.module.get(), copy);
    children_.push_back({named.name, std::move(copy)});
  }
}

std::string Module::kind() const {
  int status = 0;
  char* demangled = abi::__cxa_demangle(typeid(*this).name(), nullptr, nullptr, &status);
  std::string name = status == 0 ? demangled : typeid(*this).name();
  std::free(demangled);
  return name.substr(name.rfind(':') + 1);
}

void Module::require_new_name(const std::string& name) const {
  check<ValueError>(!name.empty() && name.find('.') == std::string::npos,
                    "[module] expected a name without dots, found '{}'", name);
  const auto same = [&](const auto& entry) { return entry.name == name; };
  check<ValueError>(std::none_of(variables_.begin(), variables_.end(), same) &&
                        std::none_of(children_.begin(), children_.end(), same),
                    "[module] the name '{}' is taken in this {}", name, kind());
}

Parameter Module::parameter(std::string name, Tensor initial) {
  require_new_name(name);
  const Variable variable(std::move(initial), true);
  variables_.push_back({std::move(name), variable, false});
  return Parameter(variable);
}

Buffer Module::buffer(std::string name, Tensor initial) {
  require_new_name(name);
  const Variable variable(std::move(initial), false);
  variables_.push_back({std::move(name), variable, true});
  return Buffer(variable);
}

void Module::add_child(std::string name, std::shared_ptr<Module> module) {
  require_new_name(name);
  check<ValueError>(module != nullptr, "[module] expected a module as '{}', found none", name);
  children_.push_back({std::move(name), std::move(module)});
}

void Module::collect(const std::string& prefix, bool buffers, std::vector<NamedVariable>& found) const {
  for (const Registered& registered : variables_) {
    if (registered.is_buffer == buffers) found.push_back({prefix + registered.name, registered.variable});
  }
  for (const NamedChild& named : children_) named.module->collect(prefix + named.name + ".", buffers, found);
}

std::vector<NamedVariable> Module::named_parameters() const {
  std::vector<NamedVariable> found;
  collect("", false, found);
  return found;
}

std::vector<NamedVariable> Module::named_buffers() const {
  std::vector<NamedVariable> found;
  collect("", true, found);
  return found;
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
  visit_below("", f);
}

void Module::visit_below(const std::string& path, const std::function<void(const std::string&, Module&)>& f) {
  f(path, *this);
  for (const NamedChild& named : children_) {
    named.module->visit_below(path.empty() ? named.name : path + "." + named.name, f);
  }
}

void Module::to(DType dtype) {
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
