#include "keel/train/layer_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "keel/core/tensor_ops.h"
#include "keel/nn/batch_layer_norm.h"
#include "keel/nn/batch_renorm.h"
#include "keel/nn/dense.h"
#include "keel/nn/flatten.h"
#include "keel/nn/sequential.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "keel/train/checkpoint.h"
#include "keel/train/fit.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::message_of;
using keel::testing::TemporaryDirectory;
using testing::banded_images;
using testing::small_mlp;
using testing::state_of;
namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void write_text(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

using Cells = std::map<std::string, std::string>;  // by column

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> cells = {""};
  for (const char c : line) {
    if (c == ',') {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

std::vector<Cells> rows_of(const fs::path& path) {
  std::istringstream lines(text_of(path));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> columns = split(line);
  std::vector<Cells> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    EXPECT_EQ(cells.size(), columns.size()) << line;
    rows.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) rows.back()[columns[i]] = cells[i];
  }
  return rows;
}

std::vector<std::string> column(const std::vector<Cells>& rows, const std::string& name) {
  std::vector<std::string> cells;
  for (const Cells& row : rows) cells.push_back(row.at(name));
  return cells;
}

Tensor probe() { return banded_images(12, 9)->gather(std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}).inputs; }

// 5 steps an epoch.
data::Batches training() {
  return data::Batches(banded_images(30), {.batch_size = 6, .shuffle = true, .seed = 3});
}

std::shared_ptr<nn::Sequential> bn_model() { return small_mlp({.batch_norm = true, .dropout = 0.3}); }

FitResult train(nn::Module& model, optim::Optimizer& optimizer, const FitOptions& options,
                const std::vector<std::shared_ptr<Callback>>& callbacks) {
  return fit(model, optimizer, training(), data::Batches(banded_images(9), {.batch_size = 9}), options,
             callbacks);
}

// A whole run of 2 epochs.
std::string log_of_run(const fs::path& path, Index every) {
  const auto model = bn_model();
  optim::Adam optimizer(model->named_parameters());
  train(*model, optimizer, {.epochs = 2, .seed = 5},
        {std::make_shared<LayerLog>(path, *model, probe(), LayerLogOptions{.every = every})});
  return text_of(path);
}

TEST(LayerLog, HasARowForEachLayerEverySoManySteps) {
  const TemporaryDirectory folder;
  log_of_run(folder.path() / "layers.csv", 4);
  const std::vector<Cells> rows = rows_of(folder.path() / "layers.csv");
  ASSERT_EQ(rows.size(), 3U * 7);
  EXPECT_EQ(
      column({rows.begin(), rows.begin() + 7}, "kind"),
      (std::vector<std::string>{"flatten", "dense", "relu", "batch_norm", "dropout", "dense", "logits"}));
  EXPECT_EQ(rows[6].at("layer"), "output");
  EXPECT_EQ(rows[6].at("step"), "0");
  EXPECT_EQ(rows[7].at("step"), "4");
  EXPECT_EQ(rows[20].at("step"), "8");
  for (const Cells& row : rows) {
    EXPECT_NE(row.at("p50"), "");
    EXPECT_EQ(row.at("dead").empty(), row.at("kind") != "relu");
    EXPECT_EQ(row.at("running_var_max").empty(), row.at("kind") != "batch_norm");
    EXPECT_EQ(row.at("gradient_norm").empty(), row.at("kind") != "batch_norm" && row.at("kind") != "dense");
  }
}

TEST(LayerLog, HasRunningStatisticsWhateverALayerCallsThem) {
  const TemporaryDirectory folder;
  const auto renorm = std::make_shared<nn::BatchRenorm>(240, nn::BatchRenormOptions{.momentum = 0.5});
  const auto bln = std::make_shared<nn::BatchLayerNorm>(Shape{240});
  Rng rng(1, Stream::initialization);
  nn::Sequential model;
  model.add(std::make_shared<nn::Flatten>());
  model.add(renorm);
  model.add(bln);
  model.add(std::make_shared<nn::Dense>(240, 3, rng));
  optim::Sgd optimizer(model.named_parameters());
  train(model, optimizer, {.epochs = 1, .schedule = optim::constant(0.1)},
        {std::make_shared<LayerLog>(folder.path() / "layers.csv", model, probe(),
                                    LayerLogOptions{.every = 5})});
  const std::vector<Cells> rows = rows_of(folder.path() / "layers.csv");
  ASSERT_EQ(rows.size(), 2U * 5);
  const auto expect = [&](const Cells& row, const std::string& column, double value) {
    EXPECT_NEAR(std::stod(row.at(column)), value, 1e-8 * std::abs(value)) << column;
  };
  const auto largest = [](const Tensor& values) { return max(values.to(DType::float64)).item(); };
  EXPECT_EQ(rows[6].at("kind"), "batch_renorm");
  expect(rows[6], "running_mean_max", largest(renorm->running_mean.value()));
  expect(rows[6], "running_var_max", std::pow(largest(renorm->running_deviation.value()), 2));
  EXPECT_EQ(rows[7].at("kind"), "batch_layer_norm");
  expect(rows[7], "running_mean_max", largest(bln->running_batch_mean.value()));
  expect(rows[7], "running_var_max", largest(bln->running_batch_var.value()));
}

TEST(LayerLog, RowsOfTheStepBehindWhichARunEndsHaveNoGradient) {
  const TemporaryDirectory folder;
  log_of_run(folder.path() / "layers.csv", 5);
  const std::vector<Cells> rows = rows_of(folder.path() / "layers.csv");
  ASSERT_EQ(rows.size(), 3U * 7);
  EXPECT_EQ(rows[20].at("step"), "10");
  EXPECT_NE(rows[15].at("p50"), "");
  EXPECT_NE(rows[15].at("weight_norm"), "");
  EXPECT_EQ(rows[15].at("gradient_norm"), "");
  EXPECT_EQ(rows[15].at("update_ratio"), "");
}

// With plain SGD the update is the gradient times the learning rate.
TEST(LayerLog, GradientWeightsAndUpdateAreOfOneStep) {
  const TemporaryDirectory folder;
  const auto model = bn_model();
  const double norm = norm_of({model->named_parameters()[0].variable.value().clone(),
                               model->named_parameters()[1].variable.value().clone()});
  optim::Sgd optimizer(model->named_parameters());
  train(*model, optimizer, {.epochs = 1, .schedule = optim::constant(0.125)},
        {std::make_shared<LayerLog>(folder.path() / "layers.csv", *model, probe(),
                                    LayerLogOptions{.every = 1})});
  const std::vector<Cells> rows = rows_of(folder.path() / "layers.csv");
  EXPECT_NEAR(std::stod(rows[1].at("weight_norm")), norm, 1e-8 * norm);
  for (const Cells& row : rows) {
    if (row.at("gradient_norm").empty()) continue;
    const double update = std::stod(row.at("update_ratio")) * std::stod(row.at("weight_norm"));
    const double expected = 0.125 * std::stod(row.at("gradient_norm"));
    EXPECT_GT(expected, 0);
    EXPECT_NEAR(update, expected, 1e-5 * expected) << row.at("step") << " " << row.at("layer");
  }
}

TEST(LayerLog, GradientsAreThoseBeforeClipping) {
  const TemporaryDirectory folder;
  const auto model = bn_model();
  optim::Sgd optimizer(model->named_parameters());
  train(*model, optimizer, {.epochs = 1, .clipping = {.max_norm = 1e-4}},
        {std::make_shared<LayerLog>(folder.path() / "layers.csv", *model, probe(), LayerLogOptions{})});
  EXPECT_GT(std::stod(rows_of(folder.path() / "layers.csv")[1].at("gradient_norm")), 1e-3);
}

TEST(LayerLog, ChangesNothingOfTheRun) {
  const TemporaryDirectory folder;
  const auto course = [&](bool logged) {
    const auto model = bn_model();
    optim::Adam optimizer(model->named_parameters());
    std::vector<std::shared_ptr<Callback>> callbacks;
    if (logged) {
      callbacks.push_back(std::make_shared<LayerLog>(folder.path() / "layers.csv", *model, probe(),
                                                     LayerLogOptions{.every = 1}));
    }
    std::vector<double> all;
    for (const EpochRecord& r : train(*model, optimizer, {.epochs = 2, .seed = 5}, callbacks).log) {
      all.insert(all.end(), {r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy});
    }
    const std::vector<double> state = state_of(*model);
    all.insert(all.end(), state.begin(), state.end());
    return all;
  };
  EXPECT_EQ(course(true), course(false));
}

// A run that is stopped after so many steps, whose log then gets more lines as one has that was killed after
// its checkpoint, and goes on.
std::string log_of_interrupted_run(const fs::path& path, Index every, Index stop, const std::string& more) {
  const auto model = bn_model();
  optim::Adam optimizer(model->named_parameters());
  FitState state;
  struct Keep final : Callback {
    explicit Keep(FitState& where) : state(where) {}
    void on_state(const FitState& now, Moment) override { state = now; }
    FitState& state;
  };
  const auto keep = std::make_shared<Keep>(state);
  FitOptions options{.epochs = 2, .seed = 5, .interrupted = [&] { return state.step == stop; }};
  train(*model, optimizer, options,
        {std::make_shared<LayerLog>(path, *model, probe(), LayerLogOptions{.every = every}), keep});
  EXPECT_EQ(state.step, stop);
  write_text(path, text_of(path) + more);
  options.interrupted = {};
  options.start = state;
  train(*model, optimizer, options,
        {std::make_shared<LayerLog>(path, *model, probe(),
                                    LayerLogOptions{.every = every, .start_step = state.step}),
         keep});
  return text_of(path);
}

TEST(LayerLog, GoesOnAsIfTheRunHadNotBeenInterrupted) {
  const TemporaryDirectory folder;
  const std::string whole = log_of_run(folder.path() / "whole.csv", 2);
  for (const Index stop : {1, 4, 5, 6}) {
    EXPECT_EQ(log_of_interrupted_run(folder.path() / fmt::format("{}.csv", stop), 2, stop, ""), whole)
        << stop;
  }
  const std::string later = whole.substr(whole.find("\n6,") + 1);
  EXPECT_EQ(log_of_interrupted_run(folder.path() / "later.csv", 2, 5, later), whole);
  EXPECT_EQ(log_of_interrupted_run(folder.path() / "torn.csv", 2, 5, later.substr(0, later.size() / 2)),
            whole);
}

TEST(LayerLog, RefusesAFileThatIsNoneOfItsOwn) {
  const TemporaryDirectory folder;
  const fs::path path = folder.path() / "layers.csv";
  const auto model = small_mlp();
  const auto go_on = [&] {
    return message_of<FileError>([&] { LayerLog(path, *model, probe(), {.start_step = 8}); });
  };
  log_of_run(path, 4);
  const std::string whole = text_of(path);
  write_text(path, "epoch,step\n");
  EXPECT_NE(go_on().find("the columns step,layer,kind"), std::string::npos);
  std::string damaged = whole;
  damaged.insert(whole.find("\n4,") + 1, "4,2\n");
  write_text(path, damaged);
  EXPECT_NE(go_on().find("layers.csv:9: a line of the columns"), std::string::npos);
  EXPECT_EQ(text_of(path), damaged);
  write_text(path, whole.substr(0, 20));
  LayerLog(path, *model, probe(), {.start_step = 8});
  EXPECT_EQ(text_of(path), whole.substr(0, whole.find('\n') + 1));
}

TEST(LayerLog, RefusesWhatItCannotUse) {
  const TemporaryDirectory folder;
  const auto model = bn_model();
  EXPECT_THROW(LayerLog(folder.path() / "a.csv", *model, probe(), {.every = 0}), ValueError);
  LayerLog log(folder.path() / "b.csv", *model, probe().rows(0, 1), {});
  const std::string message = message_of<ValueError>([&] { log.on_gradients(0); });
  EXPECT_NE(message.find("the probe batch [1,12,10,2]: layer 3 (batch_norm)"), std::string::npos) << message;
}

TEST(LayerLog, KeepsNamesWithCommasInOneCell) {
  const TemporaryDirectory folder;
  nn::Sequential model;
  Rng rng(1, Stream::test);
  model.add("a,\"b", small_mlp());
  LayerLog log(folder.path() / "layers.csv", model, probe(), {.every = 1});
  log.on_state(FitState{}, Moment::end);
  EXPECT_EQ(rows_of(folder.path() / "layers.csv")[0].at("layer"), "a__b.0");
}

}  // namespace
}  // namespace keel::train
