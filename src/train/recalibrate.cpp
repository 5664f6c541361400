#include "keel/train/recalibrate.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_norm.h"

namespace keel::train {
namespace {

std::string others_in_words(nn::Module& model) {
  const std::vector<std::string> others = statistics_left_alone(model);
  return others.empty() ? "" : fmt::format(" (left alone: {})", fmt::join(others, ", "));
}

// The BatchNorms of a model while they recalibrate. Puts back their statistics unless told to keep the new
// ones.
class Recalibration {
 public:
  explicit Recalibration(nn::Module& model) {
    model.visit([&](const std::string& path, nn::Module& module) {
      auto* norm = dynamic_cast<nn::BatchNorm*>(&module);
      if (norm == nullptr || norm->frozen() || !norm->options().track_running_stats) return;
      norms_.push_back({path, *norm, norm->running_mean.value().clone(), norm->running_var.value().clone(),
                        norm->num_batches_tracked.value().clone()});
    });
    check<ValueError>(!norms_.empty(),
                      "[recalibrate_batch_norm] expected a model with BatchNorm that is not frozen and has "
                      "running statistics, found none{}",
                      others_in_words(model));
    for (const Entry& entry : norms_) entry.norm.recalibrate(true);
  }
  ~Recalibration() {
    for (Entry& entry : norms_) {
      entry.norm.recalibrate(false);
      if (keep_) continue;
      entry.norm.running_mean.mutable_value().copy_from(entry.mean);
      entry.norm.running_var.mutable_value().copy_from(entry.variance);
      entry.norm.num_batches_tracked.mutable_value().copy_from(entry.batches);
    }
  }
  Recalibration(const Recalibration&) = delete;
  Recalibration& operator=(const Recalibration&) = delete;

  void keep() {
    for (const Entry& entry : norms_) {
      check(all_finite(entry.norm.running_mean.value()) && all_finite(entry.norm.running_var.value()),
            "[recalibrate_batch_norm] layer {} (batch_norm): its new statistics are not finite", entry.path);
    }
    keep_ = true;
  }

 private:
  struct Entry {
    std::string path;
    nn::BatchNorm& norm;
    Tensor mean, variance, batches;  // before
  };
  std::vector<Entry> norms_;
  bool keep_ = false;
};

}  // namespace

std::vector<std::string> statistics_left_alone(nn::Module& model) {
  std::vector<std::string> found;
  model.visit([&](const std::string& path, nn::Module& module) {
    if (dynamic_cast<const nn::BatchNorm*>(&module) != nullptr) return;
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
