// Results of trials, a file each.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "study/trial.h"

namespace keel::study {

// A result, how long it took, and of which commit the program was that found it (study/commit.h).
struct TrialResult {
  Json result;
  double seconds = 0;
  std::string commit = "unknown";
};

// Any number of threads may use it, for different keys.
class TrialStore {
 public:
  // `data` tells the data that results are of: others are not found.
  TrialStore(std::filesystem::path directory, std::string data);

  // What was kept under the key. Nothing if there is no such file, or it is not what keep() wrote, whole, for
  // this key and these data: the trial is then run again. `problem` says why if a file is there.
  std::optional<TrialResult> find(const std::string& key, std::string* problem = nullptr) const;
  // Writes it whole or not at all.   throws: FileError
  void keep(const std::string& key, const TrialResult& result) const;
  std::filesystem::path path_of(const std::string& key) const;

 private:
  std::filesystem::path directory_;
  std::string data_;
};

}  // namespace keel::study
