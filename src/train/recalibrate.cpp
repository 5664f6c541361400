#include "keel/train/recalibrate.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/tensor_ops.h"
#include "keel/nn/recalibrated.h"

namespace keel::train {
namespace {

std::string others_in_words(nn::Module& model) {
  const std::vector<std::string> others = statistics_left_alone(model);
  return others.empty() ? "" : fmt::format(" (left alone: {})", fmt::join(others, ", "));
}

// The layers of a model that recalibrate, while they do. Puts back their statistics unless told to keep the
// new ones.
class Recalibration {
 public:
  explicit Recalibration(nn::Module& model) {
    model.visit([&](const std::string& path, nn::Module& module) {
      auto* layer = dynamic_cast<nn::Recalibrated*>(&module);
      if (layer == nullptr || !layer->can_recalibrate()) return;
      layers_.push_back({fmt::format("layer {} ({})", path, module.kind()), *layer, {}});
      for (const nn::NamedVariable& buffer : module.named_buffers()) {
        layers_.back().buffers.push_back({buffer.variable, buffer.variable.value().clone()});
      }
    });
    check<ValueError>(
        !layers_.empty(),
        "[recalibrate_batch_norm] expected a model that has running statistics to estimate anew "
        "(those of BatchNorm, BatchRenorm or FullNorm, not frozen), found none{}",
        others_in_words(model));
    for (const Entry& entry : layers_) entry.layer.recalibrate(true);
  }
  ~Recalibration() {
    for (Entry& entry : layers_) {
      entry.layer.recalibrate(false);
      if (keep_) continue;
      for (auto& [buffer, before] : entry.buffers) buffer.mutable_value().copy_from(before);
    }
  }
  Recalibration(const Recalibration&) = delete;
  Recalibration& operator=(const Recalibration&) = delete;

  void keep() {
    for (const Entry& entry : layers_) {
      for (const auto& [buffer, before] : entry.buffers) {
        check(!is_floating(buffer.dtype()) || all_finite(buffer.value()),
              "[recalibrate_batch_norm] {}: its new statistics are not finite", entry.place);
      }
    }
    keep_ = true;
  }

 private:
  struct Entry {
    std::string place;
    nn::Recalibrated& layer;
    std::vector<std::pair<Variable, Tensor>> buffers;  // with what they were
  };
  std::vector<Entry> layers_;
  bool keep_ = false;
};

}  // namespace

std::vector<std::string> statistics_left_alone(nn::Module& model) {
  std::vector<std::string> found;
  model.visit([&](const std::string& path, nn::Module& module) {
    if (dynamic_cast<const nn::Recalibrated*>(&module) != nullptr) return;
    const std::vector<nn::NamedVariable> buffers = module.named_buffers();
    // Those of its children have their path in front.
    const bool keeps = std::any_of(buffers.begin(), buffers.end(),
                                   [](const auto& buffer) { return buffer.name.starts_with("running_"); });
    if (keeps) found.push_back(fmt::format("layer {} ({})", path, module.kind()));
  });
  return found;
}

void recalibrate_batch_norm(nn::Module& model, const data::Batches& batches, Index count,
                            const StopRequest& stop) {
  check<ValueError>(count >= 1, "[recalibrate_batch_norm] expected at least 1 batch, found {}", count);
  Recalibration recalibration(model);
  const NoGrad no_grad;
  for (Index i = 0; i < count; ++i) {
    check<Interrupted>(!stop || !stop(), "[recalibrate_batch_norm] interrupted at batch {} of {}", i + 1,
                       count);
    const data::Batch batch = batches.batch(i / batches.count(), i % batches.count());
    nn::Context context(nn::Mode::evaluation);
    model.forward(Variable(batch.inputs), context);
  }
  recalibration.keep();
}

}  // namespace keel::train
