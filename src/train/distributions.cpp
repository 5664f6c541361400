#include "keel/train/distributions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "keel/core/tensor_ops.h"

namespace keel::train {
namespace {

// Of elements unit, unit + units, ...
Distribution distribution_of_unit(const Tensor& values, Index unit, Index units) {
  Tensor chosen = Tensor::empty({values.numel() / units}, values.dtype());
  dispatch_floating("layer_distributions", values.dtype(), [&]<class T>(T) {
    for (Index i = 0; i < chosen.numel(); ++i) chosen.data<T>()[i] = values.data<T>()[unit + i * units];
  });
  return distribution_of(chosen);
}

// What it returns for numbers from -8 to 8 in a row of this shape, forwards or backwards; nothing if it
// refuses them.
std::optional<std::vector<double>> values_on_grid(nn::Module& layer, DType dtype, Shape shape,
                                                  bool forwards) {
  constexpr int kHalf = 16;
  std::vector<double> grid;
  for (int i = -kHalf; i <= kHalf; ++i) grid.push_back(i / 2.0);
  if (!forwards) std::reverse(grid.begin(), grid.end());
  nn::Context context(nn::Mode::evaluation);
  try {
    const Tensor y = layer.forward(Variable(Tensor::from(shape, grid).to(dtype)), context).value();
    if (y.shape() != shape || y.dtype() != dtype) return {};
    const Tensor reals = y.to(DType::float64);
    std::vector<double> values(reals.values<double>().begin(), reals.values<double>().end());
    if (values == grid) return {};
    if (!forwards) std::reverse(values.begin(), values.end());
    return values;
  } catch (const Error&) {
    return {};
  }
}

bool maps_each_element(nn::Module& layer, DType dtype) {
  if (!is_floating(dtype) || !layer.children().empty() || !layer.named_buffers().empty()) return false;
  const auto row = values_on_grid(layer, dtype, {1, 33}, true);
  return row && row == values_on_grid(layer, dtype, {1, 33}, false) &&
         row == values_on_grid(layer, dtype, {33, 1}, true);
}

double dead_share(const Tensor& output) {
  const Index units = output.shape()[-1];
  if (output.numel() == 0) return kNotANumber;
  std::vector<char> alive(static_cast<std::size_t>(units), 0);
  dispatch_floating("layer_distributions", output.dtype(), [&]<class T>(T) {
    const T* y = output.data<T>();
    for (Index row = 0; row < output.numel() / units; ++row, y += units) {
      // A NaN is alive, too.
      for (Index c = 0; c < units; ++c) alive[static_cast<std::size_t>(c)] |= y[c] != 0 ? 1 : 0;
    }
  });
  return static_cast<double>(std::count(alive.begin(), alive.end(), 0)) / static_cast<double>(units);
}

Index count_flat(nn::Module& activation, const Tensor& input) {
  const RecordingGuard recording(true);
  const Variable x(input, true);
  nn::Context context(nn::Mode::evaluation);
  const Variable y = activation.forward(x, context);
  y.backward(Tensor::full(y.shape(), 1, y.dtype()));
  return dispatch_floating("layer_distributions", input.dtype(), [&]<class T>(T) {
    const auto slopes = x.grad().values<T>();
    return static_cast<Index>(std::count_if(
        slopes.begin(), slopes.end(), [](T slope) { return std::abs(slope) < static_cast<T>(kFlatSlope); }));
  });
}

double flat_share(nn::Module& activation, const Tensor& input) {
  if (input.numel() == 0) return kNotANumber;
  // As it maps each element on its own, as many at a time as fit the cache.
  const Index examples = input.size(0), size = input.numel() / examples;
  const Index step = std::max<Index>(1, (Index{1} << 16) / size);
  Index flat = 0;
  for (Index begin = 0; begin < examples; begin += step) {
    flat += count_flat(activation, input.rows(begin, std::min(begin + step, examples)));
  }
  return static_cast<double>(flat) / static_cast<double>(input.numel());
}

void describe_input(LayerDistribution& layer, const Tensor& input) {
  if (!is_floating(input.dtype())) return;
  layer.input = distribution_of(input);
  const Index units = input.shape().rank() > 1 ? input.shape()[-1] : 1;
  if (units > 0) layer.unit = distribution_of_unit(input, units / 2, units);
}

bool has_own_parameters(const nn::Module& module) {
  const auto named = module.named_parameters();
  return std::any_of(named.begin(), named.end(),
                     [](const auto& parameter) { return parameter.name.find('.') == std::string::npos; });
}

// Whether the path is this one or leads below it.
bool leads_to(const std::string& path, const std::string& above) {
  return above.empty() || path == above || path.starts_with(above + ".");
}

// Layers as they report, each under its path.
class Watch {
 public:
  explicit Watch(nn::Module& model) {
    model.visit([&](const std::string& path, nn::Module& module) { modules_[path] = &module; });
  }

  void see(const std::string& path, const Variable& input, const Variable& output) {
    // A part that is used under several names has one path only.
    const auto found = modules_.find(path);
    if (found == modules_.end()) return;
    nn::Module& module = *found->second;
    const bool has_listed_parts = std::any_of(layers_.begin(), layers_.end(), [&](const auto& layer) {
      return layer.path != path && leads_to(layer.path, path);
    });
    if (has_listed_parts && !has_own_parameters(module)) return;
    LayerDistribution layer{.path = path, .kind = module.kind()};
    describe_input(layer, input.value());
    layer.is_activation = maps_each_element(module, input.dtype());
    if (layer.is_activation) {
      layer.dead = dead_share(output.value());
      layer.flat = flat_share(module, input.value());
    }
    const auto earlier =
        std::find_if(layers_.begin(), layers_.end(), [&](const auto& other) { return other.path == path; });
    if (earlier == layers_.end()) {
      layers_.push_back(std::move(layer));
    } else {
      *earlier = std::move(layer);
    }
  }

  std::vector<LayerDistribution> take() { return std::move(layers_); }

 private:
  std::map<std::string, nn::Module*> modules_;
  std::vector<LayerDistribution> layers_;
};

// The longest of the paths that lead to this one; this one itself if there is none.
std::string path_among(const std::string& path, const std::vector<std::string>& paths) {
  const std::string* longest = nullptr;
  for (const std::string& other : paths) {
    if (leads_to(path, other) && (longest == nullptr || other.size() > longest->size())) longest = &other;
  }
  return longest == nullptr ? path : *longest;
}

}  // namespace

std::vector<LayerDistribution> layer_distributions(const nn::Module& model, const Tensor& inputs,
                                                   const nn::Context& context) {
  const auto copy = model.clone();
  Watch watch(*copy);
  nn::Context watched = context;
  watched.set_observer([&](const std::string& path, const Variable& input, const Variable& output) {
    watch.see(path, input, output);
  });
  const NoGrad no_grad;
  const Variable output = copy->forward(Variable(inputs), watched);
  watch.see("", Variable(inputs), output);
  std::vector<LayerDistribution> layers = watch.take();
  LayerDistribution logits{.path = "output", .kind = "logits"};
  describe_input(logits, output.value());
  layers.push_back(std::move(logits));
  return layers;
}

double norm_of(const std::vector<Tensor>& tensors) {
  double squares = 0;
  for (const Tensor& tensor : tensors) {
    dispatch_floating("norm_of", tensor.dtype(), [&]<class T>(T) {
      for (const T x : tensor.values<T>()) squares += static_cast<double>(x) * static_cast<double>(x);
    });
  }
  return std::sqrt(squares);
}

std::vector<LayerParameters> parameters_by_layer(const nn::Module& model,
                                                 const std::vector<std::string>& paths) {
  std::vector<LayerParameters> layers;
  for (const nn::NamedVariable& named : model.named_parameters()) {
    const std::size_t dot = named.name.rfind('.');
    const std::string owner = dot == std::string::npos ? "" : named.name.substr(0, dot);
    const std::string path = path_among(owner, paths);
    const auto same = [&](const LayerParameters& layer) { return layer.path == path; };
    auto layer = std::find_if(layers.begin(), layers.end(), same);
    if (layer == layers.end()) layer = layers.insert(layers.end(), {path, {}});
    layer->parameters.push_back(named.variable);
  }
  return layers;
}

double gradient_norm(const LayerParameters& layer) {
  std::vector<Tensor> gradients;
  for (const Variable& parameter : layer.parameters) {
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  }
  return gradients.empty() ? kNotANumber : norm_of(gradients);
}

}  // namespace keel::train
