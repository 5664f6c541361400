#include "keel/train/distributions.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "keel/core/tensor_ops.h"

namespace keel::train {
namespace {

// Between the two elements around share * (n - 1) in order of size. Reorders the elements.
template <class T>
double percentile(std::vector<T>& values, double share) {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(position);
  const auto at = values.begin() + below;
  std::nth_element(values.begin(), at, values.end());
  const double low = static_cast<double>(*at);
  if (at + 1 == values.end()) return low;
  const double high = static_cast<double>(*std::min_element(at + 1, values.end()));
  return low + (position - static_cast<double>(below)) * (high - low);
}

template <class T>
Distribution distribution_of_values(std::vector<T> values) {
  const bool finite = std::all_of(values.begin(), values.end(), [](T x) { return std::isfinite(x); });
  if (values.empty() || !finite) return {};
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const T x : values) sum += static_cast<double>(x);
  const double mean = sum / n;
  for (const T x : values) squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
  return {.p15 = percentile(values, 0.15),
          .p50 = percentile(values, 0.50),
          .p85 = percentile(values, 0.85),
          .mean = mean,
          .deviation = std::sqrt(squares / n)};
}

// Elements begin, begin + stride, ...
Distribution distribution_of_each(const Tensor& values, Index begin, Index stride) {
  return dispatch_floating("distribution_of", values.dtype(), [&]<class T>(T) {
    std::vector<T> chosen;
    chosen.reserve(static_cast<std::size_t>(values.numel() / stride + 1));
    const T* x = values.data<T>();
    for (Index i = begin; i < values.numel(); i += stride) chosen.push_back(x[i]);
    return distribution_of_values(std::move(chosen));
  });
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
  std::vector<bool> alive(static_cast<std::size_t>(units), false);
  dispatch_floating("layer_distributions", output.dtype(), [&]<class T>(T) {
    const T* y = output.data<T>();
    for (Index row = 0; row < output.numel() / units; ++row) {
      for (Index c = 0; c < units; ++c) {
        // A NaN is alive, too.
        if (y[row * units + c] != 0) alive[static_cast<std::size_t>(c)] = true;
      }
    }
  });
  return static_cast<double>(std::count(alive.begin(), alive.end(), false)) / static_cast<double>(units);
}

double flat_share(nn::Module& activation, const Tensor& input) {
  const RecordingGuard recording(true);
  const Variable x(input, true);
  nn::Context context(nn::Mode::evaluation);
  const Variable y = activation.forward(x, context);
  y.backward(Tensor::full(y.shape(), 1, y.dtype()));
  Index flat = 0;
  dispatch_floating("layer_distributions", input.dtype(), [&]<class T>(T) {
    for (const T slope : x.grad().values<T>()) flat += std::abs(slope) < static_cast<T>(kFlatSlope) ? 1 : 0;
  });
  return static_cast<double>(flat) / static_cast<double>(input.numel());
}

void describe_input(LayerDistribution& layer, const Tensor& input) {
  if (!is_floating(input.dtype())) return;
  layer.input = distribution_of(input);
  const Index units = input.shape().rank() > 1 ? input.shape()[-1] : 1;
  if (units > 0) layer.unit = distribution_of_each(input, units / 2, units);
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

Distribution distribution_of(const Tensor& values) { return distribution_of_each(values, 0, 1); }

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
