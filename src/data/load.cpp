#include "keel/data/load.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "keel/core/error.h"
#include "keel/data/mnist.h"

namespace keel::data {
namespace {

namespace fs = std::filesystem;

bool has_mnist_files(const fs::path& directory) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, error)) {
    const std::string name = entry.path().filename().string();
    for (const char* prefix : {"train-images", "train-labels", "t10k-images", "t10k-labels"}) {
      if (name.starts_with(prefix)) return true;
    }
  }
  return false;
}

}  // namespace

DataKind kind_of_data_set(const std::string& source) {
  if (source == "synthetic") return DataKind::synthetic;
  std::error_code error;
  check<FileError>(fs::exists(source, error),
                   "{}: no such directory; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic",
                   source);
  check<FileError>(fs::is_directory(source, error), "{}: a directory expected, found a file", source);
  if (has_mnist_files(source)) return DataKind::mnist_format;
  if (is_image_folder(source)) return DataKind::image_folder;
  throw FileError(fmt::format(
      "{}: files in MNIST's format (train-images-idx3-ubyte and three more) or one folder of images a "
      "class expected, found neither; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic",
      source));
}

TrainTest load_data_set(const std::string& source, const LoadOptions& options) {
  switch (kind_of_data_set(source)) {
    case DataKind::synthetic:
      return synthetic_digits_sets(options.synthetic);
    case DataKind::mnist_format:
      return load_mnist_format(source);
    case DataKind::image_folder:
      break;
  }
  return load_image_folders(source, options.image_folder);
}

std::string name_of_data_set(const std::string& source, const TrainTest& sets) {
  if (source == "synthetic") return source;
  if (is_official_mnist(sets)) return "mnist";
  return fs::weakly_canonical(source).filename().string();
}

}  // namespace keel::data
