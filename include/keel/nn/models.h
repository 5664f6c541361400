// Named models. Those of the MNIST experiment are functions, too; all are built by name with
// ModelDescription::named() (keel/nn/model_description.h), which can also write down their layers:
//
//   mlp        see mlp() below.   The norm, if one is asked for, after the activation
//   cnn        see cnn() below.   From here on the norm, if one is asked for, stands before the activation
//   lenet5     LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B,
//              as it is commonly rebuilt: Conv 5x5 of 6 channels (padding 2, which makes of 28x28 pixels what
//              the article has of 32x32), AvgPool 2x2, Conv 5x5 of 16 without padding, AvgPool, Dense 120 and
//              84, each but the pooling with tanh, and Dense classes. The article's subsampling has weights
//              of its own, its second convolution sees parts of the channels only, its tanh is scaled, and
//              its output is by radial basis functions.
//   vgg-small  Three blocks of two 3x3 convolutions with ReLU, of 32, 64 and 128 channels, each with MaxPool
//              2x2 behind it; Dense 128, ReLU, Dense classes. (After Simonyan & Zisserman, arXiv:1409.1556,
//              whose nets are deeper and wider.)
//   resnet20   He et al., arXiv:1512.03385, section 4.2, n = 3: Conv 3x3 of 16 channels and ReLU, then nine
//              residual blocks of two 3x3 convolutions, of 16, 32 and 64 channels, with ReLU behind the sum,
//              GlobalAvgPool, Dense classes. With BatchNorm unless told otherwise: then its convolutions have
//              no bias. Weights start from he_normal, as the article's. Where a block halves the image its
//              shortcut is a 1x1 convolution (the article's option B); its CIFAR-10 results are with option
//              A, zeros for the new channels.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "keel/nn/batch_norm.h"
#include "keel/nn/init.h"
#include "keel/nn/sequential.h"
#include "keel/ops/conv2d.h"

namespace keel::nn {

// Where a norm layer stands: in front of the activation as in the paper of Batch Normalization (section 3.2),
// or behind it.
enum class NormPosition { before_activation, after_activation };

struct ClassifierOptions {
  Shape input = {28, 28, 1};  // H, W, C of one image
  Index classes = 10;
  bool batch_norm = false;
  // In place of batch_norm: a word of ModelDescription::norms(), or a layer as JSON text
  std::optional<std::string> norm = {};
  NormPosition norm_position = NormPosition::after_activation;
  BatchNormOptions batch_norm_options = {};  // if the norm is that
  double dropout = 0;                        // rate, in front of the last layer; 0 is no such layer
  Initializer weight_init = pytorch_default();
  Initializer bias_init = pytorch_default();
  Conv2dAlgorithm convolution = Conv2dAlgorithm::fastest;
};

// Flatten -> Dense 128 -> ReLU [and norm] -> [Dropout] -> Dense classes
//   shapes: [N,H,W,C] -> logits [N,classes]
// Norm layers draw no random numbers: from equal streams, models with and without them start from the same
// weights.
std::shared_ptr<Sequential> mlp(Rng rng, const ClassifierOptions& options);

// Two blocks, of 32 and 64 channels: [Conv 3x3 [and norm] -> ReLU] twice, MaxPool 2x2; then
// Flatten -> Dense 128 -> ReLU -> [Dropout] -> Dense classes. Convolutions keep the size of the image
// (padding 1).
//   shapes: [N,H,W,C] -> logits [N,classes]; H and W at least 4
std::shared_ptr<Sequential> cnn(Rng rng, const ClassifierOptions& options);

}  // namespace keel::nn
