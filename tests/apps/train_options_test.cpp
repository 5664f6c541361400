// keel-train: which of its options count, where they come from, and which of them there cannot be together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/train_support.h"
#include "keel/data/image_file.h"

namespace keel::apps::testing {
namespace {

using ::testing::HasSubstr;

class TrainOptions : public Train {
 protected:
  static constexpr const char* kModel =
      R"({"layers": [{"layer": "flatten"}, {"layer": "dense", "units": 10}]})";

  fs::path config(const std::string& name) const { return out(name) / "config.json"; }
  nlohmann::json options_of(const std::string& name) const { return json_in(config(name)).at("options"); }
  // The options of a run that goes by the record of another one.
  nlohmann::json repeated(const std::string& of, Arguments more, const std::string& name) const {
    more.insert(more.begin(), {"--config", config(of)});
    const Outcome outcome = train_to(name, more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.status == 0 ? options_of(name) : nlohmann::json::object();
  }
  // Writes the record of a run with one value changed, to another place.
  fs::path changed(const std::string& of, const std::string& pointer, const nlohmann::json& value) const {
    nlohmann::json record = json_in(config(of));
    record[nlohmann::json::json_pointer(pointer)] = value;
    keel::testing::write_text(data() / "changed.json", record.dump());
    return data() / "changed.json";
  }
};

TEST_F(TrainOptions, OfTheRecordCanBeUnset) {
  keel::testing::write_text(data() / "model.json", kModel);
  ASSERT_EQ(train_to("first", {"--epochs", "1", "--model", data() / "model.json"}).status, 0);
  ASSERT_EQ(train_to("a", {"--epochs",
                           "1",
                           "--optimizer",
                           "sgd",
                           "--momentum",
                           "0.8",
                           "--nesterov",
                           "--drop-last",
                           "--weight-decay",
                           "0.1",
                           "--decay-all",
                           "--schedule",
                           "step",
                           "--decay-every",
                           "3",
                           "--early-stopping",
                           "5",
                           "--min-delta",
                           "0.1",
                           "--init-from",
                           last("first"),
                           "--non-strict",
                           "--layout",
                           "native",
                           "--model",
                           data() / "model.json"})
                .status,
            0);
  EXPECT_EQ(options_of("a").at("nesterov"), true);
  EXPECT_EQ(options_of("a").at("drop-last"), true);

  const auto flags = repeated("a", {"--no-nesterov", "--drop-last=false", "--decay-all=true"}, "flags");
  EXPECT_EQ(flags.at("nesterov"), false);
  EXPECT_EQ(flags.at("drop-last"), false);
  EXPECT_EQ(flags.at("decay-all"), true);
  EXPECT_EQ(flags.at("momentum"), 0.8);

  // What was for the choices of that run, and means nothing beside others, is as if it had never been.
  const auto others = repeated("a",
                               {"--optimizer", "adam", "--schedule", "constant", "--weight-decay", "0",
                                "--early-stopping", "0", "--init-from", ""},
                               "others");
  EXPECT_EQ(others.at("nesterov"), false);
  EXPECT_EQ(others.at("momentum"), 0.9);
  EXPECT_EQ(others.at("decay-every"), 10);
  EXPECT_EQ(others.at("decay-all"), false);
  EXPECT_EQ(others.at("min-delta"), 0);
  EXPECT_EQ(others.at("init-from"), "");
  EXPECT_EQ(others.at("non-strict"), false);
  EXPECT_EQ(others.at("layout"), "auto");
  EXPECT_EQ(others.at("drop-last"), true);
}

TEST_F(TrainOptions, ThatWereTypedAreRefusedWhereTheyMeanNothing) {
  expect_refused({"--min-delta", "0.1"}, 2, "--min-delta: expected with an --early-stopping above 0 only");
  expect_refused({"--decay-all"}, 2, "--decay-all: expected with a --weight-decay above 0 only");
  expect_refused({"--decay-all", "--optimizer", "adamw", "--weight-decay", "0"}, 2,
                 "--decay-all: expected with a --weight-decay above 0 only");
  EXPECT_EQ(train_to("adamw", {"--decay-all", "--optimizer", "adamw", "--epochs", "1"}).status, 0);
  const std::string file = (data() / "model.json").string();
  keel::testing::write_text(file, kModel);
  ASSERT_EQ(train_to("a", {"--epochs", "1", "--model", file}).status, 0);
  for (const Arguments& detail :
       {Arguments{"--dropout", "0.5"}, Arguments{"--batch-norm", "on"}, Arguments{"--init", "zeros"}}) {
    Arguments arguments = {"--config", config("a")};
    arguments.insert(arguments.end(), detail.begin(), detail.end());
    expect_refused(arguments, 2,
                   detail[0] + ": expected with a model of a name only; " + file + " says it itself");
  }
}

TEST_F(TrainOptions, ForADescribedModelAreThoseOfItsDescription) {
  keel::testing::write_text(data() / "model.json", kModel);
  ASSERT_EQ(train_to("a", {"--epochs", "1", "--dropout", "0.5", "--init", "he_normal"}).status, 0);
  const auto options = repeated("a", {"--model", data() / "model.json"}, "b");
  EXPECT_EQ(options.at("dropout"), 0);
  EXPECT_EQ(options.at("init"), "pytorch_default");
}

TEST_F(TrainOptions, CutOffTheValidationPartOnlyWhereThereIsNone) {
  const fs::path folder = out("folder");
  for (const char* part : {"train", "val", "test"}) {
    for (const char* label : {"a", "b"}) {
      fs::create_directories(folder / part / label);
      for (int i = 0; i < 2; ++i) {
        data::write_png(folder / part / label / fmt::format("{}.png", i),
                        Tensor::full({6, 6, 1}, 100 + i, DType::uint8));
      }
    }
  }
  const Arguments small = {"--data", folder, "--epochs", "1", "--batch-size", "2"};
  ASSERT_EQ(train_to("a", small).status, 0);
  Arguments split = small;
  split.insert(split.end(), {"--validation-split", "0.5"});
  expect_refused(split, 2,
                 "--validation-split: expected with data without a validation part, found --data " +
                     folder.string() + ", which has one");
}

TEST_F(TrainOptions, KeepTheirTextThoughItLooksLikeANumber) {
  fs::copy(data(), out("0.50"));
  ASSERT_EQ(train_to("a", {"--epochs", "1", "--data", out("0.50")}).status, 0);
  const fs::path here = fs::current_path();
  fs::current_path(out("0.50").parent_path());
  const Outcome outcome =
      train_to("b", {"--epochs", "1", "--data", "0.50", "--lr", ".5e-2", "--warmup", "1"});
  const Outcome again = train({"--resume", out("b"), "--data", "0.50"});
  const Outcome plain = run_program("keel-train", {"--resume", out("b")});
  fs::current_path(here);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto options = options_of("b");
  EXPECT_EQ(options.at("data"), out("0.50").string());  // from wherever the run goes on
  EXPECT_EQ(options.at("lr"), 0.005);
  EXPECT_EQ(options.at("warmup"), 1);
  EXPECT_EQ(options.at("bn-momentum"), 0.1);
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(plain.status, 0) << plain.err;
}

TEST_F(TrainOptions, OfARecordHaveTheirTypes) {
  ASSERT_EQ(train_to("a", {"--epochs", "1"}).status, 0);
  const std::string file = (data() / "changed.json").string();
  const auto refused = [&](const std::string& pointer, const nlohmann::json& value,
                           const std::string& message) {
    changed("a", pointer, value);
    expect_refused({"--config", file}, 1, file + ": " + message);
  };
  refused("/options/drop-last", "true", "true or false expected as option drop-last, found \"true\"");
  refused("/options/epochs", true, "a number expected as option epochs, found true");
  refused("/options/optimizer", 5, "a text expected as option optimizer, found 5");
  refused("/options/help", true, "options of this program expected, found 'help'");
  refused("/options", 5,
          "the record of a run expected (JSON with program and options), found something else");
  refused("/data", 5, "an object expected as data, found 5");
  refused("/model", 5, "an object expected as model, found 5");
  refused("/resumed", 5, "an array expected as resumed, found 5");
}

TEST_F(TrainOptions, AreTextsInUtf8) {
  const Outcome outcome = train({"--epochs", "1", "--out", out("r\xff").string()});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("error: --out: expected a text in UTF-8, found \""));
  EXPECT_FALSE(fs::exists(out("r\xff")));
}

TEST_F(TrainOptions, ThatAreMisspelt) {
  expect_refused({"--model", "resnet"}, 2,
                 "--model: expected one of cnn, lenet5, mlp, resnet20, vgg-small, or a file that describes a "
                 "model, found 'resnet': did you mean 'resnet20'?");
  expect_refused({"--model", "lenet", "--dropout", "0.5"}, 2,
                 "--model: expected one of cnn, lenet5, mlp, resnet20, vgg-small, or a file that describes a "
                 "model, found 'lenet': did you mean 'lenet5'?");
  expect_refused({"--no-drop-lats"}, 2,
                 "unknown option '--no-drop-lats': did you mean --no-drop-last? (--help lists all)");
  expect_refused({"--drop-last=maybe"}, 2, "--drop-last: expected true or false, found 'maybe'");
  expect_refused({"--drop-last", "--no-drop-last"}, 2, "--drop-last is given twice");
}

TEST_F(TrainOptions, NormIsAnyOfTheFamily) {
  const auto layers = [&](const std::string& name) {
    return json_in(config(name)).at("model").at("description").at("norm");
  };
  ASSERT_EQ(train_to("group", {"--epochs", "1", "--norm", "group"}).status, 0);
  EXPECT_EQ(layers("group").at("layer"), "group_norm");
  EXPECT_EQ(options_of("group").at("norm"), "group");
  ASSERT_EQ(train_to("usual", {"--epochs", "1"}).status, 0);
  EXPECT_EQ(layers("usual"), "none");
  EXPECT_FALSE(options_of("usual").contains("norm"));
  ASSERT_EQ(train_to("batch", {"--epochs", "1", "--norm", "batch", "--batch-norm", "on"}).status, 0);
  EXPECT_EQ(layers("batch").at("layer"), "batch_norm");

  // The spelling that is given counts, whatever a record says in the other.
  EXPECT_EQ(repeated("batch", {"--norm", "rms"}, "rms").at("batch-norm"), "auto");
  EXPECT_EQ(layers("rms").at("layer"), "rms_norm");
  EXPECT_FALSE(repeated("rms", {"--batch-norm", "off"}, "off").contains("norm"));
  EXPECT_EQ(layers("off"), "none");

  const Outcome resumed = run_program("keel-train", {"--resume", out("usual"), "--norm", "group"});
  EXPECT_EQ(resumed.status, 2);
  EXPECT_THAT(resumed.err, HasSubstr("--norm: expected \"auto\", found \"group\"\n"));
}

TEST_F(TrainOptions, NormsThatThereAreNotOrCannotBe) {
  const auto expect = [&](const Arguments& arguments, const std::string& message) {
    const Outcome outcome = train_to("refused", arguments);
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr(message));
  };
  expect({"--norm", "bacth"}, ", auto, found 'bacth': did you mean 'batch'?\n");
  expect({"--norm", "layer", "--batch-norm", "on"},
         "error: --norm: expected batch with --batch-norm on, found 'layer'\n");
  expect({"--norm", "batch", "--batch-norm", "off"},
         "error: --norm: expected none with --batch-norm off, found 'batch'\n");
  expect({"--norm", "layer", "--bn-epsilon", "0.1"},
         "error: --bn-epsilon: expected with --norm batch only, found --norm layer\n");
}

}  // namespace
}  // namespace keel::apps::testing
