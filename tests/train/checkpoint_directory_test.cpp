// Which checkpoints are written when, and which one a run goes on from.
#include "keel/train/checkpoint_directory.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keel/io/safetensors.h"
#include "keel/optim/adam.h"
#include "keel/train/fit.h"
#include "keel/train/non_finite.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "train/support.h"

namespace keel::train {
namespace {

namespace fs = std::filesystem;
using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using keel::testing::text_of;
using keel::testing::write_text;
using testing::banded_images;
using testing::small_mlp;
using testing::state_of;

const RunDescription kRun = {.model = "{}", .options = "{}", .class_names = {"a", "b", "c"}};

class CheckpointDirectoryTest : public ::testing::Test {
 protected:
  // What a run is at a step, with nothing but the step in it that differs.
  Checkpoint at_step(Index step) const {
    return checkpoint_of(kRun, {.epoch = 1, .batch = step, .step = step, .log = {EpochRecord()}}, *model,
                         optimizer);
  }
  void damage(const fs::path& path) const {
    std::string content = text_of(path);
    content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
    write_text(path, content);
  }

  TemporaryDirectory temporary;
  CheckpointDirectory directory{temporary / "checkpoints"};
  std::shared_ptr<nn::Sequential> model = small_mlp();
  optim::Adam optimizer{model->named_parameters()};
};

TEST_F(CheckpointDirectoryTest, KeepsTheLastAndTheOneBefore) {
  EXPECT_FALSE(directory.take_newest());
  for (Index step = 1; step <= 3; ++step) directory.save_last(at_step(step));
  EXPECT_EQ(read_checkpoint(directory.last()).state.step, 3);
  EXPECT_EQ(read_checkpoint(directory.previous()).state.step, 2);
  EXPECT_FALSE(fs::exists(directory.best()));
  const auto found = directory.take_newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->checkpoint.state.step, 3);
  EXPECT_EQ(found->path, directory.last());
  EXPECT_TRUE(found->damaged.empty());
}

TEST_F(CheckpointDirectoryTest, FallsBackAndSaysSo) {
  directory.save_best(at_step(1));
  directory.save_last(at_step(2));
  directory.save_last(at_step(3));
  damage(directory.last());
  auto found = directory.take_newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->checkpoint.state.step, 2);
  EXPECT_EQ(found->path, directory.previous());
  ASSERT_EQ(found->damaged.size(), 1U);
  EXPECT_NE(found->damaged[0].find(directory.last().string()), std::string::npos) << found->damaged[0];
  // It does not become the one before the next.
  EXPECT_FALSE(fs::exists(directory.last()));
  EXPECT_TRUE(fs::exists(directory.last().string() + ".damaged"));
  directory.save_last(at_step(4));
  EXPECT_EQ(read_checkpoint(directory.previous()).state.step, 2);

  damage(directory.last());
  damage(directory.previous());
  found = directory.take_newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, directory.best());
  EXPECT_EQ(found->damaged.size(), 2U);
}

TEST_F(CheckpointDirectoryTest, RefusesWhenNothingIsWhole) {
  directory.save_last(at_step(1));
  directory.save_last(at_step(2));
  damage(directory.last());
  write_text(directory.previous(), "");
  const std::string message = message_of<FileError>([&] { directory.take_newest(); });
  EXPECT_TRUE(message.starts_with("no whole checkpoint in " + directory.path().string() + ": ")) << message;
  EXPECT_TRUE(fs::exists(directory.last()));
  EXPECT_TRUE(fs::exists(directory.previous()));
}

TEST_F(CheckpointDirectoryTest, WhatAKilledProgramLeftIsInNobodysWay) {
  directory.save_last(at_step(1));
  write_text(directory.last().string() + ".part", "half of a file");
  write_text(directory.previous().string() + ".part", "half of a file");
  EXPECT_EQ(directory.take_newest()->checkpoint.state.step, 1);
  directory.save_last(at_step(2));
  EXPECT_EQ(directory.take_newest()->checkpoint.state.step, 2);
  EXPECT_EQ(read_checkpoint(directory.previous()).state.step, 1);
  EXPECT_FALSE(fs::exists(directory.last().string() + ".part"));
  EXPECT_FALSE(fs::exists(directory.previous().string() + ".part"));
}

TEST_F(CheckpointDirectoryTest, AFailedSaveLeavesTheLastOneAsItWas) {
  directory.save_last(at_step(1));
  // Cannot be written, even by root.
  directory.save_last(at_step(2));
  fs::create_directory(directory.next().string() + ".part");
  write_text(directory.next().string() + ".part/file", "");
  EXPECT_THROW(directory.save_last(at_step(3)), FileError);
  EXPECT_EQ(read_checkpoint(directory.last()).state.step, 2);
  EXPECT_EQ(read_checkpoint(directory.previous()).state.step, 1);
  model->named_parameters()[0].variable.mutable_value().data<float>()[0] = std::nanf("");
  EXPECT_THROW(directory.save_last(at_step(3)), NonFiniteLoss);
  EXPECT_EQ(read_checkpoint(directory.last()).state.step, 2);
  EXPECT_EQ(read_checkpoint(directory.previous()).state.step, 1);
}

TEST_F(CheckpointDirectoryTest, TheNewestIsTheOneWithTheMostSteps) {
  directory.save_last(at_step(3));
  directory.save_best(at_step(5));
  auto found = directory.take_newest();
  EXPECT_EQ(found->path, directory.best());
  EXPECT_EQ(found->checkpoint.state.step, 5);
  directory.save_last(at_step(5));
  EXPECT_EQ(directory.take_newest()->path, directory.last());
  // The row of an epoch makes it a later one.
  Checkpoint recorded = at_step(5);
  recorded.state.epoch = 2;
  recorded.state.batch = 0;
  recorded.state.log = {EpochRecord(), {.epoch = 1, .step = 5}};
  directory.save_best(recorded);
  EXPECT_EQ(directory.take_newest()->path, directory.best());
}

TEST_F(CheckpointDirectoryTest, KilledBeforeTheLastRenamingItIsFoundAllTheSame) {
  directory.save_last(at_step(1));
  write_checkpoint(directory.next(), at_step(2));
  const auto found = directory.take_newest();
  EXPECT_EQ(found->checkpoint.state.step, 2);
  EXPECT_EQ(found->path, directory.last());
  EXPECT_EQ(read_checkpoint(directory.last()).state.step, 2);
  EXPECT_FALSE(fs::exists(directory.next()));
}

TEST_F(CheckpointDirectoryTest, WhatAnotherVersionWroteIsLeftAsItIs) {
  directory.save_last(at_step(1));
  directory.save_last(at_step(2));
  io::Safetensors file = io::read_safetensors(directory.last());
  file.metadata["keel.format"] = "checkpoint 2";
  io::write_safetensors(directory.last(), file);
  EXPECT_THROW(directory.take_newest(), CheckpointVersionError);
  EXPECT_TRUE(fs::exists(directory.last()));
}

TEST_F(CheckpointDirectoryTest, WhatCannotBeReadIsNotTakenForDamaged) {
  directory.save_last(at_step(1));
  directory.save_last(at_step(2));
  // Unreadable as a file, even for root.
  fs::remove(directory.last());
  fs::create_directory(directory.last());
  EXPECT_THROW(directory.take_newest(), FileError);
  EXPECT_TRUE(fs::exists(directory.last()));
}

std::vector<EpochRecord> log_of(const std::vector<double>& val_losses) {
  std::vector<EpochRecord> log;
  for (const double loss : val_losses) {
    const auto epoch = static_cast<Index>(log.size());
    log.push_back({.epoch = epoch, .step = epoch, .val_loss = loss});
  }
  return log;
}

TEST(IsBest, IsTheLowestValidationLossSoFar) {
  EXPECT_FALSE(is_best({}));
  EXPECT_FALSE(is_best(log_of({0.1})));
  EXPECT_TRUE(is_best(log_of({0.1, 2})));
  EXPECT_TRUE(is_best(log_of({0.1, 2, 1})));
  EXPECT_FALSE(is_best(log_of({0.1, 2, 1, 1})));
  EXPECT_FALSE(is_best(log_of({0.1, 2, 1, 1.5})));
}

TEST(IsBest, NoNumberIsNeverBestAndBlocksNothing) {
  const double nan = std::nan("");
  EXPECT_FALSE(is_best(log_of({9, nan})));
  EXPECT_FALSE(is_best(log_of({9, 2, nan})));
  EXPECT_TRUE(is_best(log_of({nan, nan, 2})));
  EXPECT_FALSE(is_best(log_of({9, 1, nan, 2})));
}

// Counts what happens to the files while a run goes on.
struct Watcher final : Callback {
  explicit Watcher(const CheckpointDirectory& watched) : directory(watched) {}
  void on_state(const FitState& state, Moment) override {
    if (!fs::exists(directory.last())) return;
    const Index saved = read_checkpoint(directory.last()).state.step;
    if (steps.empty() || steps.back() != saved) steps.push_back(saved);
    EXPECT_LE(saved, state.step);
  }
  CheckpointDirectory directory;
  std::vector<Index> steps;
};

std::vector<Index> steps_saved(const CheckpointEvery& every, const StopRequest& stop = {}) {
  const TemporaryDirectory temporary;
  const CheckpointDirectory directory(temporary.path());
  const auto model = small_mlp({.batch_norm = true});
  optim::Adam optimizer(model->named_parameters());
  const data::Batches batches(banded_images(26), {.batch_size = 8});  // 4 an epoch
  const auto watcher = std::make_shared<Watcher>(directory);
  fit(*model, optimizer, batches, batches, {.epochs = 3, .interrupted = stop},
      {std::make_shared<CheckpointWriter>(directory, kRun, *model, optimizer, every), watcher});
  const Checkpoint last = read_checkpoint(directory.last());
  EXPECT_EQ(last.state.step, watcher->steps.back());
  const auto loaded = small_mlp({.batch_norm = true}, 2);
  optim::Adam loaded_optimizer(loaded->named_parameters());
  restore(last, *loaded, loaded_optimizer);
  EXPECT_EQ(state_of(*loaded), state_of(*model));
  return watcher->steps;
}

TEST(CheckpointWriter, SavesAsOftenAsAsked) {
  EXPECT_EQ(steps_saved({}), (std::vector<Index>{0, 4, 8, 12}));
  EXPECT_EQ(steps_saved({.epochs = 2}), (std::vector<Index>{0, 8, 12}));
  EXPECT_EQ(steps_saved({.epochs = 0, .steps = 5}), (std::vector<Index>{5, 10, 12}));
  EXPECT_EQ(steps_saved({.epochs = 0}), (std::vector<Index>{12}));
}

TEST(CheckpointWriter, SavesWhatIsInterrupted) {
  Index asked = 0;
  // Row 0 asks 4 + 4 times, then each step once.
  EXPECT_EQ(steps_saved({.epochs = 0}, [&] { return ++asked > 8 + 3; }), (std::vector<Index>{3}));
}

TEST(CheckpointWriter, KeepsTheBest) {
  const TemporaryDirectory temporary;
  const CheckpointDirectory directory(temporary.path());
  const auto model = small_mlp();
  optim::Adam optimizer(model->named_parameters());
  CheckpointWriter writer(directory, kRun, *model, optimizer);
  const std::vector<double> val_losses = {9, 3, 2, 4, 2.5};
  for (std::size_t rows = 1; rows <= val_losses.size(); ++rows) {
    const auto epoch = static_cast<Index>(rows);
    FitState state = {.epoch = epoch, .step = epoch - 1};
    state.log = log_of({val_losses.begin(), val_losses.begin() + static_cast<std::ptrdiff_t>(rows)});
    writer.on_state(state, Moment::epoch);
    EXPECT_EQ(fs::exists(directory.best()), rows >= 2);
  }
  EXPECT_EQ(read_checkpoint(directory.best()).state.log.size(), 3U);
}

TEST(CheckpointWriter, RefusesNegativeNumbers) {
  const auto model = small_mlp();
  optim::Adam optimizer(model->named_parameters());
  EXPECT_THROW(CheckpointWriter(CheckpointDirectory("d"), kRun, *model, optimizer, {.epochs = -1}),
               ValueError);
  EXPECT_THROW(CheckpointWriter(CheckpointDirectory("d"), kRun, *model, optimizer, {.steps = -1}),
               ValueError);
}

}  // namespace
}  // namespace keel::train
