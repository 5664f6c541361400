#include "keel/io/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "io/crc.h"
#include "io/input_file.h"
#include "io/safetensors_header.h"
#include "io/stored_tensors.h"
#include "keel/core/error.h"
#include "keel/io/atomic_file.h"

namespace keel::io {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kAlignment = 8;
// What is read of the file at a time where elements are converted.
constexpr std::size_t kPiece = 1 << 20;

std::string checksum_text(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

// Of Keel's element types.
const char* safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::float64:
      return "F64";
    case DType::int32:
      return "I32";
    case DType::uint8:
      return "U8";
    case DType::float32:
      break;
  }
  return "F32";
}

// The length, the header and the elements: views of the content, and of what is made for the file only.
class EncodedFile {
 public:
  explicit EncodedFile(const Safetensors& content)
      : stored_("safetensors", content.tensors, content.stored_as_int64) {
    place_tensors();
    make_header(content);
    std::uint32_t crc = crc_of(std::as_bytes(std::span(header_)).subspan(kLengthBytes));
    for (std::size_t i = 1; i < parts_.size(); ++i) crc = crc_of(parts_[i], crc);
    header_.replace(kLengthBytes + kChecksumPrefix.size(), kChecksumDigits, checksum_text(crc));
  }
  EncodedFile(const EncodedFile&) = delete;
  EncodedFile& operator=(const EncodedFile&) = delete;

  std::span<const Bytes> parts() const { return parts_; }

 private:
  // Large elements first, so that each tensor begins at a multiple of its element size.
  void place_tensors() {
    std::vector<std::size_t> order(stored_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return stored_[a].element_size > stored_[b].element_size;
    });
    parts_.emplace_back();  // the header's place
    offsets_.resize(order.size());
    std::size_t offset = 0;
    for (const std::size_t i : order) {
      const Bytes bytes = stored_[i].bytes;
      offsets_[i] = {offset, offset + bytes.size()};
      offset += bytes.size();
      parts_.push_back(bytes);
    }
  }

  void make_header(const Safetensors& content) {
    using nlohmann::ordered_json;
    ordered_json metadata = {{std::string(kChecksumKey), std::string(kNoChecksum)}};
    for (const auto& [key, value] : content.metadata) {
      if (key != kChecksumKey) metadata[key] = value;
    }
    ordered_json header = {{std::string(kMetadataKey), std::move(metadata)}};
    for (std::size_t i = 0; i < content.tensors.size(); ++i) {
      const auto& [name, tensor] = content.tensors[i];
      check<ValueError>(name != kMetadataKey, "[safetensors] '{}' cannot be the name of a tensor", name);
      ordered_json entry;
      entry["dtype"] = stored_[i].is_int64 ? "I64" : safetensors_name(tensor.dtype());
      entry["shape"] = std::vector<Index>(tensor.shape().begin(), tensor.shape().end());
      entry["data_offsets"] = {offsets_[i].first, offsets_[i].second};
      header.push_back({name, std::move(entry)});
    }
    std::string json;
    try {
      json = header.dump();
    } catch (const ordered_json::exception&) {
      throw ValueError("[safetensors] expected names and metadata in UTF-8, found other bytes");
    }
    json.append((kAlignment - json.size() % kAlignment) % kAlignment, ' ');
    check<ValueError>(json.size() <= kMaxSafetensorsHeader,
                      "[safetensors] a header of at most {} bytes expected, "
                      "found {}",
                      kMaxSafetensorsHeader, json.size());
    const auto length = static_cast<std::uint64_t>(json.size());
    header_.resize(kLengthBytes);
    std::memcpy(header_.data(), &length, kLengthBytes);
    header_ += json;
    parts_.front() = std::as_bytes(std::span(header_));
  }

  StoredTensors stored_;
  std::string header_;
  std::vector<std::pair<std::size_t, std::size_t>> offsets_;
  std::vector<Bytes> parts_;
};

// Fills the bytes given from an offset of the file on.
using ReadAt = std::function<void(std::uint64_t offset, std::span<std::byte> to)>;

float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

// IEEE 754 binary16.
float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits} >> 15 << 31;
  const std::uint32_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  if (exponent == 0) {  // zero, or below the smallest normal number: multiples of 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide_exponent = exponent == 0x1f ? 0xff : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

class Reader {
 public:
  Reader(const ReadAt& read_at, std::uint64_t size, const std::string& name)
      : read_at_(read_at), size_(size), name_(name) {}

  Safetensors read() {
    read_header();
    Safetensors result;
    result.metadata = std::move(header_.metadata);
    result.metadata.erase(std::string(kChecksumKey));
    std::vector<std::size_t> in_file(header_.entries.size());
    std::iota(in_file.begin(), in_file.end(), std::size_t{0});
    std::stable_sort(in_file.begin(), in_file.end(), [&](std::size_t a, std::size_t b) {
      return header_.entries[a].begin < header_.entries[b].begin;
    });
    result.tensors.resize(header_.entries.size());
    for (const std::size_t i : in_file) {
      const SafetensorsEntry& entry = header_.entries[i];
      result.tensors[i] = {entry.name, read_tensor(entry)};
      if (entry.dtype == "I64") result.stored_as_int64.insert(entry.name);
    }
    if (!expected_checksum_.empty()) {
      check<FileError>(checksum_text(crc_) == expected_checksum_,
                       "{}: checksum {} expected, found {}: the file is damaged", name_, expected_checksum_,
                       checksum_text(crc_));
      result.checksum_verified = true;
    }
    return result;
  }

 private:
  // Whatever else a file is, this tells it from a damaged one, whose numbers would say nothing.
  void require_brace() {
    std::array<std::byte, 1> first{};
    if (size_ > kLengthBytes) read_at_(kLengthBytes, first);
    check<FileError>(
        first[0] == std::byte{'{'},
        "{}: a safetensors file expected, found one of another kind: no header begins with '{{' at "
        "byte {}",
        name_, kLengthBytes);
  }

  void read_header() {
    check<FileError>(size_ >= kLengthBytes, "{}: a safetensors file of at least {} bytes expected, found {}",
                     name_, kLengthBytes, size_);
    std::array<std::byte, kLengthBytes> length_bytes{};
    read_at_(0, length_bytes);
    const auto length = std::bit_cast<std::uint64_t>(length_bytes);
    require_brace();
    const std::uint64_t most = std::min<std::uint64_t>(size_ - kLengthBytes, kMaxSafetensorsHeader);
    check<FileError>(length <= most, "{}: a safetensors header of at most {} bytes expected, found {}", name_,
                     most, length);
    std::string json(static_cast<std::size_t>(length), '\0');
    read_at_(kLengthBytes, std::as_writable_bytes(std::span(json)));
    data_begin_ = kLengthBytes + length;
    header_ = parse_safetensors_header(json, size_ - data_begin_, name_);
    const bool has_checksum =
        json.starts_with(kChecksumPrefix) &&
        json.find('"', kChecksumPrefix.size()) == kChecksumPrefix.size() + kChecksumDigits;
    if (has_checksum) {
      expected_checksum_ = json.substr(kChecksumPrefix.size(), kChecksumDigits);
      json.replace(kChecksumPrefix.size(), kChecksumDigits, kNoChecksum);
      crc_ = crc_of(std::as_bytes(std::span(json)));
    }
  }

  // Called in the order of the file, whose checksum grows with it.
  Tensor read_tensor(const SafetensorsEntry& entry) {
    const std::string& dtype = entry.dtype;
    if (dtype == "F16" || dtype == "BF16") {
      const auto convert = dtype == "F16" ? from_float16 : from_bfloat16;
      return read_converted<std::uint16_t, float>(entry, convert);
    }
    if (dtype == "I64") {
      return read_converted<std::int64_t, std::int32_t>(entry, [&](std::int64_t value) {
        check<FileError>(std::in_range<std::int32_t>(value),
                         "{}: integers that fit into 32 bits expected in '{}', found {}", name_, entry.name,
                         value);
        return static_cast<std::int32_t>(value);
      });
    }
    const DType type = dtype == "F64"   ? DType::float64
                       : dtype == "I32" ? DType::int32
                       : dtype == "U8"  ? DType::uint8
                                        : DType::float32;
    Tensor tensor = Tensor::empty(entry.shape, type);
    read_data(entry.begin, {tensor.bytes(), tensor.num_bytes()});
    return tensor;
  }

  template <class From, class To, class F>
  Tensor read_converted(const SafetensorsEntry& entry, const F& convert) {
    Tensor tensor = Tensor::empty(entry.shape, dtype_of<To>());
    To* to = tensor.data<To>();
    std::vector<From> piece(kPiece / sizeof(From));
    for (std::uint64_t at = entry.begin; at < entry.end;) {
      const auto n =
          static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), (entry.end - at) / sizeof(From)));
      const std::span<From> elements(piece.data(), n);
      read_data(at, std::as_writable_bytes(elements));
      to = std::transform(elements.begin(), elements.end(), to, convert);
      at += n * sizeof(From);
    }
    return tensor;
  }

  void read_data(std::uint64_t offset, std::span<std::byte> to) {
    read_at_(data_begin_ + offset, to);
    if (!expected_checksum_.empty()) crc_ = crc_of(to, crc_);
  }

  const ReadAt& read_at_;
  std::uint64_t size_;
  const std::string& name_;
  std::uint64_t data_begin_ = 0;
  SafetensorsHeader header_;
  std::string expected_checksum_;  // empty if there is none
  std::uint32_t crc_ = 0;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Safetensors& content) {
  write_file_atomically(path, EncodedFile(content).parts());
}

std::vector<std::byte> encode_safetensors(const Safetensors& content) {
  const EncodedFile file(content);
  std::vector<std::byte> bytes;
  for (const Bytes part : file.parts()) bytes.insert(bytes.end(), part.begin(), part.end());
  return bytes;
}

Safetensors read_safetensors(const std::filesystem::path& path) {
  const InputFile file(path);
  const ReadAt read_at = [&](std::uint64_t offset, std::span<std::byte> to) { file.read(offset, to); };
  return Reader(read_at, file.size(), path.string()).read();
}

Safetensors parse_safetensors(std::span<const std::byte> bytes, const std::string& name) {
  const ReadAt read_at = [&](std::uint64_t offset, std::span<std::byte> to) {
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
  };
  return Reader(read_at, bytes.size(), name).read();
}

}  // namespace keel::io
