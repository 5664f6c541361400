#include "study/training.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <numeric>
#include <set>

#include "keel/data/synthetic_digits.h"
#include "study/exact.h"
#include "study/measurements/step_time.h"
#include "study/measurements/train.h"
#include "study/nets.h"
#include "support/errors.h"

namespace keel::study {
namespace {

using testing::message_of;

class StudyTraining : public ::testing::Test {
 protected:
  TrialContext context(std::uint64_t seed = 1) const { return {seed, training_, test_, {}}; }
  static Json setting(const Net& net = {.depth = 1, .width = 8}) {
    Json setting = probe(net, 0.1, 12);
    setting["batch"] = 20;
    return setting;
  }
  static Json with(const char* key, const Json& value) {
    Json changed = setting();
    changed[key] = value;
    return changed;
  }
  static bool same_batch(const data::Batch& a, const data::Batch& b) {
    return largest_difference(a.inputs, b.inputs) == 0 && largest_difference(a.labels, b.labels) == 0;
  }

  const data::DatasetPtr training_ = data::synthetic_digits({.count = 130});
  const data::DatasetPtr test_ = data::synthetic_digits({.count = 50, .part = data::SyntheticPart::test});
};

TEST_F(StudyTraining, AllArmsOfASeedHaveTheSameBatchesAndWeights) {
  const TrialContext one = context(1), two = context(2);
  const Training plain(setting(), one), other_rate(with("lr", 3), one), other_seed(setting(), two);
  Training with_norm(setting({.depth = 1, .width = 8, .norm = "batch"}), one);
  bool seeds_differ = false;
  for (Index step = 0; step < 14; ++step) {  // into the third epoch
    const data::Batch batch = plain.batch_of(step);
    EXPECT_EQ(batch.inputs.size(0), 20);
    EXPECT_TRUE(same_batch(batch, with_norm.batch_of(step))) << step;
    EXPECT_TRUE(same_batch(batch, other_rate.batch_of(step))) << step;
    seeds_differ = seeds_differ || !same_batch(batch, other_seed.batch_of(step));
  }
  EXPECT_TRUE(seeds_differ);
  Training first(setting(), one);
  EXPECT_EQ(
      largest_difference(first.model().state_dict()[0].tensor, with_norm.model().state_dict()[0].tensor), 0);
}

TEST_F(StudyTraining, BatchesOfSomeClassesHaveThose) {
  for (const Index classes : {1, 2, 5, 10}) {
    const TrialContext one = context();
    const Training training(with("classes_per_batch", classes), one);
    std::set<std::int32_t> seen;
    for (Index step = 0; step < 30; ++step) {
      const data::Batch batch = training.batch_of(step);
      const auto labels = batch.labels.values<std::int32_t>();
      EXPECT_EQ(labels.size(), 20);
      const std::set<std::int32_t> here(labels.begin(), labels.end());
      EXPECT_EQ(here.size(), static_cast<std::size_t>(classes));
      seen.insert(here.begin(), here.end());
      EXPECT_TRUE(same_batch(batch, training.batch_of(step)));
    }
    EXPECT_EQ(seen.size(), 10) << classes;  // in turn
  }
}

TEST_F(StudyTraining, WeightsHaveTheDeviationThatIsAskedFor) {
  const TrialContext one = context();
  Training training(with("init_deviation", 0.05), one);
  for (const NamedTensor& named : training.model().state_dict()) {
    const auto values = named.tensor.values<float>();
    const double squares = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    // One of 6,272 and one of 80 weights, within three standard errors.
    const double tolerance = 0.05 * 3 / std::sqrt(2 * static_cast<double>(values.size()));
    EXPECT_NEAR(deviation, named.name.ends_with("weight") ? 0.05 : 0, tolerance) << named.name;
  }
}

// The seed's numbers are the same, whatever they are multiplied by.
TEST_F(StudyTraining, DeviationsScaleTheSameWeights) {
  const TrialContext one = context();
  Training small(with("init_deviation", 0.5), one), large(with("init_deviation", 2), one);
  const Tensor a = small.model().state_dict()[0].tensor, b = large.model().state_dict()[0].tensor;
  for (Index i = 0; i < a.numel(); ++i) EXPECT_FLOAT_EQ(4 * a.data<float>()[i], b.data<float>()[i]);
}

TEST_F(StudyTraining, PartsOfTheDataAndTheirScale) {
  Json changed = with("train_examples", 60);
  changed["test_examples"] = 30;
  changed["input_scale"] = 255;
  const TrialContext one = context();
  const Training training(changed, one);
  EXPECT_EQ(training.training_set()->size(), 60);
  EXPECT_EQ(training.test_set()->size(), 30);
  const std::vector<std::int32_t> first = {0};
  const Tensor raw = training.test_set()->gather(first).inputs, scaled = test_->gather(first).inputs;
  double largest = 0;
  for (Index i = 0; i < raw.numel(); ++i) {
    EXPECT_FLOAT_EQ(raw.data<float>()[i], 255 * scaled.data<float>()[i]);
    largest = std::max<double>(largest, raw.data<float>()[i]);
  }
  EXPECT_GT(largest, 100);
  EXPECT_NE(training.test_set()->fingerprint(), test_->fingerprint());
}

TEST_F(StudyTraining, StopsWhereItDivergesAndStaysThereWithAnyNorm) {
  const TrialContext one = context();
  for (const char* norm :
       {"none", "batch", "layer", "group", "rms", "renorm", "weight", "bln", "full", "noisy"}) {
    SCOPED_TRACE(norm);
    Json diverging = setting({.depth = 2, .width = 8, .norm = norm});
    diverging["lr"] = 1e38;
    Training training(diverging, one);
    Index steps = 0;
    while (steps < 100 && training.step()) ++steps;
    EXPECT_LT(steps, 100);
    EXPECT_TRUE(training.diverged());
    EXPECT_EQ(training.steps_done(), steps);
    EXPECT_FALSE(training.step());
    EXPECT_EQ(training.steps_done(), steps);
    EXPECT_FALSE(training.test().has_value());
  }
}

TEST_F(StudyTraining, StopsWhereSomebodyInterrupts) {
  TrialContext interrupted = context();
  bool stop = false;
  interrupted.interrupted = [&] { return stop; };
  Training training(setting(), interrupted);
  EXPECT_TRUE(training.step());
  stop = true;
  EXPECT_EQ(message_of<train::Interrupted>([&] { training.step(); }), "[study] interrupted");
}

TEST_F(StudyTraining, GradientsAreCutToTheNorm) {
  const TrialContext one = context();
  Training plain(setting(), one), cut(with("clip_norm", 1e-3), one);
  const auto squares_of_update = [](Training& training) {
    std::vector<Tensor> before;
    for (const NamedTensor& named : training.model().state_dict()) before.push_back(named.tensor.clone());
    training.step();
    double squares = 0;
    std::size_t i = 0;
    for (const NamedTensor& named : training.model().state_dict()) {
      for (Index k = 0; k < named.tensor.numel(); ++k) {
        squares += std::pow(named.tensor.data<float>()[k] - before[i].data<float>()[k], 2);
      }
      ++i;
    }
    return squares;
  };
  EXPECT_GT(std::sqrt(squares_of_update(plain)), 1e-3);
  EXPECT_NEAR(std::sqrt(squares_of_update(cut)), 1e-4, 1e-6);  // at a rate of 0.1
}

TEST_F(StudyTraining, MeasuresTheCourseOfATraining) {
  Json changed = setting({.depth = 1, .width = 32, .norm = "batch"});
  changed["steps"] = 60;
  changed["evaluate_every"] = 20;
  changed["targets"] = {1, 100};
  const TrialContext one = context();
  const Json result = train_and_test().run(changed, one);
  EXPECT_EQ(result["diverged"], false);
  EXPECT_EQ(result["steps"], 60);
  EXPECT_EQ(result["curve"]["step"], Json::array({20, 40, 60}));
  EXPECT_EQ(result["curve"]["accuracy"][2], result["accuracy"]);
  EXPECT_EQ(result["steps_to"]["1"], 20);
  EXPECT_EQ(result["steps_to"]["100"], nullptr);
  EXPECT_GT(result["accuracy"], 0.3);
  EXPECT_EQ(train_and_test().run(changed, one).dump(), result.dump());
}

TEST_F(StudyTraining, SaysWhatOfASettingIsWrong) {
  const TrialContext one = context();
  const auto message = [&](const Json& setting) {
    return message_of<ValueError>([&] { Training(setting, one); });
  };
  EXPECT_EQ(message(with("optimizer", "sdg")), "[study] there is no optimizer 'sdg'");
  EXPECT_NE(message(with("batch", 200)).find("200"), std::string::npos);
  EXPECT_EQ(message_of<ValueError>([] { norm_layer("bach"); }), "[study] there is no norm 'bach'");
  // A layer around another is no layer to put behind one.
  EXPECT_EQ(message_of<ValueError>([] { norm_layer("weight"); }), "[study] there is no norm 'weight'");
}

TEST(Net, IsDescribedLayerByLayer) {
  const auto layers_of = [](const Net& net) {
    const Json model = model_of(net);
    std::string names;
    for (const Json& layer : model["layers"]) names += layer["layer"].get<std::string>() + " ";
    return names;
  };
  EXPECT_EQ(layers_of({.depth = 1}), "flatten dense relu dense ");
  EXPECT_EQ(layers_of({.depth = 1, .norm = "batch", .dropout = 0.5}),
            "flatten dense batch_norm relu dropout dense ");
  EXPECT_EQ(layers_of({.depth = 1, .activation = "tanh", .norm = "layer", .norm_after = true}),
            "flatten dense tanh layer_norm dense ");
  EXPECT_EQ(layers_of({.depth = 1, .norm = "weight"}), "flatten weight_norm relu dense ");
  EXPECT_EQ(layers_of({.depth = 2, .norm = "batch", .residual = true}),
            "flatten dense residual residual batch_norm relu dense ");
  // Stored results are found again by these texts.
  EXPECT_EQ(norm_layer("instance").dump(), R"({"layer":"instance_norm"})");
  EXPECT_EQ(norm_layer("noisy", {{"shift", 0.5}}).dump(), R"({"layer":"noisy_batch_norm","shift":0.5})");
  const Net with_options{.depth = 1, .norm = norm_layer("batch", {{"momentum", 0.5}}).dump()};
  EXPECT_EQ(model_of(with_options)["layers"][2].dump(), R"({"layer":"batch_norm","momentum":0.5})");
}

TEST_F(StudyTraining, StepsAreTimedWithWhatElseTheMachineDoes) {
  const auto timed_setting = [](Index steps) {
    Json arms;
    for (const char* norm : {"none", "batch"}) arms[norm] = setting({.depth = 1, .width = 8, .norm = norm});
    return timed(std::move(arms), steps, 3);
  };
  const Json found = step_time().run(timed_setting(5), context());
  for (const char* arm : {"none", "batch"}) {
    for (const char* what : {"step", "forward", "folded"}) EXPECT_GT(found[arm][what], 0) << arm << what;
    EXPECT_GT(found[arm]["step"], found[arm]["forward"]) << arm;
  }
  EXPECT_GE(found["others"], 0);

  Results results;
  results.add("known", found);
  results.add("unknown", {{"others", nullptr}});
  Report report;
  add_others(results, "known", ", known", report);
  add_others(results, "unknown", ", unknown", report);
  const Json numbers = report.to_json()["numbers"];
  ASSERT_EQ(numbers.size(), 1);
  EXPECT_EQ(numbers[0]["label"], "processors that others kept busy, known");
}

TEST_F(StudyTraining, AnotherProgramThatRunsMeanwhileShows) {
  struct Busy {
    pid_t process = fork();
    ~Busy() {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
    }
  } busy;
  ASSERT_GE(busy.process, 0);
  if (busy.process == 0) {
    alarm(60);  // however this test ends
    for (std::atomic<bool> stays = true; stays;) {
    }
  }
  Json arms;
  arms["none"] = setting({.depth = 1, .width = 100});
  const Json found = step_time().run(timed(arms, 200, 5), context());
  // On a machine of one processor it has a half.
  EXPECT_GT(found["others"], 0.25);
}

}  // namespace
}  // namespace keel::study
