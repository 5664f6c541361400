#include "image_codec.h"

#include <cstdlib>
#include <new>

namespace {

// What the image that is being decoded on this thread may still take.
thread_local std::size_t memory_left = 0;

bool take(std::size_t size) {
  if (size > memory_left) return false;
  memory_left -= size;
  return true;
}

// Zeros: tables that a damaged file uses without having defined them hold the same on every run.
void* limited_malloc(std::size_t size) { return take(size) ? std::calloc(size, 1) : nullptr; }

void* limited_realloc(void* old, std::size_t size) { return take(size) ? std::realloc(old, size) : nullptr; }

}  // namespace

#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(old, size) limited_realloc(old, size)
#define STBI_FREE(old) std::free(old)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 16384
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>

#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

namespace keel::data {
namespace {

const stbi_uc* data_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const stbi_uc*>(bytes.data());
}

}  // namespace

void FreePixels::operator()(unsigned char* pixels) const { stbi_image_free(pixels); }

DecodedImage decode_pixels(std::span<const std::byte> bytes, std::size_t memory) {
  memory_left = memory;
  int width = 0, height = 0, channels = 0;
  DecodedImage image;
  image.pixels.reset(
      stbi_load_from_memory(data_of(bytes), static_cast<int>(bytes.size()), &width, &height, &channels, 0));
  if (image.pixels == nullptr) image.problem = stbi_failure_reason();
  image.height = height;
  image.width = width;
  image.channels = channels;
  return image;
}

Index channels_of_image(std::span<const std::byte> bytes) {
  constexpr std::size_t kMemory = 1 << 20;
  memory_left = kMemory;
  int width = 0, height = 0, channels = 0;
  const int known =
      stbi_info_from_memory(data_of(bytes), static_cast<int>(bytes.size()), &width, &height, &channels);
  return known != 0 ? channels : 0;
}

std::vector<std::byte> encode_png(const unsigned char* pixels, Index height, Index width, Index channels) {
  int size = 0;
  const int row = static_cast<int>(width * channels);
  const std::unique_ptr<unsigned char, FreePixels> encoded(stbi_write_png_to_mem(
      pixels, row, static_cast<int>(width), static_cast<int>(height), static_cast<int>(channels), &size));
  if (encoded == nullptr) throw std::bad_alloc();
  const auto* const first = reinterpret_cast<const std::byte*>(encoded.get());
  return {first, first + size};
}

}  // namespace keel::data
