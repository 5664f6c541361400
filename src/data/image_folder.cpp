#include "keel/data/image_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"
#include "keel/core/rng.h"
#include "keel/data/image_transform.h"

namespace keel::data {
namespace {

namespace fs = std::filesystem;

// A folder of classes whose files have been listed.
struct Part {
  fs::path directory;
  std::vector<std::string> classes;
  std::vector<fs::path> files;  // those of a class together, in order of path
  std::vector<std::int32_t> labels;
};

// What all images are brought to.
struct Format {
  ImageSize size;
  Index channels = 0;
};

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

// Image files by their name; others are none of ours.   throws: FileError if it is of a format not read here
bool is_image_name(const fs::path& path) {
  constexpr std::array<std::string_view, 3> kRead = {".png", ".jpg", ".jpeg"};
  constexpr std::array<std::string_view, 11> kOther = {".bmp", ".gif", ".tif",  ".tiff", ".webp", ".ppm",
                                                       ".pgm", ".pbm", ".heic", ".avif", ".jp2"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  check<FileError>(std::find(kOther.begin(), kOther.end(), ending) == kOther.end(),
                   "{}: a PNG or JPEG image expected, found {}", path.string(), ending);
  return std::find(kRead.begin(), kRead.end(), ending) != kRead.end();
}

// Names of the folders in a directory, in order of their bytes.
std::vector<std::string> folders_in(const fs::path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (!is_hidden(entry->path()) && entry->is_directory(ignored)) {
      names.push_back(entry->path().filename().string());
    }
  }
  check<FileError>(!error, "{}: cannot read: {}", directory.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

// Symbolic links are followed, to each folder once: they may lead in circles.
std::vector<fs::path> images_below(const fs::path& directory) {
  std::vector<fs::path> files;
  std::set<fs::path> folders;
  const auto add_folder = [&](const fs::path& path) {
    std::error_code ignored;
    check<FileError>(
        folders.insert(fs::canonical(path, ignored)).second,
        "{}: a link to a folder of other images expected, found one whose images are there already",
        path.string());
  };
  add_folder(directory);
  std::error_code error;
  fs::recursive_directory_iterator entry(directory, fs::directory_options::follow_directory_symlink, error);
  for (const fs::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (entry->is_directory(ignored)) {
      add_folder(entry->path());
    } else if (is_image_name(entry->path())) {
      files.push_back(entry->path());
    }
  }
  check<FileError>(!error, "{}: cannot read: {}", directory.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

// `classes`: those known, of which this part may have some; empty: they are the folders of this part.
Part list_part(const fs::path& directory, const std::vector<std::string>& classes = {}) {
  const std::vector<std::string> folders = folders_in(directory);
  Part part{
      .directory = directory, .classes = classes.empty() ? folders : classes, .files = {}, .labels = {}};
  check<FileError>(part.classes.size() >= 2, "{}: folders of at least 2 classes expected, found {}",
                   directory.string(), fmt::join(folders, ", "));
  for (const std::string& name : folders) {
    check<FileError>(is_printable_utf8(name),
                     "{}: a class's name in UTF-8 without control characters expected",
                     (directory / name).string());
    const auto found = std::find(part.classes.begin(), part.classes.end(), name);
    check<FileError>(found != part.classes.end(), "{}: one of the classes {} expected, found another",
                     (directory / name).string(), fmt::join(part.classes, ", "));
    const std::vector<fs::path> files = images_below(directory / name);
    check<FileError>(!files.empty(), "{}: at least one image (.png, .jpg, .jpeg) expected, found none",
                     (directory / name).string());
    part.files.insert(part.files.end(), files.begin(), files.end());
    part.labels.resize(part.files.size(), static_cast<std::int32_t>(found - part.classes.begin()));
  }
  check<FileError>(!part.files.empty(), "{}: folders of the classes {} expected, found none",
                   directory.string(), fmt::join(part.classes, ", "));
  return part;
}

// Calls body(i) for all files, and throws what was wrong with the first, and with how many.
void for_each_file(std::size_t count, const std::function<void(std::size_t)>& body) {
  std::vector<std::string> problems(count);
  parallel_for(static_cast<Index>(count), 1, [&](Index begin, Index end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      try {
        body(i);
      } catch (const FileError& error) {
        problems[i] = error.what();
      }
    }
  });
  const auto bad = [](const std::string& problem) { return !problem.empty(); };
  const auto first = std::find_if(problems.begin(), problems.end(), bad);
  if (first == problems.end()) return;
  const auto more = std::count_if(first + 1, problems.end(), bad);
  throw FileError(more == 0 ? *first
                            : fmt::format("{} (and {} more {})", *first, more,
                                          more == 1 ? "file cannot be used" : "files cannot be used"));
}

Format format_of(const std::vector<Part>& parts, const ImageFolderOptions& options) {
  std::vector<const fs::path*> files;
  for (const Part& part : parts) {
    for (const fs::path& file : part.files) files.push_back(&file);
  }
  std::vector<ImageHeader> headers(files.size());
  for_each_file(files.size(), [&](std::size_t i) { headers[i] = read_image_header(*files[i]); });
  Format format{.size = options.resize.value_or(ImageSize{headers[0].height, headers[0].width}),
                .channels = 1};
  if (!options.resize) {
    for_each_file(files.size(), [&](std::size_t i) {
      check<FileError>(
          headers[i].height == format.size.height && headers[i].width == format.size.width,
          "{}: an image of {}x{} (height x width) as {} expected, found {}x{}; resizing makes them equal",
          files[i]->string(), format.size.height, format.size.width, files[0]->string(), headers[i].height,
          headers[i].width);
    });
  }
  const bool color =
      options.channels == ImageChannels::color ||
      (options.channels == ImageChannels::as_stored &&
       std::any_of(headers.begin(), headers.end(), [](const auto& h) { return h.channels == 3; }));
  if (color) format.channels = 3;
  return format;
}

// The files of each class shuffled, and the classes spread evenly.
std::vector<std::size_t> mixed_order(const Part& part) {
  struct Place {
    double position;
    std::int32_t label;
    std::size_t file;
  };
  std::vector<Place> places;
  for (std::size_t begin = 0; begin < part.files.size();) {
    const std::int32_t label = part.labels[begin];
    const std::size_t end = static_cast<std::size_t>(
        std::upper_bound(part.labels.begin() + static_cast<std::ptrdiff_t>(begin), part.labels.end(), label) -
        part.labels.begin());
    std::vector<std::int32_t> order(end - begin);
    std::iota(order.begin(), order.end(), 0);
    Rng rng = Rng(0, Stream::data).substream(static_cast<std::uint64_t>(label));
    rng.shuffle(order);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double position = (static_cast<double>(i) + 0.5) / static_cast<double>(order.size());
      places.push_back({position, label, begin + static_cast<std::size_t>(order[i])});
    }
    begin = end;
  }
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.position < b.position; });
  std::vector<std::size_t> files;
  for (const Place& place : places) files.push_back(place.file);
  return files;
}

std::shared_ptr<const ImageDataset> read_part(const Part& part, const Format& format, const char* kind) {
  const auto count = static_cast<Index>(part.files.size());
  const Index height = format.size.height, width = format.size.width;
  Tensor images = Tensor::empty({count, height, width, format.channels}, DType::uint8);
  Tensor labels = Tensor::empty({count}, DType::int32);
  const ImageChannels channels = format.channels == 1 ? ImageChannels::gray : ImageChannels::color;
  const std::vector<std::size_t> order = mixed_order(part);
  std::vector<Index> place_of(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place_of[order[i]] = static_cast<Index>(i);
  const Index size = height * width * format.channels;
  for_each_file(part.files.size(), [&](std::size_t i) {
    const Tensor image = resize_image(read_image(part.files[i], channels), height, width);
    std::copy_n(image.data<std::uint8_t>(), size, images.data<std::uint8_t>() + place_of[i] * size);
    labels.data<std::int32_t>()[place_of[i]] = part.labels[i];
  });
  return std::make_shared<ImageDataset>(ImageDatasetOptions{
      .images = images,
      .labels = labels,
      .num_classes = static_cast<Index>(part.classes.size()),
      .description = fmt::format("image folder{}, {} examples from {}", kind, count, part.directory.string()),
      .class_names = part.classes});
}

// The first of the folders of these names that a directory has, if any.
std::optional<fs::path> folder_named(const fs::path& directory, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    std::error_code error;
    if (fs::is_directory(directory / name, error)) return directory / name;
  }
  return std::nullopt;
}

struct PartFolders {
  std::optional<fs::path> train, validation, test;
  bool complete() const { return train && (validation || test); }
};

PartFolders part_folders(const fs::path& directory) {
  return {.train = folder_named(directory, {"train", "training"}),
          .validation = folder_named(directory, {"val", "valid", "validation"}),
          .test = folder_named(directory, {"test", "testing"})};
}

}  // namespace

std::shared_ptr<const ImageDataset> load_image_folder(const fs::path& directory,
                                                      const ImageFolderOptions& options) {
  const Part part = list_part(directory, options.classes);
  return read_part(part, format_of({part}, options), "");
}

TrainTest load_image_folders(const fs::path& directory, const ImageFolderOptions& options) {
  const PartFolders folders = part_folders(directory);
  if (!folders.complete()) {
    const auto [train, test] = split_last(load_image_folder(directory, options), options.test_fraction);
    return {.train = train, .test = test};
  }
  std::vector<Part> parts = {list_part(*folders.train, options.classes)};
  const bool both = folders.validation && folders.test;
  parts.push_back(list_part(folders.test ? *folders.test : *folders.validation, parts[0].classes));
  if (both) parts.push_back(list_part(*folders.validation, parts[0].classes));
  const Format format = format_of(parts, options);
  return {.train = read_part(parts[0], format, " of the training set"),
          .test = read_part(parts[1], format, " of the test set"),
          .validation = both ? read_part(parts[2], format, " of the validation set") : nullptr};
}

bool is_image_folder(const fs::path& directory) { return !folders_in(directory).empty(); }

}  // namespace keel::data
