#include "study/scaled_dataset.h"

#include <fmt/format.h>

#include "keel/core/tensor_ops.h"

namespace keel::study {
namespace {

class Scaled final : public data::Dataset {
 public:
  Scaled(data::DatasetPtr original, double factor) : original_(std::move(original)), factor_(factor) {}
  Index size() const override { return original_->size(); }
  Shape example_shape() const override { return original_->example_shape(); }
  Index num_classes() const override { return original_->num_classes(); }
  std::vector<std::string> class_names() const override { return original_->class_names(); }
  std::string description() const override { return times_factor(original_->description()); }
  std::string fingerprint() const override { return times_factor(original_->fingerprint()); }
  data::Batch gather(std::span<const std::int32_t> indices) const override {
    data::Batch batch = original_->gather(indices);
    batch.inputs = affine(batch.inputs, factor_, 0);
    return batch;
  }

 private:
  std::string times_factor(const std::string& original) const {
    return fmt::format("{} times {:g}", original, factor_);
  }

  data::DatasetPtr original_;
  double factor_;
};

}  // namespace

data::DatasetPtr scaled(data::DatasetPtr dataset, double factor) {
  return std::make_shared<Scaled>(std::move(dataset), factor);
}

}  // namespace keel::study
