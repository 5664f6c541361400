#include "keel/nn/models.h"

#include "keel/nn/activation.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/pool2d.h"

namespace keel::nn {
namespace {

void add_activation(Sequential& model, Index channels, const ClassifierOptions& options) {
  const bool before = options.norm_position == NormPosition::before_activation;
  if (options.batch_norm && before) model.add<BatchNorm>(channels, options.norm);
  model.add<ReLU>();
  if (options.batch_norm && !before) model.add<BatchNorm>(channels, options.norm);
}

void add_dense(Sequential& model, Index inputs, Index outputs, Rng& rng, const ClassifierOptions& options) {
  model.add<Dense>(inputs, outputs, rng,
                   DenseOptions{.weight_init = options.weight_init, .bias_init = options.bias_init});
}

void check_input(const char* model, const ClassifierOptions& options) {
  check<ShapeError>(options.input.rank() == 3 && options.input.numel() > 0,
                    "[{}] expected images [H,W,C], found {}", model, options.input);
}

constexpr Index kHidden = 128;

}  // namespace

std::shared_ptr<Sequential> mlp(Rng rng, const ClassifierOptions& options) {
  check_input("mlp", options);
  auto model = std::make_shared<Sequential>();
  model->add<Flatten>();
  add_dense(*model, options.input.numel(), kHidden, rng, options);
  add_activation(*model, kHidden, options);
  if (options.dropout > 0) model->add<Dropout>(options.dropout);
  add_dense(*model, kHidden, options.classes, rng, options);
  return model;
}

std::shared_ptr<Sequential> cnn(Rng rng, const ClassifierOptions& options) {
  check_input("cnn", options);
  auto model = std::make_shared<Sequential>();
  Index height = options.input[0], width = options.input[1], channels = options.input[2];
  for (const Index filters : {32, 64}) {
    for (int convolution = 0; convolution < 2; ++convolution) {
      model->add<Conv2d>(channels, filters, 3, rng,
                         Conv2dLayerOptions{.convolution = {.padding = 1, .algorithm = options.convolution},
                                            .weight_init = options.weight_init,
                                            .bias_init = options.bias_init});
      channels = filters;
      add_activation(*model, channels, options);
    }
    model->add<MaxPool2d>(MaxPool2dOptions{.kernel = 2});
    height /= 2;
    width /= 2;
  }
  check<ShapeError>(height > 0 && width > 0, "[cnn] expected images of at least 4x4, found {}",
                    options.input);
  model->add<Flatten>();
  add_dense(*model, height * width * channels, kHidden, rng, options);
  model->add<ReLU>();
  if (options.dropout > 0) model->add<Dropout>(options.dropout);
  add_dense(*model, kHidden, options.classes, rng, options);
  return model;
}

}  // namespace keel::nn
