// The reader of checkpoints, and what going on from one does with it. A checksum keeps nearly all damage out;
// so each input is read as it is, and with a checksum that is right for it.
#include "keel/train/checkpoint.h"

#include <zlib.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "keel/core/error.h"
#include "keel/core/rng.h"
#include "keel/nn/model_description.h"
#include "keel/nn/state_dict.h"
#include "support/memory_file.h"
#include "support/target.h"

namespace {

using keel::train::Checkpoint;

std::optional<Checkpoint> read(const std::vector<std::uint8_t>& bytes) {
  const keel::fuzz::MemoryFile file(bytes.data(), bytes.size());
  try {
    return keel::train::read_checkpoint(file.path());
  } catch (const keel::FileError&) {
    return std::nullopt;
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

// As a program does that evaluates the model of a checkpoint.
void load_model(const Checkpoint& checkpoint) {
  constexpr keel::nn::ModelLimits kSmall = {.parameters = 1 << 16, .outputs = 1 << 14};
  try {
    const auto description = keel::nn::ModelDescription::parse(checkpoint.run.model, "keel.model");
    const auto model = description.build(keel::Rng(1, keel::Stream::initialization), kSmall);
    keel::nn::load_state_dict(*model, checkpoint.model);
  } catch (const keel::FileError&) {
  } catch (const keel::ValueError&) {
  } catch (const keel::ShapeError&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  read(bytes);
  correct_checksum(bytes);
  const auto checkpoint = read(bytes);
  if (checkpoint) load_model(*checkpoint);
  return 0;
}
