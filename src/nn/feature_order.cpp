#include "nn/feature_order.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string>

namespace keel::nn {
namespace {

// One run of a part.
struct Run {
  std::string path;
  Variable input;
  Variable output;
};

// The order of the features (the last axis) of a variable.
struct Order {
  enum class Kind { same, flattened, unknown } kind = Kind::same;
  Shape image = {};  // [H,W,C], if flattened
};

// The order of features in which [H,W,C] is flattened is PyTorch's too if there is one pixel or one channel.
bool order_matters(const Shape& images) {
  return images.rank() == 4 && images[3] > 1 && images[1] * images[2] > 1;
}

bool is_inside(const std::string& path, const std::string& container) {
  return container.empty() ? !path.empty() : path.starts_with(container + ".");
}

class Tracer {
 public:
  Tracer(Module& module, const Shape& example) : module_(module) {
    add_paths("", module);
    run(example);
  }

  FeatureImages find() {
    set_order(runs_.back().input, {});
    for (std::size_t i = 0; i < runs_.size(); ++i) follow(i);
    for (const auto& [path, module] : modules_) {
      const auto same_module = [&, part = module](const Run& run) { return modules_.at(run.path) == part; };
      // Its forward() was called past run_part().
      if (std::none_of(runs_.begin(), runs_.end(), same_module)) note_tensors(path, *module, unknown(), {});
    }
    return std::move(found_);
  }

 private:
  // Where nothing is flattened, whatever cannot be told is in PyTorch's order.
  Order unknown() const { return has_images_ ? Order{Order::Kind::unknown} : Order(); }

  // All paths: a part of several modules has several, and runs under each.
  void add_paths(const std::string& path, Module& module) {
    modules_.emplace(path, &module);
    for (const Module::NamedChild& named : module.children()) {
      add_paths(path.empty() ? named.name : path + "." + named.name, *named.module);
    }
  }

  void run(const Shape& example) {
    // Two, as a layer that normalises over the batch refuses one.
    std::vector<Index> extents = {2};
    extents.insert(extents.end(), example.begin(), example.end());
    DType dtype = DType::float32;
    for (const Variable& parameter : module_.parameters()) dtype = parameter.dtype();
    const Variable input(Tensor::zeros(Shape(std::span<const Index>(extents)), dtype));
    Context context(Mode::evaluation);
    context.set_observer([&](const std::string& path, const Variable& x, const Variable& y) {
      runs_.push_back({path, x, y});
    });
    const NoGrad no_grad;
    const Variable output = module_.forward(input, context);
    runs_.push_back({"", input, output});
    for (const Run& run : runs_)
      has_images_ |= order_matters(run.input.shape()) || order_matters(run.output.shape());
  }

  void set_order(const Variable& variable, Order order) {
    const auto same = [&](const auto& entry) { return entry.first == variable; };
    const auto at = std::find_if(orders_.begin(), orders_.end(), same);
    if (at == orders_.end()) orders_.emplace_back(variable, std::move(order));
  }

  // Of the input of run `index`, which is the output of an earlier one unless a container made it itself.
  Order order_of_input(std::size_t index) const {
    const Variable& x = runs_[index].input;
    if (const Order* known = find_order(x)) return *known;
    if (x.shape().rank() != 2) return {};
    // What stands in a container whose input has features in the same order cannot be a flattened image.
    for (std::size_t i = index + 1; i < runs_.size(); ++i) {
      if (!is_inside(runs_[index].path, runs_[i].path) || runs_[i].input.shape().rank() != 2) continue;
      const Order* outer = find_order(runs_[i].input);
      if (outer != nullptr && outer->kind == Order::Kind::same) return {};
    }
    return unknown();
  }

  const Order* find_order(const Variable& variable) const {
    const auto same = [&](const auto& entry) { return entry.first == variable; };
    const auto at = std::find_if(orders_.begin(), orders_.end(), same);
    return at == orders_.end() ? nullptr : &at->second;
  }

  void follow(std::size_t index) {
    const Run& run = runs_[index];
    Module& module = *modules_.at(run.path);
    const Order input = order_of_input(index);
    note_tensors(run.path, module, input, run.input.shape());
    if (find_order(run.output) != nullptr) return;  // a container that returns what its last part does
    set_order(run.output, order_of_output(run, module, input));
  }

  Order order_of_output(const Run& run, const Module& module, const Order& input) const {
    const Shape &x = run.input.shape(), &y = run.output.shape();
    if (x.rank() == 4 && y.rank() == 2) {
      // Another module may flatten, and change the order as well.
      if (!module.children().empty() || !module.named_state().empty()) return unknown();
      const bool pools = y[1] == x[3];
      if (pools || !order_matters(x)) return {};
      return y[1] == x.numel_between(1, 4) ? Order{Order::Kind::flattened, Shape({x[1], x[2], x[3]})}
                                           : unknown();
    }
    if (x.rank() != 2 || y.rank() == 0) return {};
    check<ValueError>(!order_matters(y),
                      "[pytorch_state] {}: expected features or pixels, found {} made of {}: "
                      "the order in which PyTorch would take them is not known",
                      place(run.path), y, x);
    if (module.pytorch_layout().mixes_features) return {};
    if (!module.children().empty()) return input.kind == Order::Kind::same ? input : unknown();
    check<ValueError>(input.kind != Order::Kind::flattened || x == y,
                      "[pytorch_state] {}: expected a layer that keeps "
                      "flattened features {} in their places, found {} made of {}",
                      place(run.path), input.image, y, x);
    return input;
  }

  void note_tensors(const std::string& path, const Module& module, const Order& input,
                    const Shape& input_shape) {
    const PyTorchLayout layout = module.pytorch_layout();
    require_equivalent(path, layout, input_shape);
    for (const auto& [name, variable] : module.named_state()) {
      if (name.find('.') != std::string::npos) continue;  // of a child
      const auto said = layout.tensors.find(name);
      if (said == layout.tensors.end()) {
        require_no_feature_axis(path, name, variable.shape(), input, input_shape);
      } else if (said->second.input_features) {
        note_features(path, variable, input);
      }
    }
  }

  // `input` has rank 0 if it is not known.
  void require_equivalent(const std::string& path, const PyTorchLayout& layout, const Shape& input) const {
    check<ValueError>(layout.no_equivalent.empty(), "[pytorch_state] {}: PyTorch has no equivalent layer: {}",
                      place(path), layout.no_equivalent);
    const std::vector<int>& ranks = layout.input_ranks;
    check<ValueError>(input.rank() == 0 || ranks.empty() ||
                          std::find(ranks.begin(), ranks.end(), input.rank()) != ranks.end(),
                      "[pytorch_state] {}: PyTorch has no equivalent layer for an input {}; it has one for "
                      "inputs of {} axes",
                      place(path), input, fmt::join(ranks, " or "));
  }

  void note_features(const std::string& path, const Variable& variable, const Order& input) {
    check<ValueError>(
        input.kind != Order::Kind::unknown,
        "[pytorch_state] {}: the features of its input do not come straight from a layer, so it cannot "
        "be told whether they are flattened images",
        place(path));
    const auto image = input.kind == Order::Kind::flattened ? std::optional(input.image) : std::nullopt;
    const auto same = [&](const auto& entry) { return entry.first == variable; };
    const auto at = std::find_if(found_.begin(), found_.end(), same);
    if (at == found_.end()) {
      found_.emplace_back(variable, image);
      return;
    }
    check<ValueError>(at->second == image,
                      "[pytorch_state] {}: it is run several times, on features in different orders",
                      place(path));
  }

  // Of a tensor that the layer says nothing about, where it would matter.
  void require_no_feature_axis(const std::string& path, const std::string& name, const Shape& tensor,
                               const Order& input, const Shape& input_shape) const {
    if (input.kind == Order::Kind::same || input_shape.rank() != 2) return;
    check<ValueError>(
        std::find(tensor.begin(), tensor.end(), input_shape[1]) == tensor.end(),
        "[pytorch_state] {}: its '{}' {} may follow the order of flattened features; the layer must say "
        "so in pytorch_layout()",
        place(path), name, tensor);
  }

  std::string place(const std::string& path) const {
    const std::string kind = modules_.at(path)->kind();
    return path.empty() ? "the model (" + kind + ")" : fmt::format("layer {} ({})", path, kind);
  }

  Module& module_;
  std::map<std::string, Module*> modules_;
  std::vector<Run> runs_;  // parts first; the last is the whole
  bool has_images_ = false;
  std::vector<std::pair<Variable, Order>> orders_;
  FeatureImages found_;
};

}  // namespace

FeatureImages find_feature_images(Module& module, const Shape& example) {
  return Tracer(module, example).find();
}

}  // namespace keel::nn
