// keel-predict: what a trained model takes images for.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "keel/core/parallel.h"
#include "keel/data/dataset.h"
#include "keel/data/image_file.h"
#include "keel/nn/context.h"
#include "keel/ops/softmax.h"
#include "support/command_line.h"
#include "support/image_input.h"
#include "support/threads_option.h"
#include "support/trained_model.h"

namespace {

using namespace keel;
using apps::CommandLine;
namespace fs = std::filesystem;

constexpr std::size_t kBatch = 64;

void declare(CommandLine& command) {
  apps::add_trained_model(command);
  command.add_positional("IMAGE", "PNG or JPEG files", 1, std::numeric_limits<std::size_t>::max());
  command.add_number("top", "K", "3", "How many of the most likely classes to print; 0: all");
  command.add("format", "FORMAT", "text",
              "text: a line for each image; csv: all probabilities, in the order of classes; or json");
  apps::ImageInput::add_options(command);
  command.add("save-prepared", "DIR", "",
              "Write what the model was shown to DIR/IMAGE.png, for a look at it");
  apps::add_threads(command);
}

// Images whose turn it is, in the order of the command line.
struct Batch {
  std::vector<std::string> paths;
  std::vector<Tensor> images;  // undefined where there is a problem
  std::vector<std::string> problems;
};

Batch read_batch(const std::vector<std::string>& paths, std::size_t begin, const apps::ImageInput& input) {
  const std::size_t end = std::min(paths.size(), begin + kBatch);
  Batch batch{
      {paths.begin() + static_cast<std::ptrdiff_t>(begin), paths.begin() + static_cast<std::ptrdiff_t>(end)},
      std::vector<Tensor>(end - begin),
      std::vector<std::string>(end - begin)};
  parallel_for(static_cast<Index>(end - begin), 1, [&](Index first, Index last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      try {
        batch.images[i] = input.read(batch.paths[i]);
      } catch (const FileError& error) {
        batch.problems[i] = error.what();
      }
    }
  });
  return batch;
}

// A row of probabilities for each image that could be read, in their order.
Tensor probabilities_of(const Batch& batch, const apps::TrainedModel& trained) {
  std::vector<std::uint8_t> pixels;
  Index count = 0;
  for (const Tensor& image : batch.images) {
    if (!image.defined()) continue;
    const auto values = image.values<std::uint8_t>();
    pixels.insert(pixels.end(), values.begin(), values.end());
    ++count;
  }
  if (count == 0) return {};
  const Shape& input = trained.input;
  const NoGrad no_grad;
  nn::Context context(nn::Mode::evaluation);
  const Tensor inputs = data::inputs_of(Tensor::from({count, input[0], input[1], input[2]}, pixels));
  return softmax(trained.model->forward(Variable(inputs), context)).value();
}

// Classes, the most likely first; of equals, the first.
std::vector<std::size_t> ranking_of(std::span<const float> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  return order;
}

// As RFC 4180 has it.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

// Prints predictions in one of the formats.
class Printer {
 public:
  Printer(const CommandLine& command, const apps::TrainedModel& trained)
      : format_(command.choice("format", {"text", "csv", "json"})),
        top_(static_cast<std::size_t>(command.integer("top", 0))),
        trained_(trained) {
    const std::size_t classes = trained.class_names.size();
    top_ = top_ == 0 ? classes : std::min(top_, classes);
  }

  void begin() const {
    if (format_ == "text") fmt::print("{}\n", trained_.title());
    if (format_ != "csv") return;
    fmt::print("image,class");
    for (const std::string& name : trained_.class_names) fmt::print(",{}", csv_field("p(" + name + ")"));
    fmt::print("\n");
  }

  void print(const std::string& path, std::span<const float> probabilities) const {
    const std::vector<std::size_t> order = ranking_of(probabilities);
    const auto& names = trained_.class_names;
    if (format_ == "text") {
      std::vector<std::string> likely;
      for (std::size_t i = 0; i < top_; ++i) {
        likely.push_back(fmt::format("{} ({:.2f} %)", names[order[i]], 100 * probabilities[order[i]]));
      }
      fmt::print("{}: {}\n", path, fmt::join(likely, ", "));
    } else if (format_ == "csv") {
      fmt::print("{},{},{}\n", csv_field(path), csv_field(names[order[0]]), fmt::join(probabilities, ","));
    } else {
      nlohmann::ordered_json record = {{"image", path}, {"class", names[order[0]]}};
      for (std::size_t i = 0; i < top_; ++i) {
        record["top"].push_back({{"class", names[order[i]]}, {"probability", probabilities[order[i]]}});
      }
      // A file's name may be any bytes.
      fmt::print("{}\n", record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    }
  }

 private:
  std::string format_;
  std::size_t top_;
  const apps::TrainedModel& trained_;
};

void save_prepared(const fs::path& directory, const Batch& batch, std::size_t begin) {
  for (std::size_t i = 0; i < batch.images.size(); ++i) {
    if (!batch.images[i].defined()) continue;
    const std::string name =
        fmt::format("{:04}_{}.png", begin + i + 1, fs::path(batch.paths[i]).stem().string());
    data::write_png(directory / name, batch.images[i]);
  }
}

int run(int argc, char** argv) {
  CommandLine command("keel-predict",
                      "Says what a trained model takes images for: the most likely classes, with\n"
                      "probabilities.\n");
  declare(command);
  if (!command.parse(argc, argv)) return 0;
  apps::use_threads(command);
  const apps::TrainedModel trained = apps::load_trained_model(command);
  const apps::ImageInput input(command, trained);
  const Printer printer(command, trained);
  const fs::path save_to = command.text("save-prepared");
  if (!save_to.empty()) {
    std::error_code error;
    fs::create_directories(save_to, error);
    check<FileError>(!error, "--save-prepared {}: cannot make directory: {}", save_to.string(),
                     error.message());
  }

  const std::vector<std::string>& paths = command.positional("IMAGE");
  bool all_read = true;
  printer.begin();
  for (std::size_t begin = 0; begin < paths.size(); begin += kBatch) {
    const Batch batch = read_batch(paths, begin, input);
    const Tensor probabilities = probabilities_of(batch, trained);
    if (!save_to.empty()) save_prepared(save_to, batch, begin);
    Index row = 0;
    for (std::size_t i = 0; i < batch.paths.size(); ++i) {
      if (batch.images[i].defined()) {
        printer.print(batch.paths[i], probabilities.rows(row, row + 1).values<float>());
        ++row;
      } else {
        // In turn with the lines of the others, where both go to one place.
        std::fflush(stdout);
        fmt::print(stderr, "error: {}\n", batch.problems[i]);
        all_read = false;
      }
    }
    std::fflush(stdout);
  }
  return all_read ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return keel::apps::run_program([&] { return run(argc, argv); });
}
