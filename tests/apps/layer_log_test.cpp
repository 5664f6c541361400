// --log-distributions: what it writes, and that it changes nothing else.
#include <gmock/gmock.h>

#include "apps/train_support.h"

namespace keel::apps::testing {
namespace {

using keel::testing::text_of;
using keel::testing::write_text;
using ::testing::HasSubstr;

using LayerLogOption = Train;

// Two epochs of 6 steps.
const Arguments kShort = {"--epochs",  "2",   "--batch-size",       "8",
                          "--dropout", "0.2", "--checkpoint-every", "5steps"};

Arguments logged(Arguments arguments, const std::string& every = "4") {
  arguments.insert(arguments.end(), {"--log-distributions", every});
  return arguments;
}

std::vector<std::string> steps_in(const fs::path& log) {
  std::istringstream lines(text_of(log));
  std::vector<std::string> steps;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const std::string step = line.substr(0, line.find(','));
    if (steps.empty() || steps.back() != step) steps.push_back(step);
  }
  return steps;
}

void forget_option(const fs::path& config) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(text_of(config));
  json["options"].erase("log-distributions");
  write_text(config, json.dump());
}

TEST_F(LayerLogOption, WritesALogForEachArmAndChangesNothingElse) {
  ASSERT_EQ(run(kShort).status, 0);
  Arguments arguments = logged(kShort);
  arguments.insert(arguments.end(), {"--out", out("logged")});
  ASSERT_EQ(run(arguments).status, 0);
  for (const std::string arm : {"no_bn", "bn"}) {
    EXPECT_FALSE(fs::exists(out() / arm / "layers.csv"));
    const fs::path log = out("logged") / arm / "layers.csv";
    EXPECT_EQ(steps_in(log), (std::vector<std::string>{"0", "4", "8", "12"}));
    EXPECT_EQ(text_of(log).find("batch_norm") != std::string::npos, arm == "bn");
    fs::remove(log);
    for (const char* run : {"out", "logged"}) forget_option(out(run) / arm / "config.json");
  }
  EXPECT_EQ(results_in(out("logged")), results_in(out()));
}

TEST_F(LayerLogOption, ALogThatIsCutOffEndsAsOneThatIsNot) {
  ASSERT_EQ(train_to("run", logged(kShort, "2")).status, 0);
  const fs::path log = out("run") / "layers.csv", checkpoints = out("run") / "checkpoints";
  const std::string whole = text_of(log);
  // As if killed behind step 10, before the next checkpoint.
  fs::rename(checkpoints / "previous.safetensors", last("run"));
  fs::remove(checkpoints / "best.safetensors");
  write_text(log, whole.substr(0, whole.find("\n12,") + 50));
  ASSERT_EQ(train({"--resume", out("run")}).status, 0);
  EXPECT_EQ(text_of(log), whole);
}

TEST_F(LayerLogOption, MayBeginWhereARunGoesOn) {
  ASSERT_EQ(train_to("run", {"--epochs", "1", "--batch-size", "8"}).status, 0);
  const Outcome outcome = train({"--resume", out("run"), "--epochs", "2", "--log-distributions", "3"});
  EXPECT_EQ(outcome.status, 0);
  const fs::path log = out("run") / "layers.csv";
  EXPECT_THAT(outcome.err, HasSubstr("warning: no " + log.string() + ": it begins at step 6\n"));
  EXPECT_EQ(steps_in(log), (std::vector<std::string>{"6", "9", "12"}));
}

TEST_F(LayerLogOption, OfAnEarlierRunIsReplaced) {
  ASSERT_EQ(train_to("run", logged({"--epochs", "2", "--batch-size", "8"})).status, 0);
  ASSERT_EQ(train_to("run", {"--epochs", "1", "--batch-size", "8", "--overwrite"}).status, 0);
  EXPECT_FALSE(fs::exists(out("run") / "layers.csv"));
}

TEST_F(LayerLogOption, RefusesWhatIsNoNumberOfSteps) {
  expect_refused(logged({}, "-1"), 2,
                 "--log-distributions: expected a whole number of at least 0, found '-1'");
}

TEST_F(LayerLogOption, AForeignFileOfThatNameIsLeftAlone) {
  ASSERT_EQ(train_to("run", logged(kShort)).status, 0);
  const fs::path log = out("run") / "layers.csv";
  write_text(log, "layer,height\n");
  const Outcome outcome = train({"--resume", out("run"), "--epochs", "3"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("error: " + log.string() + ": the columns step,layer,kind"));
  EXPECT_EQ(text_of(log), "layer,height\n");
}

}  // namespace
}  // namespace keel::apps::testing
