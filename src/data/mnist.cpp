#include "keel/data/mnist.h"

#include <algorithm>
#include <array>
#include <string>
#include <system_error>
#include <vector>

#include "keel/core/error.h"
#include "keel/data/idx.h"

namespace keel::data {
namespace {

namespace fs = std::filesystem;

struct Part {
  fs::path images_path;
  fs::path labels_path;
  Tensor images;  // uint8 [N,H,W] or [N,H,W,C]
  Tensor labels;  // int32 [N]
};

// `stem` is "train-images", `ending` "idx3-ubyte".
fs::path find_file(const fs::path& directory, const std::string& stem, const std::string& ending) {
  std::vector<std::string> names;
  for (const char* suffix : {"", ".gz"}) {
    for (const char* joint : {"-", "."}) names.push_back(stem + joint + ending + suffix);
  }
  for (const std::string& name : names) {
    std::error_code error;
    if (fs::exists(directory / name, error)) return directory / name;
  }
  throw FileError(
      fmt::format("{}: found none of {}; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic",
                  directory.string(), fmt::join(names, ", ")));
}

Part find_part(const fs::path& directory, const std::string& prefix) {
  return {.images_path = find_file(directory, prefix + "-images", "idx3-ubyte"),
          .labels_path = find_file(directory, prefix + "-labels", "idx1-ubyte"),
          .images = {},
          .labels = {}};
}

void fill_part(Part& part, const Tensor& images, const Tensor& labels) {
  check<FileError>(images.rank() == 3 || images.rank() == 4,
                   "{}: images [N,H,W] or [N,H,W,C] expected, found {}", part.images_path.string(),
                   images.shape());
  check<FileError>(labels.rank() == 1, "{}: labels [N] expected, found {}", part.labels_path.string(),
                   labels.shape());
  check<FileError>(images.size(0) == labels.size(0), "{} has {} images, but {} has {} labels",
                   part.images_path.string(), images.size(0), part.labels_path.string(), labels.size(0));
  check<FileError>(images.numel() > 0, "{}: at least one image expected, found {}", part.images_path.string(),
                   images.shape());
  part.images = images;
  part.labels = labels.to(DType::int32);
}

DatasetPtr make_dataset(const Part& part, Index num_classes, const char* kind, const fs::path& directory) {
  return std::make_shared<ImageDataset>(
      ImageDatasetOptions{.images = part.images,
                          .labels = part.labels,
                          .num_classes = num_classes,
                          .description = fmt::format("MNIST-format {} set, {} examples from {}", kind,
                                                     part.images.size(0), directory.string())});
}

// Labels that skip most classes are damaged, or not labels at all: one stray 200 among digits would otherwise
// make a network of 201 outputs. (Some sets in this format do start at 1, or leave a class out.)
void check_classes(const Part& train, Index num_classes) {
  const auto labels = train.labels.values<std::int32_t>();
  std::vector<bool> seen(static_cast<std::size_t>(num_classes));
  for (const std::int32_t label : labels) seen[static_cast<std::size_t>(label)] = true;
  const Index empty = std::count(seen.begin(), seen.end(), false);
  const auto largest = std::max_element(labels.begin(), labels.end());
  check<FileError>(
      2 * empty <= num_classes,
      "{}: labels of which most occur expected, found {} at index {} and no example of {} smaller ones",
      train.labels_path.string(), *largest, largest - labels.begin(), empty);
}

}  // namespace

TrainTest load_mnist_format(const fs::path& directory) {
  std::error_code error;
  check<FileError>(!fs::exists(directory, error) || fs::is_directory(directory, error),
                   "{}: a directory expected, found a file", directory.string());
  check<FileError>(fs::is_directory(directory, error),
                   "{}: no such directory; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic",
                   directory.string());
  Part train = find_part(directory, "train"), test = find_part(directory, "t10k");
  // The largest file first: the others are read while it is decompressed.
  const std::vector<Tensor> contents =
      read_idx_files({train.images_path, train.labels_path, test.images_path, test.labels_path});
  fill_part(train, contents[0], contents[1]);
  fill_part(test, contents[2], contents[3]);
  check<FileError>(test.images.shape().with(0, 1) == train.images.shape().with(0, 1),
                   "{} has images {}, but {} has {}: all must be of one size", train.images_path.string(),
                   train.images.shape(), test.images_path.string(), test.images.shape());
  const auto labels = train.labels.values<std::int32_t>();
  const Index num_classes = std::max<Index>(2, *std::max_element(labels.begin(), labels.end()) + Index{1});
  check_classes(train, num_classes);
  return {make_dataset(train, num_classes, "training", directory),
          make_dataset(test, num_classes, "test", directory)};
}

bool is_official_mnist(const TrainTest& sets) {
  // Of the files whose SHA-256 are in data/checksums.sha256.
  return sets.train->fingerprint() == "a38b64af" && sets.test->fingerprint() == "344fd944";
}

}  // namespace keel::data
