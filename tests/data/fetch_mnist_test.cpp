// scripts/fetch_mnist.sh, run from a copy of the repository's layout whose checksums are those of four small
// files.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <cstdio>
#include <cstdlib>

#include "data/support.h"

namespace keel::data {
namespace {

using testing::Bytes;
using testing::read_bytes;
using testing::TemporaryDirectory;
using testing::write_bytes;
using testing::write_gzip;
namespace fs = std::filesystem;

struct Outcome {
  int status;
  std::string output;  // standard output
  std::string errors;  // standard error
};

class FetchMnist : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"scripts", "data", "source"}) fs::create_directory(directory_ / name);
    fs::copy(fs::path(KEEL_SOURCE_DIR) / "scripts/fetch_mnist.sh", script());
    for (std::size_t i = 0; i < kNames.size(); ++i) write_bytes(source(kNames[i]), content(i));
    run("cd " + source("").string() +
        " && sha256sum train-images* train-labels* t10k-images* t10k-labels* >../data/checksums.sha256");
  }

  static Bytes content(std::size_t i) { return Bytes(1000 + i, static_cast<std::uint8_t>(i)); }
  fs::path script() const { return directory_ / "scripts/fetch_mnist.sh"; }
  fs::path source(const std::string& name) const { return directory_ / "source" / name; }
  fs::path target(const std::string& name) const { return directory_ / "data/mnist" / name; }

  // Runs a command with a clean environment, from a directory that has nothing to do with it.
  Outcome run(const std::string& command) {
    const fs::path errors = directory_ / "errors";
    const std::string line =
        "cd / && unset KEEL_MNIST_DIR KEEL_MNIST_MIRRORS && { " + command + "; } 2>" + errors.string();
    std::FILE* pipe = popen(line.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    Outcome outcome{};
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) outcome.output += static_cast<char>(c);
    const int status = pclose(pipe);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    const Bytes bytes = read_bytes(errors);
    outcome.errors.assign(bytes.begin(), bytes.end());
    return outcome;
  }

  Outcome fetch_from_directory(const fs::path& from) {
    return run("KEEL_MNIST_DIR=" + from.string() + " KEEL_MNIST_MIRRORS= " + script().string());
  }
  Outcome fetch_from_mirrors(const std::string& mirrors) {
    return run("KEEL_MNIST_MIRRORS='" + mirrors + "' " + script().string());
  }

  void expect_complete(const fs::path& where) {
    for (std::size_t i = 0; i < kNames.size(); ++i) EXPECT_EQ(read_bytes(where / kNames[i]), content(i));
    expect_nothing_else(where, kNames.size());
  }
  // No half file and no temporary one.
  void expect_nothing_else(const fs::path& where, std::size_t files) {
    EXPECT_EQ(std::distance(fs::directory_iterator(where), fs::directory_iterator()),
              static_cast<std::ptrdiff_t>(files));
  }

  const std::vector<std::string> kNames{"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
  TemporaryDirectory directory_;
};

TEST_F(FetchMnist, TakesPlainAndCompressedFilesOfBothSpellingsFromADirectory) {
  fs::remove(source(kNames[1]));
  write_gzip(source("train-labels-idx1-ubyte.gz"), content(1));
  fs::rename(source(kNames[2]), source("t10k-images.idx3-ubyte"));
  fs::remove(source(kNames[3]));
  write_gzip(source("t10k-labels.idx1-ubyte.gz"), content(3));
  const Outcome outcome = fetch_from_directory(source(""));
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_EQ(outcome.errors, "");
  expect_complete(target(""));
}

TEST_F(FetchMnist, PutsFilesIntoAGivenDirectoryFromARelativeOne) {
  const Outcome outcome =
      run("cd " + source("").string() + " && KEEL_MNIST_DIR=. KEEL_MNIST_MIRRORS= " + script().string() +
          " ../elsewhere/mnist");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  expect_complete(directory_ / "elsewhere/mnist");
}

TEST_F(FetchMnist, SaysSoWhenThereIsNothingToDo) {
  ASSERT_EQ(fetch_from_directory(source("")).status, 0);
  const Outcome outcome = run(script().string());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output,
            "fetch_mnist: nothing to do, MNIST is in " + target("").parent_path().string() + "\n");
  EXPECT_EQ(outcome.errors, "");
}

TEST_F(FetchMnist, ChecksAGivenDirectoryEvenWhenThereIsNothingToDo) {
  const std::string here = target("").parent_path().string();
  ASSERT_EQ(fetch_from_directory(source("")).status, 0);
  const Outcome same = fetch_from_directory(source(""));
  EXPECT_EQ(same.status, 0);
  EXPECT_EQ(same.output, "fetch_mnist: nothing to do, MNIST is in " + here + "\n");
  EXPECT_EQ(same.errors, "");
  const auto expect_warning = [&](const fs::path& from, const std::string& problem) {
    const Outcome outcome = fetch_from_directory(from);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(outcome.errors, "warning: KEEL_MNIST_DIR=" + from.string() + ": " + problem +
                                  "; using the verified files in " + here + "\n");
    expect_complete(target(""));
  };
  write_gzip(source("train-labels.idx1-ubyte.gz"), {1, 2, 3});
  fs::remove(source(kNames[1]));
  expect_warning(source(""),
                 "train-labels.idx1-ubyte.gz: not the content of MNIST's train-labels-idx1-ubyte "
                 "(SHA-256 differs)");
  fs::remove(source("train-labels.idx1-ubyte.gz"));
  expect_warning(source(""), "no train-labels-idx1-ubyte, no train-labels.idx1-ubyte, nor either with .gz");
  expect_warning(directory_ / "nowhere", "no such directory");
}

TEST_F(FetchMnist, ReplacesAFileThatIsWrong) {
  ASSERT_EQ(fetch_from_directory(source("")).status, 0);
  write_bytes(target(kNames[0]), {1, 2, 3});
  EXPECT_EQ(fetch_from_directory(source("")).status, 0);
  expect_complete(target(""));
}

TEST_F(FetchMnist, RefusesContentThatIsNotMnist) {
  write_bytes(source(kNames[0]), {1, 2, 3});
  const Outcome outcome = fetch_from_directory(source(""));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors,
            "fetch_mnist: " + source("").string() +
                "/train-images-idx3-ubyte: not the content of MNIST's train-images-idx3-ubyte "
                "(SHA-256 differs)\n"
                "fetch_mnist: MNIST is not complete in " +
                target("").parent_path().string() + "; set KEEL_MNIST_DIR to a directory that has it\n");
  expect_nothing_else(target(""), 3);
}

TEST_F(FetchMnist, RefusesTruncatedGzip) {
  fs::remove(source(kNames[3]));
  write_gzip(source("t10k-labels-idx1-ubyte.gz"), content(3));
  fs::resize_file(source("t10k-labels-idx1-ubyte.gz"),
                  fs::file_size(source("t10k-labels-idx1-ubyte.gz")) - 9);
  const Outcome outcome = fetch_from_directory(source(""));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.errors.find("t10k-labels-idx1-ubyte.gz: not the content of MNIST's"), std::string::npos);
  expect_nothing_else(target(""), 3);
}

TEST_F(FetchMnist, NamesADirectoryThatDoesNotExist) {
  const Outcome outcome = fetch_from_directory(directory_ / "nowhere");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.errors.substr(0, outcome.errors.find('\n')),
            "fetch_mnist: " + (directory_ / "nowhere").string() + ": no such directory (KEEL_MNIST_DIR)");
  expect_nothing_else(target(""), 0);
}

TEST_F(FetchMnist, GoesOnToTheNextMirror) {
  if (std::system("command -v curl >/dev/null") != 0)
    GTEST_SKIP() << "curl, which reads file:// mirrors, is missing";
  fs::create_directory(directory_ / "broken");
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    write_gzip(source(kNames[i] + ".gz"), content(i));
    write_gzip(directory_ / "broken" / (kNames[i] + ".gz"), content(i == 1 ? 2 : i));
  }
  const std::string base = "file://" + directory_.path().string();
  const Outcome outcome = fetch_from_mirrors(base + "/nowhere/ " + base + "/broken " + base + "/source/");
  EXPECT_EQ(outcome.status, 0);
  // One line for each mirror that failed.
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 2) << outcome.errors;
  EXPECT_EQ(outcome.errors.find("fetch_mnist: " + base +
                                "/nowhere/train-images-idx3-ubyte.gz: cannot download: curl"),
            0U)
      << outcome.errors;
  EXPECT_NE(
      outcome.errors.find("fetch_mnist: " + base + "/broken/train-labels-idx1-ubyte.gz: not the content of"),
      std::string::npos)
      << outcome.errors;
  expect_complete(target(""));
}

TEST_F(FetchMnist, FailsWhenNoMirrorAnswers) {
  // Port 9 of this machine: refused at once, or answered by nothing that has MNIST.
  const Outcome outcome = fetch_from_mirrors("http://127.0.0.1:9/a http://127.0.0.1:9/b/");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 3) << outcome.errors;
  for (const char* mirror : {"a", "b"}) {
    EXPECT_NE(outcome.errors.find(
                  fmt::format("fetch_mnist: http://127.0.0.1:9/{}/train-images-idx3-ubyte.gz: ", mirror)),
              std::string::npos)
        << outcome.errors;
  }
  expect_nothing_else(target(""), 0);
}

TEST_F(FetchMnist, HasHelpAndRefusesWrongUsage) {
  const Outcome help = run(script().string() + " --help");
  EXPECT_EQ(help.status, 0);
  EXPECT_EQ(help.output.find("Usage: fetch_mnist.sh [DIRECTORY]"), 0U);
  const Outcome option = run(script().string() + " --force");
  EXPECT_EQ(option.status, 2);
  EXPECT_EQ(option.errors, "fetch_mnist: unknown option --force (see --help)\n");
  const Outcome two = run(script().string() + " a b");
  EXPECT_EQ(two.status, 2);
  EXPECT_EQ(two.errors, "fetch_mnist: one directory expected, found 2 arguments (see --help)\n");
  EXPECT_FALSE(fs::exists(target("")));
}

TEST_F(FetchMnist, KnowsTheChecksumsOfTheRealFiles) {
  const char* real = std::getenv("KEEL_MNIST_DIR");
  if (real == nullptr) GTEST_SKIP() << "KEEL_MNIST_DIR does not name a directory with MNIST";
  fs::copy_file(fs::path(KEEL_SOURCE_DIR) / "data/checksums.sha256", directory_ / "data/checksums.sha256",
                fs::copy_options::overwrite_existing);
  const Outcome outcome = fetch_from_directory(fs::absolute(real));
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  expect_nothing_else(target(""), 4);
}

}  // namespace
}  // namespace keel::data
