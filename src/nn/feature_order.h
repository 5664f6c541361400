// Where the features of a model stand in another order than in the equivalent PyTorch model.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "keel/nn/module.h"

namespace keel::nn {

// Parameters and buffers with an axis of input features (PyTorchTensor::input_features), and the shape
// [H,W,C] of the images that these features are, flattened; none if they are not, or in PyTorch's order
// anyway.
using FeatureImages = std::vector<std::pair<Variable, std::optional<Shape>>>;

// Found by running the module on two examples of zeros in evaluation mode.
//   throws: ValueError, see to_pytorch()
FeatureImages find_feature_images(Module& module, const Shape& example);

}  // namespace keel::nn
