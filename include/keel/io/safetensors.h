// safetensors: the file format of tensors that PyTorch, JAX and others exchange
// (https://github.com/huggingface/safetensors, "Format").
//
//   8 bytes      the size of the header, little-endian
//   the header   JSON: {"__metadata__": {"key": "text", ...},
//                       "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ...}
//   the rest     elements, little-endian and row-major; offsets count from here, and leave no gaps
//
// A file that Keel wrote has a checksum as well: the first key of its metadata is "keel.crc32", whose value
// is the CRC-32 (zlib's) of the header and the rest, in 8 hexadecimal digits, taken with 00000000 in its
// place. Readers that know nothing of it see one more text in the metadata.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "keel/core/named_tensor.h"

namespace keel::io {

struct Safetensors {
  std::map<std::string, std::string> metadata;  // without the checksum
  std::vector<NamedTensor> tensors;             // in the order of the header
  // Names of int32 tensors whose elements the file has as I64, as PyTorch's counters are.
  std::set<std::string> stored_as_int64 = {};
  // Set by reading: the file had a checksum, and it was right.
  bool checksum_verified = false;
};

// The headers of larger files are refused, as the format demands.
inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;

// Writes F32, F64, I32, U8 as the element types are, and I64 where asked for; as a whole or not at all, see
// io/atomic_file.h. Each tensor begins at a multiple of its element size.
//   throws: ValueError if a name is empty, "__metadata__", given twice or not UTF-8, a tensor is undefined,
//   or stored_as_int64 names what is no int32 tensor; FileError if the file cannot be written
void write_safetensors(const std::filesystem::path& path, const Safetensors& content);
// The same bytes in memory.
std::vector<std::byte> encode_safetensors(const Safetensors& content);

// Reads F32, F64, I32 and U8 as they are, F16 and BF16 as float32, I64 as int32. All that the header says is
// checked before memory is taken for elements, which are then no more than the file has (twice as many bytes
// for F16 and BF16).
//   throws: FileError naming the file, what was expected and what was found, unless the file is whole and
//   well-formed: each tensor has a name of its own, an element type of the above, a rank of at most
//   Shape::kMaxRank and as many bytes as its shape needs; the bytes of all of them fill the rest of the file
//   without gaps and overlaps; each I64 fits into int32; and the checksum is right, if there is one
Safetensors read_safetensors(const std::filesystem::path& path);
// The same from memory; `name` is what messages call it.
Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name);

}  // namespace keel::io
