#include "keel/io/npz.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "io/crc.h"
#include "io/stored_tensors.h"
#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::io {
namespace {

// The formats are PKWARE's APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16, and numpy.lib.format, version 1.0.

constexpr std::uint16_t kZipVersion = 20;
constexpr std::uint16_t kNamesAreUtf8 = 1 << 11;
constexpr std::uint16_t kFirstDay = 1 << 5 | 1;  // 1 January 1980: equal tensors give equal files
constexpr std::size_t kNpyAlignment = 64;

void append(std::string& text, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xff);
}
void append16(std::string& text, std::uint64_t value) { append(text, value, 2); }
void append32(std::string& text, std::uint64_t value) { append(text, value, 4); }

const char* numpy_name(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return "<f8";
    case DType::int32:
      return "<i4";
    case DType::uint8:
      return "|u1";
    case DType::float32:
      break;
  }
  return "<f4";
}

std::string npy_header(const Tensor& tensor, bool as_int64) {
  std::string shape;
  for (const Index extent : tensor.shape()) shape += fmt::format("{}, ", extent);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 as_int64 ? "<i8" : numpy_name(tensor.dtype()), shape);
  std::string header("\x93NUMPY\x01\x00", 8);
  const std::size_t unpadded = header.size() + 2 + text.size() + 1;
  text.append((kNpyAlignment - unpadded % kNpyAlignment) % kNpyAlignment, ' ');
  text += '\n';
  append16(header, text.size());
  return header + text;
}

// One .npy file in the archive.
struct Entry {
  std::string name;
  std::string npy;  // its header
  std::span<const std::byte> elements;
  std::uint32_t crc = 0;
  std::size_t offset = 0;  // of its local header
  std::string local_header;

  std::size_t size() const { return npy.size() + elements.size(); }

  // What the local and the central header have in common: from the version needed to the length of the extra
  // field. Sizes stand twice, as the data are not compressed.
  std::string common_fields() const {
    std::string fields;
    append16(fields, kZipVersion);
    append16(fields, kNamesAreUtf8);
    append16(fields, 0);  // stored
    append16(fields, 0);  // midnight
    append16(fields, kFirstDay);
    append32(fields, crc);
    append32(fields, size());
    append32(fields, size());
    append16(fields, name.size());
    append16(fields, 0);
    return fields;
  }
  void make_local_header() { local_header = "PK\x03\x04" + common_fields() + name; }
  std::string central_header() const {
    std::string header = "PK\x01\x02";
    append16(header, kZipVersion);
    header += common_fields();
    append16(header, 0);  // no comment
    append16(header, 0);  // on the first disk
    append16(header, 0);  // attributes
    append32(header, 0);
    append32(header, offset);
    return header + name;
  }
};

std::string end_of_directory(std::size_t entries, std::size_t size, std::size_t offset) {
  std::string record = "PK\x05\x06";
  append32(record, 0);  // the first and only disk
  append16(record, entries);
  append16(record, entries);
  append32(record, size);
  append32(record, offset);
  append16(record, 0);
  return record;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

void write_npz(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
               const std::set<std::string>& stored_as_int64) {
  const StoredTensors stored("npz", tensors, stored_as_int64);
  check<ValueError>(tensors.size() < std::numeric_limits<std::uint16_t>::max(),
                    "[npz] fewer than 65535 tensors expected, found {}", tensors.size());
  std::vector<Entry> entries(tensors.size());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Entry& entry = entries[i];
    entry.name = tensors[i].name + ".npy";
    check<ValueError>(entry.name.size() <= std::numeric_limits<std::uint16_t>::max(),
                      "[npz] names of less than 64 KiB expected, found one of {} bytes", entry.name.size());
    entry.npy = npy_header(tensors[i].tensor, stored[i].is_int64);
    entry.elements = stored[i].bytes;
    entry.offset = offset;
    entry.crc = crc_of(entry.elements, crc_of(bytes_of(entry.npy)));
    entry.make_local_header();
    offset += entry.local_header.size() + entry.size();
  }
  std::string directory;
  for (const Entry& entry : entries) directory += entry.central_header();
  check<ValueError>(offset + directory.size() < std::numeric_limits<std::uint32_t>::max(),
                    "[npz] less than 4 GiB of data expected, found {} bytes", offset);
  directory += end_of_directory(entries.size(), directory.size(), offset);

  std::vector<std::span<const std::byte>> parts;
  for (const Entry& entry : entries) {
    parts.insert(parts.end(), {bytes_of(entry.local_header), bytes_of(entry.npy), entry.elements});
  }
  parts.push_back(bytes_of(directory));
  write_file_atomically(path, parts);
}

}  // namespace keel::io
