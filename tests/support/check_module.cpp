#include "support/check_module.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "keel/autograd/gradcheck.h"
#include "keel/core/tensor_ops.h"
#include "keel/io/safetensors.h"
#include "keel/nn/state_dict.h"
#include "support/random_tensor.h"

namespace keel::testing {
namespace {

using nn::Context;
using nn::Mode;
using nn::Module;
using nn::NamedVariable;

const char* name_of_mode(Mode mode) { return mode == Mode::training ? "training" : "evaluation"; }

std::vector<std::string> names_of(const std::vector<NamedVariable>& state) {
  std::vector<std::string> names;
  for (const NamedVariable& named : state) names.push_back(named.name);
  return names;
}

std::vector<std::string> places_of(Module& module) {
  std::vector<std::string> places;
  module.visit([&](const std::string& path, Module& part) {
    places.push_back(fmt::format("'{}' ({})", path, part.kind()));
  });
  return places;
}

// Puts the values that variables had back when it dies: a forward pass in training moves buffers.
class Restore {
 public:
  explicit Restore(const std::vector<NamedVariable>& state) {
    for (const NamedVariable& named : state) {
      saved_.emplace_back(named.variable, named.variable.value().clone());
    }
  }
  ~Restore() {
    for (auto& [variable, value] : saved_) variable.mutable_value().copy_from(value);
  }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  std::vector<std::pair<Variable, Tensor>> saved_;
};

// A function of the input, the parameters and the buffers: the context is new, and the buffers are put back.
Variable pure_forward(Module& module, const Variable& x, Mode mode) {
  const Restore restore(module.named_buffers());
  Context context(mode, Rng(7, Stream::dropout));
  return module(x, context);
}

Tensor output_of(Module& module, const Tensor& input, Mode mode) {
  return pure_forward(module, Variable(input), mode).value();
}

// Away from initial values such as ones and zeros, where different formulas agree.
void move_state(Module& module, const Tensor& input, std::uint64_t seed) {
  for (NamedVariable& parameter : module.named_parameters()) {
    Tensor& value = parameter.variable.mutable_value();
    add_scaled(value, random_tensor(value.shape(), seed++, value.dtype()), 0.1);
  }
  Context context(Mode::training, Rng(seed, Stream::dropout));
  module(Variable(input), context);
}

class ModuleChecker {
 public:
  ModuleChecker(const ModuleMaker& make, const ModuleExpectation& expected)
      : make_(make), expected_(expected), module_(made_with(1)) {}

  const std::vector<std::string>& run() {
    check_float32();
    module_->to(DType::float64);
    move_state(*module_, moved_input(1, 0.5), 100);
    for (const Mode mode : {Mode::training, Mode::evaluation}) {
      check_outputs(mode);
      if (mode == Mode::evaluation || expected_.exact_gradients_in_training) check_gradients(mode);
    }
    const bool differs = !same_bits(output_of(*module_, expected_.input, Mode::training),
                                    output_of(*module_, expected_.input, Mode::evaluation));
    require(differs == expected_.differs_in_training, "training and evaluation {}",
            differs ? "differ" : "give the same");
    check_clone();
    check_state_copy();
    return problems_;
  }

 private:
  template <class... Args>
  void require(bool condition, fmt::format_string<Args...> problem, Args&&... args) {
    if (!condition) problems_.push_back(fmt::format(problem, std::forward<Args>(args)...));
  }

  std::shared_ptr<Module> made_with(std::uint64_t seed) const {
    Rng rng(seed, Stream::test);
    return make_(rng);
  }

  // Another input for training.
  Tensor moved_input(double scale, double shift) const {
    return expected_.input_is_ids ? expected_.input : affine(expected_.input, scale, shift);
  }

  void check_float32() {
    const Tensor input = expected_.input.to(DType::float32);
    for (const Mode mode : {Mode::training, Mode::evaluation}) {
      const Tensor y = output_of(*module_, input, mode);
      require(y.dtype() == DType::float32, "{}: float32 gives {}", name_of_mode(mode), name_of(y.dtype()));
      require(y.shape() == expected_.output_shape, "{}: float32 output of shape {}, expected {}",
              name_of_mode(mode), y.shape(), expected_.output_shape);
    }
  }

  void check_outputs(Mode mode) {
    const Tensor untouched = expected_.input.clone();
    const Tensor y = output_of(*module_, expected_.input, mode);
    require(y.dtype() == DType::float64, "{}: float64 gives {}", name_of_mode(mode), name_of(y.dtype()));
    require(y.shape() == expected_.output_shape, "{}: output of shape {}, expected {}", name_of_mode(mode),
            y.shape(), expected_.output_shape);
    require(same_bits(y, output_of(*module_, expected_.input, mode)),
            "{}: a second call gives another output", name_of_mode(mode));
    {
      const NoGrad no_grad;
      const Variable unrecorded = pure_forward(*module_, Variable(expected_.input, true), mode);
      require(same_bits(y, unrecorded.value()), "{}: another output with recording off", name_of_mode(mode));
    }
    require(same_bits(untouched, expected_.input), "{}: forward changes its input", name_of_mode(mode));
  }

  void check_gradients(Mode mode) {
    const Tensor untouched = expected_.input.clone();
    const Variable x(expected_.input, true);
    std::vector<Variable> leaves;
    std::vector<std::string> names;
    if (!expected_.input_is_ids) {
      leaves.push_back(x);
      names.emplace_back("the input");
    }
    GradcheckOptions options;
    const std::vector<std::string>& zeros = expected_.zero_gradients_in_training;
    for (const NamedVariable& parameter : module_->named_parameters()) {
      if (!parameter.variable.requires_grad()) continue;
      const bool is_zero = std::find(zeros.begin(), zeros.end(), parameter.name) != zeros.end();
      if (mode == Mode::training && is_zero) options.zero_gradients.push_back(leaves.size());
      leaves.push_back(parameter.variable);
      names.push_back(parameter.name);
    }
    const GradcheckResult result =
        gradcheck([&] { return pure_forward(*module_, x, mode); }, leaves, options);
    require(result.ok, "{}: gradients of ({}): {}", name_of_mode(mode), fmt::join(names, ", "),
            result.message);
    require(same_bits(untouched, expected_.input), "{}: backward changes the input", name_of_mode(mode));
  }

  void require_same_outputs(Module& other, const char* what) {
    for (const Mode mode : {Mode::training, Mode::evaluation}) {
      require(same_bits(output_of(*module_, expected_.input, mode), output_of(other, expected_.input, mode)),
              "{}: {} gives another output", name_of_mode(mode), what);
    }
  }

  void check_clone() {
    const std::size_t found_before = problems_.size();
    const std::shared_ptr<Module> copy = module_->clone();
    require(places_of(*copy) == places_of(*module_), "the clone consists of {}, not {}",
            fmt::join(places_of(*copy), ", "), fmt::join(places_of(*module_), ", "));
    const std::vector<NamedVariable> theirs = copy->named_state(), ours = module_->named_state();
    require(names_of(theirs) == names_of(ours), "the clone's state is named {}, not {}", names_of(theirs),
            names_of(ours));
    if (names_of(theirs) != names_of(ours)) return;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      const Variable &theirs_i = theirs[i].variable, &ours_i = ours[i].variable;
      require(same_bits(theirs_i.value(), ours_i.value()), "the clone's {} has another value", ours[i].name);
      require(theirs_i.requires_grad() == ours_i.requires_grad(), "the clone's {} is {} trainable",
              ours[i].name, theirs_i.requires_grad() ? "" : "not");
      require(!theirs_i.value().shares_elements_with(ours_i.value()),
              "the clone's {} shares elements with the original", ours[i].name);
    }
    if (problems_.size() > found_before)
      return;  // outputs of another state, or element type, would tell no more
    require_same_outputs(*copy, "the clone");

    const Tensor before = output_of(*module_, expected_.input, Mode::evaluation);
    std::vector<Tensor> values;
    for (const NamedVariable& named : ours) values.push_back(named.variable.value().clone());
    move_state(*copy, moved_input(1, 0.5), 200);
    for (std::size_t i = 0; i < ours.size(); ++i) {
      require(same_bits(values[i], ours[i].variable.value()), "training the clone changes {}", ours[i].name);
    }
    require(same_bits(before, output_of(*module_, expected_.input, Mode::evaluation)),
            "training the clone changes the output");
  }

  void check_state_copy() {
    const std::shared_ptr<Module> other = made_with(2);
    other->to(DType::float64);
    move_state(*other, moved_input(2, 1.5), 300);
    const std::vector<NamedVariable> theirs = other->named_state(), ours = module_->named_state();
    require(names_of(theirs) == names_of(ours), "another instance's state is named {}, not {}",
            names_of(theirs), names_of(ours));
    if (names_of(theirs) != names_of(ours)) return;
    require(ours.empty() || !same_bits(output_of(*module_, expected_.input, Mode::evaluation),
                                       output_of(*other, expected_.input, Mode::evaluation)),
            "another instance with other state gives the same output: copying it shows nothing");
    const std::vector<std::byte> file =
        io::encode_safetensors({.metadata = {}, .tensors = module_->state_dict()});
    nn::load_state_dict(*other, io::parse_safetensors(file, "the file of the state").tensors);
    require_same_outputs(*other, "another instance that loaded the state");
  }

  const ModuleMaker& make_;
  const ModuleExpectation& expected_;
  std::shared_ptr<Module> module_;
  std::vector<std::string> problems_;
};

}  // namespace

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.numel() == 0 || std::memcmp(a.bytes(), b.bytes(), a.num_bytes()) == 0);
}

::testing::AssertionResult check_module(const ModuleMaker& make, const ModuleExpectation& expected) {
  const std::vector<std::string> problems = ModuleChecker(make, expected).run();
  if (problems.empty()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format("{}", fmt::join(problems, "\n"));
}

}  // namespace keel::testing
