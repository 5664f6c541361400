// What the tests of this folder share: a small set of images that can be told apart, and models for it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keel/core/rng.h"
#include "keel/data/batches.h"
#include "keel/data/dataset.h"
#include "keel/nn/models.h"

namespace keel::train::testing {

// n images [12,10,2] of 3 classes: of the three bands of four rows, the one of the class is bright, the
// others are dark, all with noise. Class of image i: i mod 3.
inline std::shared_ptr<const data::ImageDataset> banded_images(Index n, std::uint64_t seed = 1) {
  Rng rng(seed, Stream::test);
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < n; ++i) {
    labels.push_back(static_cast<std::int32_t>(i % 3));
    for (Index row = 0; row < 12; ++row) {
      const Index low = row / 4 == i % 3 ? 120 : 0;
      for (Index p = 0; p < 10 * 2; ++p) pixels.push_back(static_cast<std::uint8_t>(low + rng.below(136)));
    }
  }
  return std::make_shared<data::ImageDataset>(
      data::ImageDatasetOptions{.images = Tensor::from({n, 12, 10, 2}, pixels),
                                .labels = Tensor::from({n}, labels),
                                .num_classes = 3,
                                .description = "banded images"});
}

inline nn::ClassifierOptions for_banded_images(nn::ClassifierOptions options = {}) {
  options.input = {12, 10, 2};
  options.classes = 3;
  return options;
}

inline std::shared_ptr<nn::Sequential> small_mlp(const nn::ClassifierOptions& options = {},
                                                 std::uint64_t seed = 1) {
  return nn::mlp(Rng(seed, Stream::initialization), for_banded_images(options));
}

inline std::shared_ptr<nn::Sequential> small_cnn(const nn::ClassifierOptions& options = {},
                                                 std::uint64_t seed = 1) {
  return nn::cnn(Rng(seed, Stream::initialization), for_banded_images(options));
}

// All parameters and buffers, one after the other.
inline std::vector<double> state_of(const nn::Module& model) {
  std::vector<double> all;
  for (const auto& list : {model.named_parameters(), model.named_buffers()}) {
    for (const nn::NamedVariable& named : list) {
      const Tensor values = named.variable.value().to(DType::float64);
      all.insert(all.end(), values.values<double>().begin(), values.values<double>().end());
    }
  }
  return all;
}

// Real numbers as inputs, where pixels are too tame.
class RealDataset final : public data::Dataset {
 public:
  // inputs: float32 [N,C]; labels: int32 [N]
  RealDataset(Tensor inputs, Tensor labels, Index num_classes)
      : inputs_(std::move(inputs)), labels_(std::move(labels)), num_classes_(num_classes) {}

  Index size() const override { return inputs_.size(0); }
  Shape example_shape() const override { return {inputs_.size(1)}; }
  Index num_classes() const override { return num_classes_; }
  data::Batch gather(std::span<const std::int32_t> indices) const override {
    const Index width = inputs_.size(1);
    data::Batch batch{Tensor::empty({static_cast<Index>(indices.size()), width}),
                      Tensor::empty({static_cast<Index>(indices.size())}, DType::int32)};
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto to = static_cast<Index>(i);
      batch.labels.data<std::int32_t>()[to] = labels_.data<std::int32_t>()[indices[i]];
      for (Index c = 0; c < width; ++c) {
        batch.inputs.data<float>()[to * width + c] = inputs_.data<float>()[indices[i] * width + c];
      }
    }
    return batch;
  }
  std::string description() const override { return "real numbers"; }
  std::string fingerprint() const override { return "00000000"; }

 private:
  Tensor inputs_, labels_;
  Index num_classes_;
};

}  // namespace keel::train::testing
