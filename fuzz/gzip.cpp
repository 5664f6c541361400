// The reader of IDX files behind a compressor: an input that is not compressed itself is read as it is and
// compressed, and both readings must agree. So a fuzzer reaches what lies behind gzip's checksum.
#include <zlib.h>

#include <cstring>
#include <optional>
#include <vector>

#include "keel/core/error.h"
#include "keel/data/idx.h"
#include "support/memory_file.h"
#include "support/target.h"

namespace {

constexpr std::uint8_t kGzipMagic = 0x1f;

using keel::fuzz::expect;

std::optional<keel::Tensor> read(const std::uint8_t* data, std::size_t size) {
  const keel::fuzz::MemoryFile file(data, size);
  try {
    return keel::data::read_idx(file.path());
  } catch (const keel::FileError&) {
    return std::nullopt;
  }
}

std::vector<std::uint8_t> compressed(const std::uint8_t* data, std::size_t size) {
  z_stream stream = {};
  constexpr int kGzip = MAX_WBITS + 16;
  expect(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzip, 1, Z_DEFAULT_STRATEGY) == Z_OK,
         "zlib has memory");
  std::vector<std::uint8_t> result(deflateBound(&stream, size));
  // zlib takes no null pointer for nothing.
  const std::uint8_t nothing = 0;
  stream.next_in = const_cast<Bytef*>(size > 0 ? data : &nothing);
  stream.avail_in = static_cast<unsigned>(size);
  stream.next_out = result.data();
  stream.avail_out = static_cast<unsigned>(result.size());
  expect(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib compresses anything");
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::optional<keel::Tensor> plain = read(data, size);
  if (size > 0 && data[0] == kGzipMagic) return 0;
  const std::vector<std::uint8_t> gzip = compressed(data, size);
  const std::optional<keel::Tensor> unpacked = read(gzip.data(), gzip.size());
  expect(plain.has_value() == unpacked.has_value(), "compressing a file does not change whether it is read");
  if (!plain) return 0;
  expect(plain->shape() == unpacked->shape(), "compressing a file does not change its shape");
  expect(plain->numel() == 0 || std::memcmp(plain->bytes(), unpacked->bytes(), plain->num_bytes()) == 0,
         "compressing a file does not change its elements");
  return 0;
}
