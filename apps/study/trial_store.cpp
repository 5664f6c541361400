#include "study/trial_store.h"

#include <fmt/format.h>

#include <cmath>

#include "keel/core/error.h"
#include "keel/io/atomic_file.h"
#include "keel/io/json_text.h"

namespace keel::study {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 26;

// FNV-1a, 64 bits.
std::string checksum_of(const std::string& text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

Json parse(const std::filesystem::path& path) {
  const std::string text = io::read_file(path, kMostBytes);
  io::check_json(text, path.string(), {.bytes = kMostBytes});
  return Json::parse(text);
}

// What is written is what a later study reads: numbers that JSON cannot hold are null in both.
Json without_non_finite(const Json& value) { return Json::parse(value.dump()); }

}  // namespace

TrialStore::TrialStore(std::filesystem::path directory, std::string data)
    : directory_(std::move(directory)), data_(std::move(data)) {
  io::make_directories(directory_);
}

std::filesystem::path TrialStore::path_of(const std::string& key) const {
  return directory_ / (checksum_of(data_ + key) + ".json");
}

std::optional<TrialResult> TrialStore::find(const std::string& key, std::string* problem) const {
  const std::filesystem::path path = path_of(key);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    const Json file = parse(path);
    const Json& result = file.at("result");
    check<FileError>(file.at("key") == key && file.at("data") == data_,
                     "{}: expected the result of another trial", path.string());
    check<FileError>(file.at("checksum") == checksum_of(result.dump()),
                     "{}: expected the checksum of its result, found {}", path.string(),
                     file["checksum"].dump());
    return TrialResult{result, file.at("seconds").get<double>(), file.value("commit", "unknown")};
  } catch (const FileError& error) {
    if (problem != nullptr) *problem = error.what();
  } catch (const std::exception&) {  // of the JSON library: a part is missing, or of another kind
    if (problem != nullptr) *problem = path.string() + ": expected the result of a trial";
  }
  return std::nullopt;
}

void TrialStore::keep(const std::string& key, const TrialResult& result) const {
  const Json kept = without_non_finite(result.result);
  const Json file = {{"key", key},
                     {"data", data_},
                     {"commit", result.commit},
                     {"seconds", result.seconds},
                     {"checksum", checksum_of(kept.dump())},
                     {"result", kept}};
  io::write_file_atomically(path_of(key), file.dump() + "\n");
}

}  // namespace keel::study
