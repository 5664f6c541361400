// What the tests of this folder share: files of given bytes, and the text of an error.
#pragma once

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "keel/data/dataset.h"
#include "support/temporary_directory.h"

namespace keel::data::testing {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

using keel::testing::TemporaryDirectory;

inline void write_bytes(const fs::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline Bytes read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

inline void write_gzip(const fs::path& path, const Bytes& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

// The message of the E that f throws; a test failure if it throws nothing or something else.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    std::forward<F>(f)();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another type of error: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// n examples of 2x3 pixels and 3 classes: pixel p of example i is 6 i + p (mod 256), its label i mod 3.
inline std::shared_ptr<ImageDataset> counting_dataset(Index n) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(n * 6));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 3);
  return std::make_shared<ImageDataset>(ImageDatasetOptions{.images = Tensor::from({n, 2, 3}, pixels),
                                                            .labels = Tensor::from({n}, labels),
                                                            .num_classes = 3,
                                                            .description = "counting"});
}

// The index of each example of a batch taken from counting_dataset(n), n <= 42 (so that 6 n <= 256).
inline std::vector<int> examples_of(const Batch& batch) {
  std::vector<int> result;
  for (Index i = 0; i < batch.inputs.size(0); ++i) {
    result.push_back(static_cast<int>(std::lround(batch.inputs.at({i, 0, 0, 0}) * 255)) / 6);
  }
  return result;
}

}  // namespace keel::data::testing
