// keel-export as a person runs it.
#include <gtest/gtest.h>

#include "apps/program.h"
#include "keel/io/safetensors.h"
#include "keel/nn/models.h"
#include "keel/optim/sgd.h"
#include "keel/train/checkpoint.h"
#include "keel/train/model_file.h"

namespace keel::apps {
namespace {

using testing::Outcome;
using testing::run_program;
using Arguments = std::vector<std::string>;

class Export : public ::testing::Test {
 protected:
  Export() {
    const nn::ClassifierOptions options = {.input = {6, 4, 3}, .classes = 2, .batch_norm = true};
    const auto model = nn::mlp(Rng(1, Stream::initialization), options);
    const optim::Sgd optimizer(model->named_parameters(), {.momentum = 0.9});
    const train::RunDescription run = {.model = nn::ModelDescription::of("mlp", options).to_json(),
                                       .options = "{}",
                                       .class_names = {"a", "b"}};
    train::write_checkpoint(checkpoint_, train::checkpoint_of(run, {}, *model, optimizer));
  }
  std::string file(const std::string& name) const { return directory_ / name; }

  keel::testing::TemporaryDirectory directory_;
  std::string checkpoint_ = directory_ / "c.safetensors";
};

TEST_F(Export, WritesBothLayoutsAndNumPysFormat) {
  const std::string native = file("native.safetensors"), pytorch = file("pytorch.safetensors"),
                    npz = file("a.npz");
  Outcome outcome = run_program("keel-export", {checkpoint_, native});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, native + ": 9 tensors with 9858 trained parameters, in layout native\n");
  EXPECT_EQ(outcome.status, 0);
  // The optimiser stays behind, and "model." in front of the names.
  EXPECT_EQ(io::read_safetensors(native).tensors.size(), 9u);
  EXPECT_EQ(io::read_safetensors(native).tensors[0].name, "1.weight");
  EXPECT_EQ(io::read_safetensors(native).tensors[0].tensor.shape(), Shape({72, 128}));

  outcome = run_program("keel-export", {native, pytorch, "--layout", "pytorch"});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(io::read_safetensors(pytorch).tensors[0].tensor.shape(), Shape({128, 72}));
  EXPECT_EQ(train::read_model(pytorch).model->state_dict()[0].tensor.values<float>()[100],
            train::read_model(checkpoint_).model->state_dict()[0].tensor.values<float>()[100]);

  outcome = run_program("keel-export", {pytorch, npz});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(keel::testing::text_of(npz).substr(0, 4), "PK\x03\x04");
}

TEST_F(Export, NeverReplacesACheckpoint) {
  const std::string before = keel::testing::text_of(checkpoint_);
  const Outcome outcome = run_program("keel-export", {checkpoint_, checkpoint_, "--overwrite"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "error: OUT: expected a file of your own, found a checkpoint of a run: " + checkpoint_ + "\n");
  EXPECT_EQ(keel::testing::text_of(checkpoint_), before);
}

TEST_F(Export, TakesTheDirectoryOfARun) {
  std::filesystem::create_directories(directory_ / "run/checkpoints");
  std::filesystem::copy_file(checkpoint_, directory_ / "run/checkpoints/last.safetensors");
  const Outcome outcome = run_program("keel-export", {file("run"), file("out.safetensors")});
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(io::read_safetensors(file("out.safetensors")).tensors.size(), 9u);
}

TEST_F(Export, SaysWhatIsWrong) {
  const auto refusal = [](const Arguments& arguments, int status) {
    const Outcome outcome = run_program("keel-export", arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  const std::string out = file("out.safetensors"), none = file("none");
  EXPECT_EQ(refusal({}, 2), "error: CHECKPOINT expected: keel-export CHECKPOINT OUT\n");
  EXPECT_EQ(refusal({checkpoint_}, 2), "error: OUT expected: keel-export CHECKPOINT OUT\n");
  EXPECT_EQ(
      refusal({checkpoint_, file("out.pt")}, 2),
      "error: OUT: expected a name that ends in .safetensors or .npz, found '" + file("out.pt") + "'\n");
  EXPECT_EQ(refusal({checkpoint_, out, "--layout", "keras"}, 2),
            "error: --layout: expected one of native, pytorch, found 'keras'\n");
  EXPECT_EQ(refusal({checkpoint_, checkpoint_}, 2),
            "error: " + checkpoint_ + ": exists already; --overwrite replaces it\n");
  EXPECT_EQ(refusal({none, out}, 1), "error: " + none + ": cannot open: No such file or directory\n");
  EXPECT_EQ(refusal({checkpoint_, file("no/a.npz")}, 1),
            "error: " + file("no/a.npz.part") + ": cannot write: No such file or directory\n");
  keel::testing::write_text(none, "not a checkpoint");
  EXPECT_NE(refusal({none, out}, 1).find(none + ": a safetensors file expected, found one of another kind"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Export, ReplacesAFileIfToldTo) {
  const std::string out = file("out.npz");
  keel::testing::write_text(out, "old");
  EXPECT_EQ(run_program("keel-export", {checkpoint_, out}).status, 2);
  EXPECT_EQ(keel::testing::text_of(out), "old");
  EXPECT_EQ(run_program("keel-export", {checkpoint_, out, "--overwrite"}).status, 0);
  EXPECT_NE(keel::testing::text_of(out), "old");
}

}  // namespace
}  // namespace keel::apps
