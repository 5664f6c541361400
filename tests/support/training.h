// A model being trained on images of noise, a step at a time, with all that a step of train::fit() has.
#pragma once

#include <memory>
#include <vector>

#include "keel/data/batches.h"
#include "keel/nn/models.h"
#include "keel/ops/loss.h"
#include "keel/optim/adam.h"
#include "keel/train/metrics.h"

namespace keel::testing {

struct TrainingRecipe {
  bool cnn = false;  // else the mlp
  nn::ClassifierOptions model = {};
  Index examples = 0;
  Index batch_size = 0;
};

// Images of noise, with labels in turn.
inline data::DatasetPtr noise(const Shape& image, Index examples, Index classes) {
  Tensor images = Tensor::empty({examples, image[0], image[1], image[2]}, DType::uint8);
  Tensor labels = Tensor::empty({examples}, DType::int32);
  Rng rng(5, Stream::test);
  for (Index i = 0; i < images.numel(); ++i) {
    images.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(rng.next_u32());
  }
  for (Index i = 0; i < examples; ++i) {
    labels.data<std::int32_t>()[i] = static_cast<std::int32_t>(i % classes);
  }
  return std::make_shared<data::ImageDataset>(data::ImageDatasetOptions{
      .images = images, .labels = labels, .num_classes = classes, .description = "noise"});
}

class Training {
 public:
  explicit Training(const TrainingRecipe& recipe)
      : model_((recipe.cnn ? nn::cnn : nn::mlp)(Rng(1, Stream::initialization), recipe.model)),
        optimizer_(model_->named_parameters()),
        batches_(noise(recipe.model.input, recipe.examples, recipe.model.classes),
                 {.batch_size = recipe.batch_size, .shuffle = true, .seed = 3}) {}

  // The next batch; after the last one of an epoch, the first of the next.
  void step() {
    const auto number = static_cast<std::uint64_t>(steps_++);
    const data::Batch batch = batches_.batch(epoch_, next_);
    if (++next_ == batches_.count()) {
      ++epoch_;
      next_ = 0;
    }
    nn::Context context(nn::Mode::training, Rng(7, Stream::dropout).substream(number));
    const Variable logits = model_->forward(Variable(batch.inputs), context);
    const Variable loss = softmax_cross_entropy(logits, batch.labels);
    optimizer_.clear_grad();
    loss.backward();
    optimizer_.step(1e-3);
    metrics_.add(loss.item(), logits.value(), batch.labels);
  }
  void epoch() {
    do step();
    while (next_ != 0);
  }

  // Every number that training changes: parameters, buffers, the optimiser's state, the sum of the losses.
  std::vector<std::byte> state() const {
    std::vector<std::byte> all;
    const auto append = [&](const Tensor& t) { all.insert(all.end(), t.bytes(), t.bytes() + t.num_bytes()); };
    for (const NamedTensor& named : model_->state_dict()) append(named.tensor);
    for (const NamedTensor& named : optimizer_.state()) append(named.tensor);
    append(Tensor::full({}, metrics_.loss(), DType::float64));
    return all;
  }

 private:
  std::shared_ptr<nn::Sequential> model_;
  optim::Adam optimizer_;
  data::Batches batches_;
  train::Metrics metrics_;
  Index epoch_ = 1, next_ = 0, steps_ = 0;
};

}  // namespace keel::testing
