// The two models of the MNIST experiment, with and without Batch Normalization.
#pragma once

#include <memory>

#include "keel/nn/batch_norm.h"
#include "keel/nn/init.h"
#include "keel/nn/sequential.h"
#include "keel/ops/conv2d.h"

namespace keel::nn {

// Where a BatchNorm layer stands: in front of the activation as in the paper (section 3.2), or behind it.
enum class NormPosition { before_activation, after_activation };

struct ClassifierOptions {
  Shape input = {28, 28, 1};  // H, W, C of one image
  Index classes = 10;
  bool batch_norm = false;
  NormPosition norm_position = NormPosition::after_activation;
  BatchNormOptions norm = {};
  double dropout = 0;  // rate, in front of the last layer; 0 is no such layer
  Initializer weight_init = pytorch_default();
  Initializer bias_init = pytorch_default();
  Conv2dAlgorithm convolution = Conv2dAlgorithm::fastest;
};

// Flatten -> Dense 128 -> ReLU [and BatchNorm] -> [Dropout] -> Dense classes
//   shapes: [N,H,W,C] -> logits [N,classes]
// Norm layers draw no random numbers: from equal streams, models with and without them start from the same
// weights.
std::shared_ptr<Sequential> mlp(Rng rng, const ClassifierOptions& options);

// Two blocks, of 32 and 64 channels: [Conv 3x3 [and BatchNorm] -> ReLU] twice, MaxPool 2x2; then
// Flatten -> Dense 128 -> ReLU -> [Dropout] -> Dense classes. Convolutions keep the size of the image
// (padding 1).
//   shapes: [N,H,W,C] -> logits [N,classes]; H and W at least 4
std::shared_ptr<Sequential> cnn(Rng rng, const ClassifierOptions& options);

}  // namespace keel::nn
