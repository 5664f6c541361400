// Layers that keep something from step to step, or draw numbers in it, in a whole training: any number of
// threads gives the same bits, and a run that goes on from a file is the run that was not interrupted.
#include <gtest/gtest.h>

#include "keel/nn/model_description.h"
#include "keel/optim/adam.h"
#include "keel/train/checkpoint.h"
#include "keel/train/fit.h"
#include "support/temporary_directory.h"
#include "support/threads.h"
#include "train/support.h"

namespace keel::train {
namespace {

using keel::testing::TemporaryDirectory;
using testing::banded_images;

// Options that make as much as possible happen within a few steps.
constexpr const char* kNorms[] = {
    R"({"layer":"batch_norm"})",
    R"({"layer":"batch_renorm","relaxation_begin":1,"r_max_end":4,"d_max_end":3,"momentum":0.2})",
    R"({"layer":"full_norm","alpha":0.3})",
    R"({"layer":"batch_layer_norm"})",
    R"({"layer":"batch_layer_norm","momentum":null,"reset_every":3,"population_feature_mean":true})",
    R"({"layer":"noisy_batch_norm"})",
    R"({"layer":"mean_only_batch_norm"})",
    R"({"layer":"layer_norm"})",
    R"({"layer":"group_norm"})",
    "weight",
    "weight, mean only",
    R"({"layer":"lstm","units":9,"state_noise":0.1})",
    R"({"layer":"lstm","units":9,"norm":"layer","state_noise":0.1})",
    R"({"layer":"lstm","units":9,"norm":"batch","state_noise":0.1})",
    R"({"layer":"gru","units":9,"norm":"layer"})",
    R"({"layer":"gru","units":9,"norm":"batch","momentum":null})",
    R"({"layer":"rnn","units":9,"norm":"layer"})",
    R"({"layer":"rnn","units":9,"norm":"batch","activation":"relu"})",
};

std::string description(const std::string& norm) {
  if (norm.find("units") != std::string::npos) {
    return R"({"input":[12,10,2],"classes":3,"layers":[{"layer":"reshape","shape":[12,20]},)" + norm +
           R"(,{"layer":"dropout"},{"layer":"dense","units":"classes"}]})";
  }
  const std::string conv = R"({"layer":"conv2d","filters":16,"kernel":3,"padding":"same"})",
                    dense = R"({"layer":"dense","units":20})";
  const auto normed = [&](const std::string& layer) {
    if (norm.front() == '{') return layer + "," + norm;
    const std::string mean_only = norm == "weight" ? "false" : "true";
    return R"({"layer":"weight_norm","mean_only_batch_norm":)" + mean_only + R"(,"body":[)" + layer + "]}";
  };
  return R"({"input":[12,10,2],"classes":3,"layers":[)" + normed(conv) +
         R"(,{"layer":"relu"},{"layer":"flatten"},)" + normed(dense) +
         R"(,{"layer":"dropout"},{"layer":"dense","units":"classes"}]})";
}

// A training of two epochs of four batches, large enough to be shared by threads.
struct Training {
  explicit Training(const std::string& norm, std::uint64_t seed = 1)
      : model(
            nn::ModelDescription::parse(description(norm), "norm").build(Rng(seed, Stream::initialization))) {
  }

  // As far as `asked` questions whether to stop are answered with no; -1: to the end.
  Checkpoint go_on(FitState start = {}, Index asked = -1) {
    class Last final : public Callback {
     public:
      void on_state(const FitState& reached, Moment) override { state = reached; }
      FitState state;
    };
    const auto last = std::make_shared<Last>();
    FitOptions options = {.epochs = 2, .seed = 7, .start = std::move(start)};
    options.interrupted = [&] { return asked-- == 0; };
    const data::Batches training(banded_images(96), {.batch_size = 24, .shuffle = true, .seed = 3}),
        validation(banded_images(30, 2), {.batch_size = 15});
    ending = fit(*model, optimizer, training, validation, options, {last}).ending;
    return checkpoint_of({.model = "{}", .options = "{}", .class_names = {}}, last->state, *model, optimizer);
  }

  std::shared_ptr<nn::Sequential> model;
  optim::Adam optimizer{model->named_parameters()};
  Ending ending = Ending::finished;
};

std::vector<std::byte> bits(const Checkpoint& checkpoint) {
  std::vector<std::byte> all;
  for (const auto& list : {checkpoint.model, checkpoint.optimizer}) {
    for (const NamedTensor& named : list) {
      all.insert(all.end(), named.tensor.bytes(), named.tensor.bytes() + named.tensor.num_bytes());
    }
  }
  return all;
}

class NormTraining : public ::testing::TestWithParam<const char*> {};

TEST_P(NormTraining, GivesTheSameBitsWithAnyNumberOfThreads) {
  const auto trained = [] { return bits(Training(GetParam()).go_on()); };
  const std::vector<std::byte> one = keel::testing::with_one_thread(trained);
  EXPECT_GT(one.size(), 1000);
  EXPECT_TRUE(one == keel::testing::with_three_threads(trained));
}

TEST_P(NormTraining, GoesOnFromAFileBitForBit) {
  const TemporaryDirectory directory;
  const auto file = directory / "run.safetensors";
  Training straight(GetParam());
  const Checkpoint expected = straight.go_on();
  EXPECT_EQ(straight.ending, Ending::finished);
  // Before the first step (when a weight norm's first batch is to come yet), behind it, and so on.
  for (const Index asked : {6, 7, 9, 14, 17}) {
    SCOPED_TRACE(asked);
    Training part(GetParam());
    write_checkpoint(file, part.go_on({}, asked));
    EXPECT_EQ(part.ending, Ending::interrupted);
    const Checkpoint read = read_checkpoint(file);
    Training rest(GetParam(), 2);
    restore(read, *rest.model, rest.optimizer);
    EXPECT_TRUE(bits(rest.go_on(read.state)) == bits(expected));
    EXPECT_EQ(rest.ending, Ending::finished);
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, NormTraining, ::testing::ValuesIn(kNorms));

}  // namespace
}  // namespace keel::train
