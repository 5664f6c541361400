// Long training holds no more memory than short training: 2,000 steps through fit(), with its checkpoints and
// its log.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <vector>

#include "keel/core/allocator.h"
#include "keel/nn/models.h"
#include "keel/optim/adam.h"
#include "keel/train/checkpoint_directory.h"
#include "keel/train/csv_log.h"
#include "keel/train/fit.h"
#include "support/temporary_directory.h"
#include "support/training.h"

namespace keel {
namespace {

constexpr Index kSteps = 2000, kStepsInAnEpoch = 25, kBatch = 8;

// Of this process. Linux tells it in pages.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

// Sanitizers keep what is freed for a while.
constexpr bool kSanitized =
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    true;
#else
    false;
#endif

// What is held after each epoch.
class MemoryWatch final : public train::Callback {
 public:
  void on_state(const train::FitState&, train::Moment moment) override {
    if (moment != train::Moment::epoch) return;
    in_use.push_back(allocator_statistics().bytes_in_use);
    resident.push_back(resident_bytes());
  }
  std::vector<std::size_t> in_use, resident;
};

void expect_flat(nn::Sequential& model, const Shape& image) {
  const testing::TemporaryDirectory directory;
  optim::Adam optimizer(model.named_parameters());
  const auto batches = [&](Index examples) {
    return data::Batches(testing::noise(image, examples, 10), {.batch_size = kBatch, .shuffle = true});
  };
  const data::Batches training = batches(kStepsInAnEpoch * kBatch - 3), validation = batches(2 * kBatch + 1);
  const auto watch = std::make_shared<MemoryWatch>();
  train::fit(model, optimizer, training, validation, {.epochs = kSteps / kStepsInAnEpoch},
             {std::make_shared<train::CsvLog>(directory / "epochs.csv"),
              std::make_shared<train::CheckpointWriter>(
                  train::CheckpointDirectory(directory.path()), train::RunDescription{"{}", "{}", {}}, model,
                  optimizer, train::CheckpointEvery{.epochs = 1, .steps = 10}),
              watch});
  ASSERT_EQ(watch->in_use.size(), std::size_t{1 + kSteps / kStepsInAnEpoch});  // one from before training
  // The first epochs find the sizes that caches and buffers come to.
  constexpr std::size_t kWarm = 8, kNoise = std::size_t{256} << 10;
  for (std::size_t epoch = kWarm; epoch < watch->in_use.size(); ++epoch) {
    EXPECT_EQ(watch->in_use[epoch], watch->in_use[kWarm]) << "epoch " << epoch;
    if (!kSanitized) {
      EXPECT_LT(watch->resident[epoch], watch->resident[kWarm] + kNoise) << "epoch " << epoch;
    }
  }
}

TEST(Soak, AnMlpWithBatchNorm) {
  const Shape image = {28, 28, 1};
  expect_flat(*nn::mlp(Rng(1, Stream::initialization), {.input = image, .batch_norm = true, .dropout = 0.3}),
              image);
}

TEST(Soak, ACnnWithBatchNorm) {
  const Shape image = {8, 8, 1};
  expect_flat(*nn::cnn(Rng(1, Stream::initialization), {.input = image, .batch_norm = true}), image);
}

}  // namespace
}  // namespace keel
