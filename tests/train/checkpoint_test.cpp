// Checkpoints: what is saved comes back bit for bit, and nothing else is taken for one.
#include "keel/train/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "keel/io/safetensors.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "keel/train/fit.h"
#include "keel/train/non_finite.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using keel::testing::text_of;
using keel::testing::write_text;
using testing::banded_images;
using testing::small_mlp;
using testing::state_of;

const RunDescription kRun = {.model = R"({"model": "mlp"})",
                             .options = R"({"lr": 0.001})",
                             .class_names = {"upper", "middle", "lower \"band\""}};

FitState some_state() {
  return {.epoch = 2,
          .batch = 3,
          .step = 7,
          .learning_rate = 0.1,
          .training = Metrics(1.0 / 3, 5, 24),
          .seconds = 0.3,
          .log = {{.train_loss = 1.1, .val_loss = 1e300, .learning_rate = 0.1},
                  {.epoch = 1, .step = 4, .train_loss = 5e-324, .val_loss = 2.0 / 3, .seconds = 1.5}}};
}

std::vector<std::vector<std::byte>> bytes_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::vector<std::byte>> all;
  for (const NamedTensor& named : tensors) {
    all.emplace_back(named.tensor.bytes(), named.tensor.bytes() + named.tensor.num_bytes());
  }
  return all;
}

// A model that has been trained for a little while, and its optimiser.
struct Trained {
  explicit Trained(std::uint64_t seed = 1) : model(small_mlp({.batch_norm = true}, seed)) {
    const data::Batches batches(banded_images(26), {.batch_size = 8});
    fit(*model, optimizer, batches, batches, {.epochs = 1});
  }
  std::shared_ptr<nn::Sequential> model;
  optim::Adam optimizer{model->named_parameters()};
};

TEST(Checkpoint, ComesBackBitForBit) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  const Checkpoint read = read_checkpoint(path);
  EXPECT_EQ(read.run.model, kRun.model);
  EXPECT_EQ(read.run.options, kRun.options);
  EXPECT_EQ(read.run.class_names, kRun.class_names);
  EXPECT_EQ(bytes_of(read.model), bytes_of(trained.model->state_dict()));
  EXPECT_EQ(bytes_of(read.optimizer), bytes_of(trained.optimizer.state()));
  EXPECT_EQ(read.optimizer_steps, 4);
  const FitState expected = some_state();
  EXPECT_EQ(read.state.epoch, expected.epoch);
  EXPECT_EQ(read.state.batch, expected.batch);
  EXPECT_EQ(read.state.step, expected.step);
  EXPECT_EQ(read.state.learning_rate, expected.learning_rate);
  EXPECT_EQ(read.state.training.loss_sum(), expected.training.loss_sum());
  EXPECT_EQ(read.state.training.correct(), expected.training.correct());
  EXPECT_EQ(read.state.training.examples(), expected.training.examples());
  EXPECT_EQ(read.state.seconds, expected.seconds);
  ASSERT_EQ(read.state.log.size(), expected.log.size());
  for (std::size_t i = 0; i < expected.log.size(); ++i) {
    EXPECT_EQ(read.state.log[i].epoch, expected.log[i].epoch);
    EXPECT_EQ(read.state.log[i].step, expected.log[i].step);
    EXPECT_EQ(read.state.log[i].train_loss, expected.log[i].train_loss);
    EXPECT_EQ(read.state.log[i].train_accuracy, expected.log[i].train_accuracy);
    EXPECT_EQ(read.state.log[i].val_loss, expected.log[i].val_loss);
    EXPECT_EQ(read.state.log[i].val_accuracy, expected.log[i].val_accuracy);
    EXPECT_EQ(read.state.log[i].learning_rate, expected.log[i].learning_rate);
    EXPECT_EQ(read.state.log[i].seconds, expected.log[i].seconds);
  }
}

TEST(Checkpoint, RestoresModelAndOptimizer) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  Trained other(2);
  ASSERT_NE(state_of(*other.model), state_of(*trained.model));
  restore(read_checkpoint(path), *other.model, other.optimizer);
  EXPECT_EQ(state_of(*other.model), state_of(*trained.model));
  EXPECT_EQ(bytes_of(other.optimizer.state()), bytes_of(trained.optimizer.state()));
  EXPECT_EQ(other.optimizer.step_count(), trained.optimizer.step_count());
}

TEST(Checkpoint, RestoresAllOrNothing) {
  const Trained trained;
  const Checkpoint checkpoint = checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer);
  // The model fits, the optimiser does not.
  const auto model = small_mlp({.batch_norm = true}, 2);
  optim::Sgd sgd(model->named_parameters(), {.momentum = 0.9});
  const std::vector<double> before = state_of(*model);
  EXPECT_THROW(restore(checkpoint, *model, sgd), ValueError);
  EXPECT_EQ(state_of(*model), before);
  EXPECT_EQ(sgd.step_count(), 0);
  // The other way round.
  const auto without_norm = small_mlp({}, 2);
  optim::Adam adam(without_norm->named_parameters());
  const std::vector<double> before_too = state_of(*without_norm);
  EXPECT_THROW(restore(checkpoint, *without_norm, adam), ValueError);
  EXPECT_EQ(state_of(*without_norm), before_too);
  EXPECT_EQ(adam.step_count(), 0);
}

TEST(Checkpoint, IsNotWrittenOfAModelThatIsNotFinite) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  Trained diverged;
  diverged.model->named_parameters()[1].variable.mutable_value().data<float>()[0] =
      std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of<NonFiniteLoss>([&] {
              write_checkpoint(path, checkpoint_of(kRun, some_state(), *diverged.model, diverged.optimizer));
            }),
            "after step 7 the model has values that are infinite or no numbers, so it is not saved: 1.bias");
  EXPECT_EQ(bytes_of(read_checkpoint(path).model), bytes_of(trained.model->state_dict()));
}

// Every byte of a checkpoint counts.
TEST(Checkpoint, ADamagedOrShortenedFileIsNone) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const auto model = std::make_shared<nn::Sequential>();
  Rng rng(1, Stream::test);
  model->add<nn::BatchNorm>(2);
  optim::Adam optimizer(model->named_parameters());
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *model, optimizer));
  const std::string whole = text_of(path);
  ASSERT_GT(whole.size(), 500U);
  const auto expect_refused = [&](const std::string& content) {
    write_text(path, content);
    EXPECT_THROW(read_checkpoint(path), FileError);
  };
  for (std::size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(i);
    expect_refused(whole.substr(0, i));
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1 << rng.below(8));
    expect_refused(flipped);
  }
  expect_refused(whole + '\0');
}

TEST(Checkpoint, OfAnotherVersionIsNotDamaged) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  io::Safetensors file = io::read_safetensors(path);
  file.metadata["keel.format"] = "checkpoint 2";
  io::write_safetensors(path, file);
  EXPECT_EQ(message_of<CheckpointVersionError>([&] { read_checkpoint(path); }),
            path.string() + ": keel.format 'checkpoint 1' expected, found 'checkpoint 2'");
}

TEST(Checkpoint, SaysWhatIsWrongWithAFile) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const auto with = [&](const std::string& key, const std::string& text) {
    const Trained trained;
    write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
    io::Safetensors file = io::read_safetensors(path);
    if (text.empty()) {
      file.metadata.erase(key);
    } else {
      file.metadata[key] = text;
    }
    io::write_safetensors(path, file);
    const std::string message = message_of<FileError>([&] { read_checkpoint(path); });
    return message.substr(message.find(": ") + 2);
  };
  EXPECT_EQ(with("keel.state", ""), "a checkpoint with keel.state in its metadata expected, found none");
  EXPECT_TRUE(
      with("keel.state", "{").starts_with("keel.state: expected JSON: parse error at line 1, column 2"));
  EXPECT_TRUE(with("keel.state", "{}").starts_with("keel.state of a checkpoint expected, found something"));
  EXPECT_EQ(with("keel.classes", "[1]"), "keel.classes: a list of names expected, found something else");
  EXPECT_EQ(with("keel.classes", "[\"a\",\"\\u001b[2J\"]"),
            "keel.classes: names without control characters expected, found \"\\u001b[2J\"");
  // Deep enough to exhaust the stack of whoever prints it.
  for (const char* key : {"keel.state", "keel.classes", "keel.options"}) {
    EXPECT_EQ(with(key, std::string(200000, '[') + std::string(200000, ']')),
              std::string(key) + ": expected JSON nested at most 64 deep");
  }
  nlohmann::json state = {{"epoch", 1}, {"batch", 0.5}, {"step", 1}};
  EXPECT_EQ(with("keel.state", state.dump()), "keel.state: a whole number expected, found 0.5");
  state["batch"] = -1;
  EXPECT_EQ(with("keel.state", state.dump()), "keel.state: a number of at least 0 expected, found -1");
  state["batch"] = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(with("keel.state", state.dump()),
            "keel.state: a number of 63 bits expected, found 18446744073709551615");
}

// A text of a few bytes a value, which would take far more memory than the file.
TEST(Checkpoint, ItsTextsAreBounded) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  const io::Safetensors whole = io::read_safetensors(path);
  const auto with = [&](const std::string& key, std::size_t bytes) {
    io::Safetensors file = whole;
    file.metadata[key] = std::string(bytes, ' ') + file.metadata[key];
    const std::string message = message_of<FileError>([&] { parse_checkpoint(file, "c"); });
    return message.substr(0, message.find(", found"));
  };
  EXPECT_EQ(with("keel.state", kMaxStateText), "c: keel.state: expected at most 16777216 bytes of JSON");
  EXPECT_EQ(with("keel.classes", 1 << 20), "c: keel.classes: expected at most 1048576 bytes of JSON");
  EXPECT_EQ(with("keel.options", 1 << 20), "c: keel.options: expected at most 1048576 bytes of JSON");
  EXPECT_EQ(with("keel.state", 1000), "no error");
}

// A hundred thousand epochs, with numbers as long as they get.
TEST(Checkpoint, ALongLogFits) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  FitState state = {.epoch = 100'000, .batch = 3, .step = 99'999 * 4 + 3, .training = Metrics(1, 5, 24)};
  for (Index epoch = 0; epoch < state.epoch; ++epoch) {
    const double number = 0.1 / 3 + 1e-9 * static_cast<double>(epoch);
    state.log.push_back({epoch, 4 * epoch, number, number, number, number, number, number});
  }
  write_checkpoint(path, checkpoint_of(kRun, state, *trained.model, trained.optimizer));
  EXPECT_EQ(read_checkpoint(path).state.log.size(), state.log.size());
  state.log.resize(state.log.size() * 4);
  EXPECT_TRUE(message_of<ValueError>([&] {
                write_checkpoint(path, checkpoint_of(kRun, state, *trained.model, trained.optimizer));
              }).starts_with("[write_checkpoint] a state of at most 16777216 bytes expected, found"));
}

TEST(Checkpoint, OnlyAStateThatARunCanBeInIsOne) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  const auto reading = [&](const FitState& state) {
    write_checkpoint(path, checkpoint_of(kRun, state, *trained.model, trained.optimizer));
    const std::string message = message_of<FileError>([&] { read_checkpoint(path); });
    const std::string where = path.string() + ": keel.state: ";
    return message.starts_with(where) ? message.substr(where.size()) : message;
  };
  const auto changed = [](const auto& change) {
    FitState state = some_state();
    change(state);
    return state;
  };
  EXPECT_EQ(reading({}), "no error");
  EXPECT_EQ(reading({.epoch = 1, .log = {{}}}), "no error");
  EXPECT_EQ(reading({.epoch = 1, .batch = 5, .step = 5, .log = {{}}}), "no error");
  EXPECT_EQ(reading(changed([](FitState& s) { s.batch = 4, s.step = 8; })), "no error");
  EXPECT_EQ(reading(changed([&](FitState& s) { s.batch = 0, s.step = 4; })), "no error");

  EXPECT_EQ(reading(changed([](FitState& s) { s.log.clear(); })),
            "a log with a row for each of the 2 epochs before epoch 2 expected, found 0");
  EXPECT_EQ(reading({.log = {{}}}),
            "a log with a row for each of the 0 epochs before epoch 0 expected, found 1");
  EXPECT_EQ(reading(changed([](FitState& s) { s.log[1].epoch = 2; })),
            "row 1 of the log after epoch 1 of 4 steps each expected, found epoch 2, step 4");
  EXPECT_EQ(reading(changed([](FitState& s) { s.log[0].step = 1; })),
            "row 0 of the log after epoch 0 of 4 steps each expected, found epoch 0, step 1");
  const auto third = [](Index step) {
    return [step](FitState& s) {
      s.epoch = 3, s.step = 11;
      s.log.push_back({.epoch = 2, .step = step});
    };
  };
  EXPECT_EQ(reading(changed(third(8))), "no error");
  EXPECT_EQ(reading(changed(third(7))),
            "row 2 of the log after epoch 2 of 4 steps each expected, found epoch 2, step 7");
  // Epochs without steps do not end.
  EXPECT_EQ(reading(changed([](FitState& s) { s.log[1].step = 0; })),
            "row 1 of the log after epoch 1 of 0 steps each expected, found epoch 1, step 0");
  const std::string step = "a step that fits epoch 2 and batch ";
  EXPECT_EQ(reading(changed([](FitState& s) { s.step = 8; })), step + "3 expected, found 8");
  EXPECT_EQ(reading(changed([](FitState& s) { s.step = 2; })), step + "3 expected, found 2");
  EXPECT_EQ(reading(changed([](FitState& s) { s.batch = 5, s.step = 9; })), step + "5 expected, found 9");
  EXPECT_EQ(reading({.batch = 1, .step = 1}), "a step that fits epoch 0 and batch 1 expected, found 1");
}

TEST(Checkpoint, OneThatIsNotFiniteIsNone) {
  const TemporaryDirectory directory;
  const auto path = directory / "c.safetensors";
  const Trained trained;
  write_checkpoint(path, checkpoint_of(kRun, some_state(), *trained.model, trained.optimizer));
  io::Safetensors file = io::read_safetensors(path);
  for (NamedTensor& named : file.tensors) {
    if (named.name == "model.1.bias") named.tensor.data<float>()[0] = std::numeric_limits<float>::infinity();
    if (named.name == "model.3.running_var") {
      named.tensor.data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
    }
  }
  io::write_safetensors(path, file);
  EXPECT_EQ(
      message_of<FileError>([&] { read_checkpoint(path); }),
      path.string() + ": finite weights and statistics expected, found others in 1.bias, 3.running_var");
}

TEST(Checkpoint, NamesThatWouldSteerATerminalAreNotWritten) {
  const TemporaryDirectory directory;
  const Trained trained;
  RunDescription run = kRun;
  run.class_names[1] = "\x1b[2J";
  EXPECT_EQ(message_of<ValueError>([&] {
              write_checkpoint(directory / "c", checkpoint_of(run, {}, *trained.model, trained.optimizer));
            }),
            "names of classes in UTF-8 without control characters expected, found \"\\u001b[2J\"");
  EXPECT_FALSE(std::filesystem::exists(directory / "c"));
}

}  // namespace
}  // namespace keel::train
