#include "keel/train/model_file.h"

#include <gtest/gtest.h>

#include "keel/io/safetensors.h"
#include "keel/nn/pytorch_state.h"
#include "keel/optim/adam.h"
#include "keel/train/checkpoint.h"
#include "keel/train/fit.h"
#include "support/check_module.h"
#include "support/errors.h"
#include "support/temporary_directory.h"
#include "train/support.h"

namespace keel::train {
namespace {

namespace fs = std::filesystem;
using keel::testing::message_of;
using keel::testing::same_bits;
using keel::testing::TemporaryDirectory;
using testing::banded_images;
using testing::for_banded_images;
using testing::small_cnn;
using testing::state_of;

const nn::ClassifierOptions kOptions = for_banded_images({.batch_norm = true, .dropout = 0.2});
const Shape kImage = {12, 10, 2};

// A convolutional model after an epoch, and its checkpoint.
class ModelFile : public ::testing::Test {
 protected:
  ModelFile() {
    const data::Batches batches(banded_images(26), {.batch_size = 8});
    optim::Adam optimizer(model_->named_parameters());
    fit(*model_, optimizer, batches, batches, {.epochs = 1});
    const RunDescription run = {.model = nn::ModelDescription::of("cnn", kOptions).to_json(),
                                .options = R"({"lr":0.001})",
                                .class_names = {"upper", "middle", "lower"}};
    write_checkpoint(checkpoint_, checkpoint_of(run, {}, *model_, optimizer));
  }
  fs::path file(const std::string& name) const { return directory_ / name; }
  static std::string loading(nn::Module& model, const fs::path& path,
                             const LoadWeightsOptions& options = {}) {
    return message_of<FileError>([&] { load_weights(model, kImage, path, options); });
  }

  TemporaryDirectory directory_;
  fs::path checkpoint_ = directory_ / "c.safetensors";
  std::shared_ptr<nn::Sequential> model_ = small_cnn(kOptions, 1);
  std::shared_ptr<nn::Sequential> other_ = small_cnn(kOptions, 2);
};

TEST_F(ModelFile, TheModelInACheckpoint) {
  const SavedModel saved = read_model(checkpoint_);
  EXPECT_EQ(state_of(*saved.model), state_of(*model_));
  EXPECT_EQ(saved.description.model(), "cnn");
  EXPECT_EQ(saved.options, R"({"lr":0.001})");
  EXPECT_EQ(saved.class_names, (std::vector<std::string>{"upper", "middle", "lower"}));
}

TEST_F(ModelFile, ComesBackInBothLayouts) {
  const SavedModel saved = read_model(checkpoint_);
  for (const WeightLayout layout : {WeightLayout::native, WeightLayout::pytorch}) {
    const fs::path path = file(name_of(layout));
    write_model(path, saved, layout);
    const SavedModel again = read_model(path);
    EXPECT_EQ(state_of(*again.model), state_of(*model_)) << name_of(layout);
    EXPECT_EQ(again.description.to_json(), saved.description.to_json());
    EXPECT_EQ(again.options, saved.options);
    EXPECT_EQ(again.class_names, saved.class_names);
    const std::shared_ptr<nn::Sequential> loaded = small_cnn(kOptions, 2);
    EXPECT_TRUE(load_weights(*loaded, kImage, path, {}).empty());
    EXPECT_EQ(state_of(*loaded), state_of(*model_)) << name_of(layout);
  }
  const io::Safetensors pytorch = io::read_safetensors(file("pytorch"));
  EXPECT_EQ(pytorch.metadata.at("format"), "pt");
  EXPECT_EQ(pytorch.metadata.at("keel.layout"), "pytorch");
  EXPECT_FALSE(pytorch.metadata.at("keel.version").empty());
  EXPECT_EQ(pytorch.tensors[0].tensor.shape(), Shape({32, 2, 3, 3}));
  EXPECT_TRUE(pytorch.stored_as_int64.contains("2.num_batches_tracked"));
  EXPECT_EQ(io::read_safetensors(file("native")).tensors[0].tensor.shape(), Shape({3, 3, 2, 32}));
}

TEST_F(ModelFile, WeightsComeOutOfCheckpointsAndOtherFiles) {
  EXPECT_TRUE(load_weights(*other_, kImage, checkpoint_).empty());
  EXPECT_EQ(state_of(*other_), state_of(*model_));

  const fs::path foreign = file("foreign");
  const nn::PyTorchState state = nn::to_pytorch(*model_, kImage);
  io::write_safetensors(foreign, {.metadata = {{"format", "pt"}}, .tensors = state.tensors});
  other_ = small_cnn(kOptions, 2);
  EXPECT_TRUE(load_weights(*other_, kImage, foreign, {.layout = WeightLayout::pytorch}).empty());
  EXPECT_EQ(state_of(*other_), state_of(*model_));
}

TEST_F(ModelFile, TheLayoutIsNeverGuessed) {
  const fs::path foreign = file("foreign");
  io::write_safetensors(foreign, {.metadata = {}, .tensors = model_->state_dict()});
  EXPECT_EQ(
      loading(*other_, foreign),
      foreign.string() +
          ": the layout of its weights expected to be given, native or pytorch, as the file does not say it");
  EXPECT_EQ(loading(*other_, checkpoint_, {.layout = WeightLayout::pytorch}),
            checkpoint_.string() + ": weights in layout pytorch expected, found native");
  EXPECT_EQ(state_of(*other_), state_of(*small_cnn(kOptions, 2)));
}

TEST_F(ModelFile, LoadsAllOrNothingUnlessToldOtherwise) {
  const auto wider = nn::cnn(Rng(2, Stream::initialization), [] {
    nn::ClassifierOptions options = kOptions;
    options.classes = 5;
    return options;
  }());
  const std::vector<double> before = state_of(*wider);
  EXPECT_EQ(loading(*wider, checkpoint_),
            checkpoint_.string() +
                ": [load_state_dict] mismatched 2: '18.weight' (expected [128,5] float32, found "
                "[128,3] float32), '18.bias' (expected [5] float32, found [3] float32)");
  EXPECT_EQ(state_of(*wider), before);
  const StateDifference difference = load_weights(*wider, kImage, checkpoint_, {.strict = false});
  EXPECT_EQ(difference.mismatched.size(), 2u);
  EXPECT_TRUE(same_bits(wider->state_dict()[0].tensor, model_->state_dict()[0].tensor));
}

TEST_F(ModelFile, DescriptionsThatDoNotFitTheirWeights) {
  const fs::path path = file("m");
  const auto reading = [&](const std::string& description, const std::string& layout = "native",
                           const std::string& classes = R"(["a","b","c"])") {
    io::write_safetensors(path, {.metadata = {{"keel.format", "model 1"},
                                              {"keel.model", description},
                                              {"keel.options", "{}"},
                                              {"keel.classes", classes},
                                              {"keel.layout", layout}},
                                 .tensors = {{"0.weight", Tensor::ones({2, 3})}}});
    const std::string message = message_of<FileError>([&] { read_model(path); });
    return message.starts_with(path.string()) ? message.substr(path.string().size()) : message;
  };
  const auto dense = [](const std::string& units, const std::string& more) {
    return R"({"layers":[{"layer":"dense","bias":false,"units":)" + units + "}]" + more + "}";
  };
  EXPECT_EQ(reading(dense("3", R"(,"input":[2],"classes":3)")), "no error");
  EXPECT_EQ(reading(dense("3", R"(,"input":[2],"classes":3)"), "row-major"),
            ": keel.layout native or pytorch expected, found 'row-major'");
  EXPECT_EQ(reading(dense("2", R"(,"input":[3],"classes":2)")),
            ": [load_state_dict] mismatched 1: '0.weight' (expected [3,2] float32, found [2,3] float32)");
  EXPECT_EQ(reading(dense("3", R"(,"input":[2],"classes":3)"), "native", R"(["a","b"])"),
            ": a name for each of the 3 classes expected, found 2");
  EXPECT_TRUE(reading("{").starts_with(": keel.model")) << reading("{");
  EXPECT_NE(reading(dense("3", "")), "no error");
  // A model of a terabyte is refused before it is made.
  EXPECT_NE(reading(dense("1000000", R"(,"input":[250000],"classes":1000000)")), "no error");
  io::write_safetensors(path, {.metadata = {}, .tensors = {}});
  EXPECT_EQ(message_of<FileError>([&] { read_model(path); }),
            path.string() +
                ": a checkpoint or another file of a model of Keel's expected, found a safetensors file "
                "without keel.format in its metadata");
}

// What a file says against its description names the file once.
TEST_F(ModelFile, NamesTheFileOnce) {
  const fs::path path = file("m");
  io::write_safetensors(path, {.metadata = {{"keel.format", "model 1"},
                                            {"keel.model", R"({"layers":[{"layer":"flatten"}]})"},
                                            {"keel.options", "{}"},
                                            {"keel.classes", R"(["a","b"])"},
                                            {"keel.layout", "native"}},
                               .tensors = {}});
  EXPECT_EQ(message_of<FileError>([&] { read_model(path); }),
            path.string() + R"(: keel.model: expected "input" and "classes", or a data set that tells them)");
}

TEST_F(ModelFile, ADescriptionCannotAskForMuchMoreThanItsWeights) {
  const fs::path path = file("m");
  std::string layers;
  for (int i = 0; i < 4000; ++i) layers += R"({"layer":"tanh"},)";
  io::write_safetensors(
      path, {.metadata = {{"keel.format", "model 1"},
                          {"keel.model", R"({"input":[4000,4000,1],"classes":1,"layers":[)" + layers +
                                             R"({"layer":"global_avg_pool2d"}]})"},
                          {"keel.options", "{}"},
                          {"keel.classes", R"(["a"])"},
                          {"keel.layout", "native"}},
             .tensors = {}});
  const std::string message = message_of<FileError>([&] { read_model(path); });
  EXPECT_NE(message.find("layers[16] (tanh): expected outputs of all layers of at most 268435456 elements"),
            std::string::npos)
      << message;
}

TEST_F(ModelFile, OnlyFiniteWeightsAreLoaded) {
  const fs::path path = file("m");
  model_->named_parameters()[0].variable.mutable_value().data<float>()[3] =
      std::numeric_limits<float>::quiet_NaN();
  const std::string expected =
      path.string() + ": finite weights and statistics expected, found others in 0.weight";
  const nn::PyTorchState state = nn::to_pytorch(*model_, kImage);
  const std::vector<double> before = state_of(*other_);
  for (const WeightLayout layout : {WeightLayout::native, WeightLayout::pytorch}) {
    const SavedModel saved = {nn::ModelDescription::of("cnn", kOptions), model_, "{}", {"a", "b", "c"}};
    write_model(path, saved, layout);
    EXPECT_EQ(message_of<FileError>([&] { read_model(path); }), expected);
    EXPECT_EQ(loading(*other_, path), expected);
    EXPECT_EQ(loading(*other_, path, {.strict = false}), expected);
  }
  EXPECT_EQ(state_of(*other_), before);
  // What is not the model's does not matter.
  io::Safetensors more = {.metadata = {}, .tensors = other_->state_dict()};
  more.tensors.push_back({"mask", Tensor::full({2}, -std::numeric_limits<double>::infinity())});
  io::write_safetensors(path, more);
  EXPECT_EQ(loading(*other_, path, {.layout = WeightLayout::native, .strict = false}), "no error");
}

TEST_F(ModelFile, NamesOfClassesThatWouldSteerATerminal) {
  const fs::path path = file("m");
  SavedModel saved = {nn::ModelDescription::of("cnn", kOptions), model_, "{}", {"a", "b", "c"}};
  write_model(path, saved, WeightLayout::native);
  io::Safetensors changed = io::read_safetensors(path);
  changed.metadata["keel.classes"] = R"(["a","b\n","c"])";
  io::write_safetensors(path, changed);
  EXPECT_EQ(message_of<FileError>([&] { read_model(path); }),
            path.string() + R"(: keel.classes: names without control characters expected, found "b\n")");
  saved.class_names[0] = "\xff";
  EXPECT_TRUE(message_of<ValueError>([&] {
                write_model(path, saved, WeightLayout::native);
              }).starts_with("names of classes in UTF-8 without control characters expected"));
}

}  // namespace
}  // namespace keel::train
