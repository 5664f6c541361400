// The program, on a small set of digits, with claims that take no time.
#include <nlohmann/json.hpp>

#include "apps/mnist_bn_support.h"

namespace keel::apps::testing {
namespace {

using nlohmann::json;
using Strings = std::vector<std::string>;

constexpr const char* kClaims = "normalized-outputs,signatures";

class KeelStudy : public MnistBn {
 protected:
  Outcome study(Arguments arguments, const std::string& name = "out") const {
    arguments.insert(arguments.end(), {"--data", data(), "--out", out(name)});
    return run_program("keel-study", arguments);
  }
  json record(const std::string& name = "out") const {
    return json::parse(keel::testing::text_of(out(name) / "study.json"));
  }
  // What two runs of the same study have in common.
  json findings(const std::string& name) const {
    json all = record(name)["claims"];
    for (json& claim : all) claim.erase("seconds");
    return all;
  }
  std::vector<fs::path> trials() const {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(out() / "trials")) files.push_back(file.path());
    return files;
  }
  void expect_wrong_usage(const Arguments& arguments, const std::string& message) const {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const Outcome outcome = study(arguments);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(fs::exists(out()));
  }
};

TEST_F(KeelStudy, ListsTheClaimsWithWhatTheyAskMeasureAndCost) {
  const Outcome outcome = run_program("keel-study", {"--list"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("normalized-outputs\n"
                             "  BN gives zero mean and unit variance, which gamma and beta can undo "
                             "(glossary: \"zero mean and unit variance\")\n"
                             "  question: Are outputs in training"),
            std::string::npos)
      << outcome.out;
  // Without words of its own.
  EXPECT_NE(outcome.out.find("The signatures of BN layers, with epsilon 1e-5 (faster)\n"), std::string::npos);
  EXPECT_NE(outcome.out.find("  cost:     1 s quick, 1 s full, on one core\n"), std::string::npos);
}

TEST_F(KeelStudy, ListsTheClaimsThatAreNamed) {
  const Outcome outcome = run_program("keel-study", {"--list", "--claim", "signatures,overhead"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("signatures\n"), 0) << outcome.out;
  EXPECT_NE(outcome.out.find("\noverhead\n"), std::string::npos) << outcome.out;
  EXPECT_EQ(outcome.out.find("normalized-outputs\n"), std::string::npos) << outcome.out;
  expect_wrong_usage(
      {"--list", "--claim", "signature"},
      "--claim: expected ids of claims, found 'signature': did you mean 'signatures'? (keel-study --list "
      "names all)");
}

TEST_F(KeelStudy, TestsClaimsAndWritesWhatItFound) {
  const Outcome outcome = study({"--claim", kClaims, "--seeds", "3"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("normalized-outputs                 holds\n    Means are within about "),
            std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("\nresults: " + (out() / "study.json").string() + "\n"), std::string::npos);
  const json found = record();
  EXPECT_EQ(found["program"], "keel-study");
  EXPECT_EQ(found["length"], "quick");
  EXPECT_EQ(found["seeds"], json::array({1, 2, 3}));
  EXPECT_EQ(found["data"]["training"]["examples"], kTrainDigits);
  EXPECT_EQ(found["claims"].size(), 2);
  EXPECT_EQ(found["claims"][1]["id"], "signatures");
  EXPECT_EQ(found["claims"][0]["verdict"], "holds");
  EXPECT_EQ(trials().size(), 3 + 1);
}

TEST_F(KeelStudy, KeepsTheClaimsOfEarlierCalls) {
  EXPECT_EQ(study({"--claim", "signatures", "--seeds", "2"}).status, 0);
  EXPECT_EQ(study({"--claim", "normalized-outputs", "--seeds", "2"}).status, 0);
  json before = record();
  json ids = json::array();
  for (const json& claim : before["claims"]) ids.push_back(claim["id"]);
  EXPECT_EQ(ids, (json{"normalized-outputs", "signatures"}));
  // So does when it started, and how long it took, also from a file in which keys are in another order.
  const std::string long_ago = "2001-02-03T04:05:06Z";
  constexpr double kDay = 86400;
  before["started"] = long_ago;
  before["wall_seconds"] = before["wall_seconds"].get<double>() + kDay;
  keel::testing::write_text(out() / "study.json", before.dump());
  EXPECT_EQ(study({"--claim", "signatures", "--seeds", "2"}).status, 0);
  EXPECT_EQ(record()["started"], long_ago);
  EXPECT_GT(record()["wall_seconds"], kDay);
  EXPECT_LT(record()["wall_seconds"], 1.5 * kDay);
  // Where it is not known how long earlier calls took, it stays so.
  before = record();
  before.erase("wall_seconds");
  before["machine"].erase("load_at_start");
  keel::testing::write_text(out() / "study.json", before.dump());
  EXPECT_EQ(study({"--claim", "signatures", "--seeds", "2"}).status, 0);
  EXPECT_EQ(record()["wall_seconds"], nullptr);
  EXPECT_EQ(record()["machine"]["load_at_start"], nullptr);
  before = record();
  // What would take their place is refused.
  for (const Strings& other : {Strings{"--seeds", "3"}, {"--seeds", "2", "--full"}}) {
    Arguments arguments = {"--claim", "signatures"};
    arguments.insert(arguments.end(), other.begin(), other.end());
    const Outcome outcome = study(arguments);
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("study.json: expected the results of a study with the "), std::string::npos)
        << outcome.err;
    EXPECT_EQ(record(), before);
  }
  // As are trials of other kernels, beside those of these.
  before["isa"] = "v0";
  keel::testing::write_text(out() / "study.json", before.dump());
  const Outcome outcome = study({"--claim", "signatures", "--seeds", "2"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("study.json: expected trials of kernels for \"v"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(record(), before);
}

TEST_F(KeelStudy, GivesTheSameForAnyNumberOfJobs) {
  EXPECT_EQ(study({"--claim", kClaims, "--jobs", "1"}, "one").status, 0);
  EXPECT_EQ(study({"--claim", kClaims, "--jobs", "3"}, "three").status, 0);
  EXPECT_EQ(findings("one"), findings("three"));
}

TEST_F(KeelStudy, UsesWhatIsThereAndRunsDamagedTrialsAgain) {
  EXPECT_EQ(study({"--claim", kClaims, "--seeds", "2"}).status, 0);
  const json before = findings("out");
  const auto files = trials();
  std::vector<fs::file_time_type> times;
  for (const fs::path& file : files) times.push_back(fs::last_write_time(file));
  keel::testing::write_text(files[0], "{\"key\": 1}");
  times[0] = fs::last_write_time(files[0]);
  const Outcome again = study({"--claim", kClaims, "--seeds", "2"});
  EXPECT_EQ(again.status, 0);
  EXPECT_NE(again.err.find("warning: " + files[0].string()), std::string::npos) << again.err;
  EXPECT_NE(again.err.find("; the trial is run again\n"), std::string::npos) << again.err;
  EXPECT_NE(keel::testing::text_of(files[0]), "{\"key\": 1}");
  for (std::size_t i = 1; i < files.size(); ++i) EXPECT_EQ(fs::last_write_time(files[i]), times[i]);
  EXPECT_EQ(findings("out"), before);
}

TEST_F(KeelStudy, NamesClaimsNearAnUnknownOne) {
  const auto expect_hint = [&](const std::string& claims, const std::string& id, const std::string& hint) {
    expect_wrong_usage({"--claim", claims}, "--claim: expected ids of claims, found '" + id + "'" + hint +
                                                " (keel-study --list names all)");
  };
  expect_hint("normalised-outputs", "normalised-outputs", ": did you mean 'normalized-outputs'?");
  expect_hint("PAPER_MNIST", "PAPER_MNIST", ": did you mean 'paper-mnist'?");
  expect_hint("overhead,rnn", "rnn", ": did you mean 'bn-helps-rnns' or 'layer-norm-for-rnns'?");
  expect_hint("init", "init", ": did you mean 'less-sensitive-to-initialization'?");
  expect_hint("batch-size", "batch-size",
              ": did you mean 'small-batches', 'non-ideal-batches' or 'batch-layer-normalization'?");
  expect_hint("", "", "");
  expect_hint("signatures,,overhead", "", "");
  expect_wrong_usage({"--claim", "signatures,overhead,signatures"},
                     "--claim: expected each id once, found 'signatures' twice");
}

TEST_F(KeelStudy, RefusesWhatDoesNotGoTogether) {
  expect_wrong_usage({}, "expected --claim ID, --all or --list; --list names the claims");
  expect_wrong_usage({"--all", "--claim", "signatures"}, "--all and --claim exclude each other");
  expect_wrong_usage({"--claim", "signatures", "--quick", "--full"}, "--quick and --full exclude each other");
  expect_wrong_usage({"--claim", "signatures", "--no-quick", "--no-full"},
                     "expected either --quick or --full, found neither");
  const Outcome nowhere = run_program("keel-study", {"--claim", "signatures", "--data", data(), "--out", ""});
  EXPECT_EQ(nowhere.err, "error: --out: expected a directory, found ''\n");
  EXPECT_EQ(nowhere.status, 2);
  const Outcome one_seed = study({"--claim", "signatures", "--seeds", "1"});
  EXPECT_EQ(one_seed.status, 2);
  EXPECT_NE(one_seed.err.find("--seeds"), std::string::npos) << one_seed.err;
  EXPECT_FALSE(fs::exists(out()));
}

TEST_F(KeelStudy, IsAFullOneIfItIsNotToBeQuick) {
  EXPECT_EQ(study({"--claim", "signatures", "--seeds", "2", "--no-quick"}).status, 0);
  EXPECT_EQ(record()["length"], "full");
}

TEST_F(KeelStudy, RefusesTheDirectoryOfAnotherProgram) {
  for (const char* file : {"config.json", "bn/config.json"}) {
    fs::create_directories((out() / file).parent_path());
    keel::testing::write_text(out() / file, "{}");
    const Outcome outcome = study({"--claim", "signatures"});
    EXPECT_EQ(outcome.err, "error: " + out().string() + " holds a run of another program (" + file +
                               "): name another directory\n");
    EXPECT_EQ(outcome.status, 1);
    EXPECT_FALSE(fs::exists(out() / "study.json"));
    fs::remove(out() / file);
  }
}

TEST_F(KeelStudy, SaysWhichDataAreMissing) {
  const Outcome outcome =
      run_program("keel-study", {"--claim", "signatures", "--data", data() / "none", "--out", out()});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err.find("error: " + (data() / "none").string()), 0) << outcome.err;
  EXPECT_FALSE(fs::exists(out()));
}

}  // namespace
}  // namespace keel::apps::testing
