#include "keel/nn/pytorch_state.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "keel/core/tensor_ops.h"
#include "nn/feature_order.h"
#include "nn/state_match.h"

namespace keel::nn {
namespace {

// A parameter or buffer, and all that is to be known to convert it.
struct Place {
  std::string name;
  Variable variable;
  PyTorchTensor pytorch;
  std::optional<Shape> image;  // [H,W,C] of the flattened images along the axis of input features
};

std::vector<Place> places_of(Module& module, const Shape& example) {
  std::vector<std::pair<Variable, PyTorchTensor>> said;
  module.visit([&](const std::string&, Module& part) {
    const PyTorchLayout layout = part.pytorch_layout();
    for (const auto& [name, variable] : part.named_state()) {
      const auto at = layout.tensors.find(name);
      if (at != layout.tensors.end()) said.emplace_back(variable, at->second);
    }
  });
  const FeatureImages images = find_feature_images(module, example);
  std::vector<Place> places;
  for (NamedVariable& named : module.named_state()) {
    Place place = {std::move(named.name), std::move(named.variable), {}, {}};
    const auto same = [&](const auto& entry) { return entry.first == place.variable; };
    const auto layout = std::find_if(said.begin(), said.end(), same);
    if (layout != said.end()) place.pytorch = layout->second;
    const auto image = std::find_if(images.begin(), images.end(), same);
    if (image != images.end()) place.image = image->second;
    places.push_back(std::move(place));
  }
  return places;
}

// Entries along an axis, which are pixels flattened in the order of `image`, in another order of its axes.
Tensor reorder_pixels(const Tensor& tensor, int axis, const Shape& image, const std::array<int, 3>& order) {
  std::vector<Index> split(tensor.shape().begin(), tensor.shape().end());
  split.erase(split.begin() + axis);
  split.insert(split.begin() + axis, image.begin(), image.end());
  std::vector<int> axes(split.size());
  std::iota(axes.begin(), axes.end(), 0);
  for (int i = 0; i < 3; ++i)
    axes[static_cast<std::size_t>(axis + i)] = axis + order[static_cast<std::size_t>(i)];
  return transpose(tensor.reshape(Shape(std::span<const Index>(split))), axes).reshape(tensor.shape());
}

std::vector<int> inverse(const std::vector<int>& order) {
  std::vector<int> result(order.size());
  for (std::size_t i = 0; i < order.size(); ++i)
    result[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  return result;
}

Tensor in_pytorch(const Place& place) {
  Tensor tensor = place.variable.value();
  if (place.pytorch.int64_scalar) return tensor.clone().reshape(Shape());
  if (place.image) tensor = reorder_pixels(tensor, *place.pytorch.input_features, *place.image, {2, 0, 1});
  if (!place.pytorch.axes.empty()) tensor = transpose(tensor, place.pytorch.axes);
  return tensor.shares_elements_with(place.variable.value()) ? tensor.clone() : tensor;
}

// `tensor` has the shape that in_pytorch() gives.
Tensor from_pytorch(const Place& place, Tensor tensor) {
  if (place.pytorch.int64_scalar) return tensor.reshape(place.variable.shape());
  if (!place.pytorch.axes.empty()) tensor = transpose(tensor, inverse(place.pytorch.axes));
  if (place.image) {
    const Shape& hwc = *place.image;
    tensor = reorder_pixels(tensor, *place.pytorch.input_features, {hwc[2], hwc[0], hwc[1]}, {1, 2, 0});
  }
  return tensor;
}

}  // namespace

PyTorchState to_pytorch(Module& module, const Shape& example) {
  PyTorchState state;
  for (const Place& place : places_of(module, example)) {
    state.tensors.push_back({place.name, in_pytorch(place)});
    if (place.pytorch.int64_scalar) state.stored_as_int64.insert(place.name);
  }
  return state;
}

StateDifference load_pytorch_state_dict(Module& module, const Shape& example,
                                        const std::vector<NamedTensor>& tensors,
                                        const LoadStateOptions& options) {
  std::vector<Place> places = places_of(module, example);
  std::vector<NamedTensor> expected;
  for (const Place& place : places) expected.push_back({place.name, in_pytorch(place)});
  StateMatch match = match_state("load_state_dict", expected, tensors);
  require_loadable(match, expected.size(), tensors.size(), options);
  for (auto& [place, source] : match.copies) source = from_pytorch(places[place], source);
  for (const auto& [place, source] : match.copies) places[place].variable.mutable_value().copy_from(source);
  return std::move(match.difference);
}

}  // namespace keel::nn
