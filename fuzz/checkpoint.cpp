// The readers of checkpoints, and of the models in them and in files for other programs. A checksum keeps
// nearly all damage out; so each input is read as it is, and with a checksum that is right for it.
#include "keel/train/checkpoint.h"

#include <zlib.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "keel/core/error.h"
#include "keel/train/model_file.h"
#include "support/memory_file.h"
#include "support/target.h"

namespace {

void read(const std::vector<std::uint8_t>& bytes) {
  const keel::fuzz::MemoryFile file(bytes.data(), bytes.size());
  try {
    keel::train::read_checkpoint(file.path());
  } catch (const keel::FileError&) {
  }
  try {
    const keel::train::SavedModel saved = keel::train::read_model(file.path());
    keel::fuzz::expect(saved.description.input() && saved.description.classes(),
                       "a model that is read is complete");
    keel::fuzz::expect(static_cast<keel::Index>(saved.class_names.size()) == *saved.description.classes(),
                       "a model that is read has a name for each class");
  } catch (const keel::FileError&) {
  }
}

// keel/io/safetensors.h says where a checksum stands and of what it is.
void correct_checksum(std::vector<std::uint8_t>& bytes) {
  constexpr std::string_view kBefore = R"({"__metadata__":{"keel.crc32":")", kZeros = "00000000";
  constexpr std::size_t kLength = 8;
  if (bytes.size() < kLength + kBefore.size() + kZeros.size()) return;
  char* const header = reinterpret_cast<char*>(bytes.data()) + kLength;
  if (std::string_view(header, kBefore.size()) != kBefore) return;
  char* const checksum = header + kBefore.size();
  kZeros.copy(checksum, kZeros.size());
  const uLong crc = crc32_z(0, bytes.data() + kLength, bytes.size() - kLength);
  fmt::format_to(checksum, "{:08x}", crc);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  read(bytes);
  correct_checksum(bytes);
  read(bytes);
  return 0;
}
