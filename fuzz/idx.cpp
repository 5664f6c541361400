// The reader of IDX files, plain or compressed.
#include "keel/data/idx.h"

#include <cstring>

#include "keel/core/error.h"
#include "support/memory_file.h"
#include "support/target.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const keel::fuzz::MemoryFile file(data, size);
  try {
    const keel::Tensor tensor = keel::data::read_idx(file.path());
    const bool compressed = data[0] != 0;
    if (compressed) return 0;
    const auto elements = static_cast<std::size_t>(tensor.numel());
    const auto header = 4 + 4 * static_cast<std::size_t>(tensor.rank());
    keel::fuzz::expect(header + elements == size, "a file that is read has no bytes too many");
    keel::fuzz::expect(
        elements == 0 || std::memcmp(tensor.data<std::uint8_t>(), data + header, elements) == 0,
        "the elements are the bytes behind the header");
  } catch (const keel::FileError&) {
  }
  return 0;
}
