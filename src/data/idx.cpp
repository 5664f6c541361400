#include "keel/data/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "io/input_file.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"

namespace keel::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kUnsignedByte = 0x08;
constexpr Index kMagicBytes = 4;
// Deflate's best: 258 bytes for 2 bits, and a little for rounding.
constexpr Index kMaxInflation = 1032;
// zlib counts bytes in `unsigned`, and reports what it did in `int`.
constexpr Index kMaxPiece = 1 << 30;
// What a thread reads of a plain file at a time.
constexpr Index kPiece = 4 << 20;

[[noreturn]] void fail_to_open(const fs::path& path) {
  throw FileError(
      fmt::format("{}: cannot open: {}", path.string(), io::system_message(errno != 0 ? errno : ENOMEM)));
}

// A file opened by zlib, which passes plain files through and decompresses those that begin with gzip's magic
// bytes.
class GzFile {
 public:
  GzFile(const fs::path& path, const char* mode) : path_(path) {
    errno = 0;
    file_ = gzopen(path.c_str(), mode);
    if (file_ == nullptr) fail_to_open(path);
  }
  GzFile(const GzFile&) = delete;
  GzFile& operator=(const GzFile&) = delete;
  ~GzFile() {
    if (file_ != nullptr) gzclose(file_);
  }

  bool compressed() { return gzdirect(file_) == 0; }

  // Reads up to `size` bytes: fewer only at the end of the file.
  Index read(std::uint8_t* to, Index size) {
    Index done = 0;
    while (done < size) {
      const int got = gzread(file_, to + done, static_cast<unsigned>(std::min(size - done, kMaxPiece)));
      // zlib returns what it could still decompress of a damaged file, without an error but in gzerror.
      int error = Z_OK;
      const char* message = gzerror(file_, &error);
      if (error == Z_ERRNO) throw FileError(fmt::format("{}: cannot read: {}", path_.string(), message));
      check<FileError>(got >= 0 && error == Z_OK, "{}: intact gzip data expected, found them {}",
                       path_.string(), error == Z_BUF_ERROR ? "truncated" : "corrupt");
      if (got == 0) break;
      done += got;
    }
    return done;
  }

  void write(const std::uint8_t* from, Index size) {
    for (Index done = 0; done < size;) {
      const auto piece = static_cast<unsigned>(std::min(size - done, kMaxPiece));
      if (gzwrite(file_, from + done, piece) == 0) fail_to_write();
      done += piece;
    }
  }

  // Closing writes what is buffered, so that it can fail.
  void close() {
    errno = 0;
    const gzFile file = file_;
    file_ = nullptr;
    if (gzclose(file) != Z_OK) fail_to_write();
  }

 private:
  [[noreturn]] void fail_to_write() const {
    throw FileError(
        fmt::format("{}: cannot write: {}", path_.string(), io::system_message(errno != 0 ? errno : EIO)));
  }

  fs::path path_;
  gzFile file_ = nullptr;
};

// Removes a file that was not finished.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  void finish(const fs::path& as) {
    std::error_code error;
    fs::rename(path_, as, error);
    check<FileError>(!error, "{}: cannot write: {}", as.string(), error.message());
    path_.clear();
  }

 private:
  fs::path path_;
};

Shape read_header(GzFile& file, const std::string& path) {
  std::array<std::uint8_t, kMagicBytes> magic{};
  const Index got = file.read(magic.data(), kMagicBytes);
  check<FileError>(got == kMagicBytes, "{}: an IDX header of at least {} bytes expected, found {} bytes",
                   path, kMagicBytes, got);
  check<FileError>(
      magic[0] == 0 && magic[1] == 0 && magic[2] == kUnsignedByte,
      "{}: an IDX file of unsigned bytes expected (magic 00 00 08 and the rank), found {:02x} {:02x} "
      "{:02x} {:02x}",
      path, magic[0], magic[1], magic[2], magic[3]);
  const int rank = magic[3];
  check<FileError>(rank >= 1 && rank <= Shape::kMaxRank, "{}: an IDX rank of 1 to {} expected, found {}",
                   path, Shape::kMaxRank, rank);

  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rank) * 4);
  const Index got_extents = file.read(bytes.data(), static_cast<Index>(bytes.size()));
  check<FileError>(got_extents == static_cast<Index>(bytes.size()),
                   "{}: an IDX header of {} bytes expected for rank {}, found {} bytes", path,
                   kMagicBytes + static_cast<Index>(bytes.size()), rank, kMagicBytes + got_extents);
  std::vector<Index> extents;
  // What is left after dividing by each extent: the product must not exceed it. An extent of 0 makes the
  // product 0, but a product of the others that overflows is no sane file either.
  Index room = std::numeric_limits<Index>::max();
  bool fits = true;
  for (std::size_t i = 0; i < bytes.size(); i += 4) {
    const Index extent =
        Index{bytes[i]} << 24 | Index{bytes[i + 1]} << 16 | Index{bytes[i + 2]} << 8 | Index{bytes[i + 3]};
    extents.push_back(extent);
    fits = fits && extent <= room;
    room /= std::max<Index>(extent, 1);
  }
  check<FileError>(fits, "{}: the product of the extents [{}] overflows", path, fmt::join(extents, ","));
  return Shape(std::span<const Index>(extents));
}

// A file whose header has been read. Its elements are read in pieces, on any threads.
class IdxFile {
 public:
  explicit IdxFile(const fs::path& path) : name_(path.string()) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    check<FileError>(fs::exists(status), "{}: no such file", name_);
    check<FileError>(fs::is_regular_file(status), "{}: a regular file expected", name_);
    const auto file_size = static_cast<Index>(fs::file_size(path, error));
    check<FileError>(!error, "{}: cannot read: {}", name_, error.message());

    gz_.emplace(path, "rb");
    const Shape shape = read_header(*gz_, name_);
    header_ = kMagicBytes + 4 * shape.rank();
    // Before any memory is taken for the elements.
    if (gz_->compressed()) {
      check<FileError>(shape.numel() / kMaxInflation <= file_size,
                       "{}: {} elements expected from the extents {}, more than {} compressed bytes can hold",
                       name_, shape.numel(), shape, file_size);
    } else {
      if (file_size - header_ != shape.numel()) fail_for_size(shape, file_size - header_);
      plain_.emplace(path);
    }
    tensor_ = Tensor::empty(shape, DType::uint8);
  }

  const Tensor& tensor() const { return tensor_; }

  // Compressed data have no beginning but the first.
  Index pieces() const { return plain_ ? (tensor_.numel() + kPiece - 1) / kPiece : 1; }

  void read(Index piece) {
    auto* const elements = tensor_.data<std::uint8_t>();
    if (plain_) {
      const Index begin = piece * kPiece;
      const Index size = std::min(kPiece, tensor_.numel() - begin);
      plain_->read(static_cast<std::uint64_t>(header_ + begin),
                   std::as_writable_bytes(std::span(elements + begin, static_cast<std::size_t>(size))));
      return;
    }
    const Index got = gz_->read(elements, tensor_.numel());
    if (got < tensor_.numel()) fail_for_size(tensor_.shape(), got);
    // Asking for one more byte also makes zlib compare the checksum at the end.
    std::uint8_t more = 0;
    check<FileError>(gz_->read(&more, 1) == 0,
                     "{}: {} elements expected from the extents {}, found more bytes after them", name_,
                     tensor_.numel(), tensor_.shape());
  }

 private:
  [[noreturn]] void fail_for_size(const Shape& shape, Index found) const {
    throw FileError(
        fmt::format("{}: {} elements expected from the extents {}, found {} bytes after the header", name_,
                    shape.numel(), shape, found));
  }

  std::string name_;
  std::optional<GzFile> gz_;
  std::optional<io::InputFile> plain_;
  Index header_ = 0;
  Tensor tensor_;
};

}  // namespace

std::vector<Tensor> read_idx_files(const std::vector<fs::path>& paths) {
  std::vector<std::unique_ptr<IdxFile>> files;
  std::vector<std::pair<IdxFile*, Index>> pieces;
  for (const fs::path& path : paths) {
    files.push_back(std::make_unique<IdxFile>(path));
    for (Index i = 0; i < files.back()->pieces(); ++i) pieces.emplace_back(files.back().get(), i);
  }
  parallel_for(static_cast<Index>(pieces.size()), 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const auto& [file, piece] = pieces[static_cast<std::size_t>(i)];
      file->read(piece);
    }
  });
  std::vector<Tensor> tensors;
  for (const auto& file : files) tensors.push_back(file->tensor());
  return tensors;
}

Tensor read_idx(const fs::path& path) { return read_idx_files({path}).front(); }

void write_idx(const fs::path& path, const Tensor& tensor) {
  check<DTypeError>(tensor.dtype() == DType::uint8, "[write_idx] {}: uint8 elements expected, found {}",
                    path.string(), name_of(tensor.dtype()));
  check<ShapeError>(tensor.rank() >= 1, "[write_idx] {}: a tensor of rank 1 or more expected, found {}",
                    path.string(), tensor.shape());
  std::vector<std::uint8_t> header{0, 0, kUnsignedByte, static_cast<std::uint8_t>(tensor.rank())};
  for (const Index extent : tensor.shape()) {
    check<ShapeError>(extent <= std::numeric_limits<std::uint32_t>::max(),
                      "[write_idx] {}: extents below 2^32 expected, found {}", path.string(), tensor.shape());
    for (const int shift : {24, 16, 8, 0}) header.push_back(static_cast<std::uint8_t>(extent >> shift));
  }
  fs::path partial = path;
  partial += ".partial";
  Unfinished unfinished(partial);
  GzFile file(partial, path.extension() == ".gz" ? "wb" : "wbT");
  file.write(header.data(), static_cast<Index>(header.size()));
  file.write(tensor.data<std::uint8_t>(), tensor.numel());
  file.close();
  unfinished.finish(path);
}

}  // namespace keel::data
