// The reader of safetensors files. What it accepts is written again and must come back the same.
#include "keel/io/safetensors.h"

#include <cstring>
#include <optional>
#include <span>

#include "keel/core/error.h"
#include "support/memory_file.h"
#include "support/target.h"

namespace {

using keel::fuzz::expect;
using keel::io::Safetensors;

bool same(const Safetensors& a, const Safetensors& b) {
  if (a.metadata != b.metadata || a.stored_as_int64 != b.stored_as_int64) return false;
  if (a.tensors.size() != b.tensors.size()) return false;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const auto& [name, tensor] = a.tensors[i];
    const auto& [other_name, other] = b.tensors[i];
    if (name != other_name || tensor.dtype() != other.dtype() || tensor.shape() != other.shape())
      return false;
    if (tensor.numel() > 0 && std::memcmp(tensor.bytes(), other.bytes(), tensor.num_bytes()) != 0)
      return false;
  }
  return true;
}

template <class Read>
std::optional<Safetensors> accepted(const Read& read) {
  try {
    return read();
  } catch (const keel::FileError&) {
    return std::nullopt;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto parsed = accepted([&] { return keel::io::parse_safetensors(bytes, "input"); });
  const keel::fuzz::MemoryFile file(data, size);
  const auto from_file = accepted([&] { return keel::io::read_safetensors(file.path()); });
  expect(parsed.has_value() == from_file.has_value(), "memory and file are read alike");
  if (!parsed) return 0;
  expect(same(*parsed, *from_file), "memory and file hold the same");
  const Safetensors again = keel::io::parse_safetensors(keel::io::encode_safetensors(*parsed), "written");
  expect(again.checksum_verified, "what is written has a checksum");
  expect(same(*parsed, again), "what is written is what was read");
  return 0;
}
