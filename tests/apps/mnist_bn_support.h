// What the tests of keel-mnist-bn share: a small set of digits in files, and what a run leaves behind.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "apps/program.h"
#include "keel/data/idx.h"
#include "keel/data/synthetic_digits.h"
#include "keel/train/checkpoint.h"
#include "support/temporary_directory.h"

namespace keel::apps::testing {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

constexpr Index kTrainDigits = 60, kTestDigits = 20;
// What the default validation split of 0.2 leaves for training.
constexpr Index kTrainingPart = 48;

// Writes digits as the images and labels of one part: "train" or "t10k".
inline void write_digits(const fs::path& directory, const std::string& part,
                         const data::ImageDataset& digits) {
  const Tensor& images = digits.images();
  data::write_idx(directory / (part + "-images-idx3-ubyte"),
                  images.reshape({images.size(0), images.size(1), images.size(2)}));
  data::write_idx(directory / (part + "-labels-idx1-ubyte"), digits.labels().to(DType::uint8));
}

// A directory of digits in MNIST's format, and room for runs.
class MnistBn : public ::testing::Test {
 protected:
  MnistBn() {
    fs::create_directory(data());
    write_digits(data(), "train", *data::synthetic_digits({.count = kTrainDigits}));
    write_digits(data(), "t10k",
                 *data::synthetic_digits({.count = kTestDigits, .part = data::SyntheticPart::test}));
  }

  fs::path data() const { return directory_ / "data"; }
  fs::path out(const std::string& name = "out") const { return directory_ / name; }

  // With the small set of digits, to out(), and one thread, unless `arguments` say otherwise.
  Outcome run(Arguments arguments) const {
    const auto unless_given = [&](const std::string& option, const std::string& value) {
      if (std::find(arguments.begin(), arguments.end(), option) == arguments.end()) {
        arguments.insert(arguments.end(), {option, value});
      }
    };
    unless_given("--data", data());
    unless_given("--out", out());
    unless_given("--threads", "1");
    return run_program("keel-mnist-bn", arguments);
  }

  // The run ends with this status, one line on stderr, and no file written.
  void expect_refused(const Arguments& arguments, int status, const std::string& message) const {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(fs::exists(out()));
  }

 private:
  keel::testing::TemporaryDirectory directory_;
};

// Contents of all files below a directory, by relative name.
inline std::map<std::string, std::string> files_below(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), directory)] = keel::testing::text_of(entry.path());
    }
  }
  return files;
}

// A checkpoint, bit for bit but for the seconds.
inline std::string content_of_checkpoint(const fs::path& path) {
  train::Checkpoint checkpoint = train::read_checkpoint(path);
  std::string content =
      fmt::format("{} {} {} {} {}", checkpoint.run.model, checkpoint.run.options, checkpoint.state.epoch,
                  checkpoint.state.step, checkpoint.optimizer_steps);
  for (const train::EpochRecord& r : checkpoint.state.log) {
    content += fmt::format(" {} {} {} {}", r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy);
  }
  for (const auto& list : {checkpoint.model, checkpoint.optimizer}) {
    for (const NamedTensor& named : list) {
      content += named.name;
      content.append(reinterpret_cast<const char*>(named.tensor.bytes()), named.tensor.num_bytes());
    }
  }
  return content;
}

// What a run leaves behind, without what tells when, where and how fast it was made.
inline std::map<std::string, std::string> results_in(const fs::path& directory) {
  std::map<std::string, std::string> files = files_below(directory);
  for (auto& [name, content] : files) {
    if (name.ends_with(".csv")) {
      content = std::regex_replace(content, std::regex(",[^,]+\n"), "\n");
      continue;
    }
    if (name.ends_with(".safetensors")) {
      content = content_of_checkpoint(directory / name);
      continue;
    }
    nlohmann::json json = nlohmann::json::parse(content);
    for (const char* field : {"started", "resumed", "threads", "jobs"}) json.erase(field);
    if (json.contains("options")) {
      for (const char* field : {"out", "data", "threads", "jobs", "epochs", "checkpoint-every"})
        json["options"].erase(field);
    }
    if (json.contains("arms")) {
      for (auto& arm : json["arms"]) arm.erase("seconds_per_epoch");
    }
    content = json.dump();
  }
  return files;
}

inline nlohmann::json json_in(const fs::path& path) {
  return nlohmann::json::parse(keel::testing::text_of(path));
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

struct Csv {
  std::string header;
  std::vector<std::vector<double>> rows;
  // A row without its last column, the seconds: what a repeated run must repeat.
  std::vector<double> reproducible(std::size_t row) const { return {rows[row].begin(), rows[row].end() - 1}; }
};

// The columns of a log.
enum Column : std::size_t {
  kEpoch,
  kStep,
  kTrainLoss,
  kTrainAccuracy,
  kValLoss,
  kValAccuracy,
  kRate,
  kSeconds
};

inline Csv log_in(const fs::path& path) {
  std::vector<std::string> lines = lines_of(keel::testing::text_of(path));
  Csv csv{lines.at(0), {}};
  for (std::size_t i = 1; i < lines.size(); ++i) {
    csv.rows.emplace_back();
    std::istringstream cells(lines[i]);
    for (std::string cell; std::getline(cells, cell, ',');) csv.rows.back().push_back(std::stod(cell));
  }
  return csv;
}

}  // namespace keel::apps::testing
