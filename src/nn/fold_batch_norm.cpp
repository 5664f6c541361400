#include "keel/nn/fold_batch_norm.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "keel/nn/batch_norm.h"
#include "keel/nn/batch_renorm.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/full_norm.h"
#include "keel/nn/noisy_batch_norm.h"
#include "keel/nn/pool2d.h"
#include "keel/nn/residual.h"

namespace keel::nn {
namespace {

// Stands first in a folded model: statistics that are gone cannot be trained with.
struct EvaluationOnly final : Layer<EvaluationOnly> {
  Variable forward(const Variable& x, Context& context) override {
    check(!context.training(),
          "[fold_batch_norm] a model with folded BatchNorm is for evaluation: train the original");
    return x;
  }
  std::string kind() const override { return "evaluation_only"; }
};

using Doubles = std::vector<double>;

Doubles doubles_of(const Variable& variable) {
  const Tensor wide = variable.value().to(DType::float64);
  return {wide.data<double>(), wide.data<double>() + wide.numel()};
}

// y = scale x + shift, channel by channel.
struct ChannelFunction {
  Doubles scale, shift;
  Index channels() const { return static_cast<Index>(scale.size()); }
  bool shifts() const {
    return std::any_of(shift.begin(), shift.end(), [](double t) { return t != 0; });
  }
};

// variance: of each channel, without epsilon.
template <class Norm>
ChannelFunction function_with(const Norm& norm, const Doubles& variance) {
  const Doubles mean = doubles_of(norm.running_mean);
  ChannelFunction f{Doubles(mean.size(), 1), Doubles(mean.size(), 0)};
  if (norm.weight.defined()) f.scale = doubles_of(norm.weight);
  if (norm.bias.defined()) f.shift = doubles_of(norm.bias);
  for (std::size_t c = 0; c < mean.size(); ++c) {
    f.scale[c] /= std::sqrt(variance[c] + norm.options().epsilon);
    f.shift[c] -= f.scale[c] * mean[c];
    check<ValueError>(std::isfinite(f.scale[c]) && std::isfinite(f.shift[c]),
                      "its channel {} has mean {} and variance {}: expected finite statistics", c, mean[c],
                      variance[c]);
  }
  return f;
}

// The BatchNorm that the layer is in evaluation; none if it is something else.
const BatchNorm* batch_norm_in(const Module& layer) {
  if (const auto* noisy = dynamic_cast<const NoisyBatchNorm*>(&layer)) return noisy->norm.pointer().get();
  return dynamic_cast<const BatchNorm*>(&layer);
}

bool is_foldable(const Module& module) {
  return batch_norm_in(module) != nullptr || dynamic_cast<const BatchRenorm*>(&module) != nullptr ||
         dynamic_cast<const FullNorm*>(&module) != nullptr;
}

// What a norm that is_foldable() does in evaluation.   throws: ValueError if it is no such function
ChannelFunction function_of(const Module& module) {
  if (const auto* norm = dynamic_cast<const FullNorm*>(&module)) {
    return function_with(*norm, doubles_of(norm->running_var));
  }
  if (const auto* norm = dynamic_cast<const BatchRenorm*>(&module)) {
    Doubles variance = doubles_of(norm->running_deviation);                         // with epsilon in it
    for (double& v : variance) v = std::max(v * v - norm->options().epsilon, 0.0);  // NaN stays NaN
    return function_with(*norm, variance);
  }
  const BatchNorm& norm = *batch_norm_in(module);
  check<ValueError>(norm.options().track_running_stats, "it has no running statistics");
  check<ValueError>(norm.options().axis == -1,
                    "its channels are in axis {}, not in the last, where weights have theirs",
                    norm.options().axis);
  return function_with(norm, doubles_of(norm.running_var));
}

// A Dense or Conv2d of the original with weights of its own: matrices of [inputs, outputs], one for each tap
// of a kernel.
class LinearLayer {
 public:
  // Nothing if the module is neither.
  static std::shared_ptr<LinearLayer> of(const Module& module) {
    auto layer = std::make_shared<LinearLayer>();
    if (const auto* dense = dynamic_cast<const Dense*>(&module)) {
      layer->take(dense->weight, dense->bias);
    } else if (const auto* convolution = dynamic_cast<const Conv2d*>(&module)) {
      layer->convolution_ = convolution->convolution();
      layer->is_convolution_ = true;
      layer->take(convolution->weight, convolution->bias);
    } else {
      return nullptr;
    }
    return layer;
  }

  bool is_convolution() const { return is_convolution_; }
  const Conv2dOptions& convolution() const { return convolution_; }
  Index inputs() const { return shape_[-2] * convolution_.groups; }
  Index outputs() const { return shape_[-1]; }

  // f behind this layer.
  void append(const ChannelFunction& f) {
    const auto k = static_cast<std::size_t>(outputs());
    for (std::size_t i = 0; i < weight_.size(); ++i) weight_[i] *= f.scale[i % k];
    for (std::size_t i = 0; i < k; ++i) bias_[i] = f.scale[i] * bias_[i] + f.shift[i];
  }

  // f in front of this layer; its channels repeat along the inputs if there is a Flatten between the two.
  void prepend(const ChannelFunction& f) {
    const Index outputs_of_group = outputs() / convolution_.groups;
    const Index rows = shape_.numel() / outputs();
    for (Index row = 0; row < rows; ++row) {
      for (Index k = 0; k < outputs(); ++k) {
        const Index input = k / outputs_of_group * shape_[-2] + row % shape_[-2];
        const auto channel = static_cast<std::size_t>(input % f.channels());
        double& w = weight_[static_cast<std::size_t>(row * outputs() + k)];
        bias_[static_cast<std::size_t>(k)] += f.shift[channel] * w;
        w *= f.scale[channel];
      }
    }
  }

  std::shared_ptr<Module> make() const {
    Rng unused(0, Stream::initialization);
    const Tensor weight = Tensor::from(shape_, weight_).to(dtype_);
    const Tensor bias = Tensor::from({outputs()}, bias_).to(dtype_);
    const auto filled = [&](auto layer) -> std::shared_ptr<Module> {
      layer->weight.set_value(weight);
      layer->bias.set_value(bias);
      return layer;
    };
    if (!is_convolution_) {
      return filled(std::make_shared<Dense>(inputs(), outputs(), unused,
                                            DenseOptions{.weight_init = zeros(), .bias_init = zeros()}));
    }
    return filled(std::make_shared<Conv2d>(
        inputs(), outputs(), Pair(shape_[0], shape_[1]), unused,
        Conv2dLayerOptions{.convolution = convolution_, .weight_init = zeros(), .bias_init = zeros()}));
  }

 private:
  void take(const Variable& weight, const Variable& bias) {
    shape_ = weight.shape();
    dtype_ = weight.dtype();
    weight_ = doubles_of(weight);
    bias_ = bias.defined() ? doubles_of(bias) : Doubles(static_cast<std::size_t>(outputs()), 0);
  }

  Conv2dOptions convolution_ = {};
  bool is_convolution_ = false;
  Shape shape_;
  DType dtype_ = DType::float32;
  Doubles weight_, bias_;
};

// One layer of a Sequential, on its way from the original to the copy.
struct Place {
  std::string name;
  std::shared_ptr<Module> module;       // of the original; a container of what is folded
  std::shared_ptr<LinearLayer> linear;  // if the layer is one
  bool changed = false;                 // linear is what counts
  bool gone = false;
};

// Whether f(layer(x)) = layer(f(x)) for every ChannelFunction f.
bool passes(const Module& layer, bool flatten) {
  if (const auto* pool = dynamic_cast<const AvgPool2d*>(&layer)) {
    return pool->options().padding == Pair(0) || !pool->options().count_include_pad;
  }
  return dynamic_cast<const Dropout*>(&layer) != nullptr ||
         dynamic_cast<const GlobalAvgPool2d*>(&layer) != nullptr ||
         (flatten && dynamic_cast<const Flatten*>(&layer) != nullptr);
}

class Folding {
 public:
  Folding(const Module& model, const FoldOptions& options) : options_(options) { count_uses(model); }

  // `path` leads to the model's layers: "" or "3.body.".
  std::shared_ptr<Sequential> fold(const Sequential& model, const std::string& path) {
    std::vector<Place> places;
    for (const auto& [name, module] : model.children()) {
      places.push_back({name, module, LinearLayer::of(*module)});
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Module& layer = *places[i].module;
      if (!is_foldable(layer)) {
        places[i].module = fold_below(places[i].module, path + places[i].name);
        continue;
      }
      const std::string reason = reason_against(places, i);
      if (reason.empty()) {
        result_.folded.push_back(path + places[i].name);
      } else {
        keep(path + places[i].name, layer, reason);
      }
    }
    auto folded = std::make_shared<Sequential>();
    for (const Place& place : places) {
      if (!place.gone) folded->add(place.name, place.changed ? place.linear->make() : place.module);
    }
    return folded;
  }

  FoldedModel& result() { return result_; }

 private:
  void count_uses(const Module& module) {
    for (const auto& [name, part] : module.children()) {
      if (++uses_[part.get()] == 1) count_uses(*part);
    }
  }

  void keep(const std::string& path, const Module& layer, const std::string& reason) {
    check<ValueError>(options_.keep_unfoldable, "[fold_batch_norm] layer {} ({}) cannot be folded: {}", path,
                      layer.kind(), reason);
    result_.kept.push_back({path, reason});
  }

  std::shared_ptr<Module> fold_below(const std::shared_ptr<Module>& module, const std::string& path) {
    if (const auto* sequential = dynamic_cast<const Sequential*>(module.get())) {
      return fold(*sequential, path + ".");
    }
    if (const auto* residual = dynamic_cast<const Residual*>(module.get())) {
      const auto body = fold(*residual->body, path + ".body.");
      const bool projects = residual->shortcut.pointer() != nullptr;
      return std::make_shared<Residual>(body,
                                        projects ? fold(*residual->shortcut, path + ".shortcut.") : nullptr);
    }
    std::set<const Module*> inner;  // of norms that are named already
    module->visit([&](const std::string& below, Module& part) {
      if (below.empty() || !is_foldable(part) || inner.contains(&part)) return;
      for (const auto& [name, child] : part.children()) inner.insert(child.get());
      keep(fmt::format("{}.{}", path, below), part,
           fmt::format("{} is no Sequential and no Residual, so what is next to it is not known",
                       module->kind()));
    });
    return module;
  }

  // Folds the norm at place i if that can be done; otherwise says why not.
  std::string reason_against(std::vector<Place>& places, std::size_t i) {
    ChannelFunction f;
    try {
      f = function_of(*places[i].module);
    } catch (const ValueError& error) {
      return error.what();
    }
    const std::string in_front = against_front(places, i);
    Place* const front = in_front.empty() ? neighbour(places, i, -1) : nullptr;
    if (front != nullptr) {
      front->linear->append(f);
      front->changed = true;
      places[i].gone = true;
      return "";
    }
    const std::string behind = against_back(places, i, f);
    if (!behind.empty()) return fmt::format("{}, and {}", in_front, behind);
    Place* const back = neighbour(places, i, 1);
    back->linear->prepend(f);
    back->changed = true;
    places[i].gone = true;
    return "";
  }

  // The next layer that a function of channels does not pass through.
  static Place* neighbour(std::vector<Place>& places, std::size_t i, int step) {
    for (auto j = static_cast<std::ptrdiff_t>(i) + step;
         j >= 0 && j < static_cast<std::ptrdiff_t>(places.size()); j += step) {
      Place& place = places[static_cast<std::size_t>(j)];
      if (!place.gone && !passes(*place.module, step > 0)) return &place;
    }
    return nullptr;
  }

  std::string against_front(std::vector<Place>& places, std::size_t i) const {
    const Place* place = neighbour(places, i, -1);
    if (place == nullptr) return "no layer is in front of it";
    if (place->linear == nullptr) return fmt::format("{} is in front of it", place->module->kind());
    if (place->linear->convolution().activation != Activation::none) {
      return "the conv2d in front of it has an activation of its own";
    }
    return shared(*place) ? "the layer in front of it is used in several places" : "";
  }

  std::string against_back(std::vector<Place>& places, std::size_t i, const ChannelFunction& f) const {
    const Place* place = neighbour(places, i, 1);
    if (place == nullptr) return "no layer is behind it";
    if (place->linear == nullptr) return fmt::format("{} is behind it", place->module->kind());
    const bool pads = place->linear->convolution().padding != Pair(0);
    if (pads && f.shifts()) return "the conv2d behind it pads with zeros, which BatchNorm would shift";
    return shared(*place) ? "the layer behind it is used in several places" : "";
  }

  bool shared(const Place& place) const { return uses_.at(place.module.get()) > 1; }

  FoldOptions options_;
  FoldedModel result_;
  std::map<const Module*, int> uses_;
};

}  // namespace

FoldedModel fold_batch_norm(const Sequential& model, const FoldOptions& options) {
  Folding folding(model, options);
  const auto folded = folding.fold(model, "");
  // What was not folded is still the original's own: the clone makes it the copy's.
  auto result = std::make_shared<Sequential>();
  result->add("evaluation_only", std::make_shared<EvaluationOnly>());
  for (const auto& [name, module] : folded->children()) result->add(name, module);
  folding.result().model = std::static_pointer_cast<Sequential>(result->clone());
  return std::move(folding.result());
}

}  // namespace keel::nn
