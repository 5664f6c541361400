// The table that a run of keel-mnist-bn ends with.
#include <algorithm>

#include "support/figures.h"
#include "support/mnist_bn_experiment.h"

namespace keel::apps {
namespace {

constexpr int kLabel = 38, kColumn = 10;
constexpr std::size_t kMostColumns = 4;  // in 80 characters

// Some of the arms, side by side.
std::string block(const std::string& title, std::span<const ArmResult> results, bool side_by_side) {
  std::vector<std::optional<LogFigures>> figures;
  std::string text = fmt::format("{:<{}}", title.substr(0, kLabel - 1), kLabel);
  for (const ArmResult& result : results) {
    figures.push_back(result.finished() ? std::optional(figures_of(result.log)) : std::nullopt);
    text += fmt::format("{:>{}}", result.title, kColumn);
  }
  text += '\n';
  const auto row = [&](const std::string& label, const auto& cell) {
    text += fmt::format("{:<{}}", label, kLabel);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const std::string unfinished = results[i].diverged.empty() ? "failed" : "diverged";
      text += fmt::format("{:>{}}", figures[i] ? cell(*figures[i], results[i]) : unfinished, kColumn);
    }
    text += '\n';
  };
  const auto loss = [&](const char* label, double LogFigures::*figure) {
    row(label, [=](const LogFigures& f, const ArmResult&) { return loss_in_words(f.*figure); });
  };
  const auto accuracy = [&](const char* label, double LogFigures::*figure) {
    row(label,
        [=](const LogFigures& f, const ArmResult&) { return fmt::format("{:.2f} %", 100 * f.*figure); });
  };
  loss("training loss, last epoch", &LogFigures::final_train_loss);
  loss("validation loss, last epoch", &LogFigures::final_val_loss);
  loss("validation loss, best", &LogFigures::best_val_loss);
  accuracy("validation accuracy, last epoch", &LogFigures::final_val_accuracy);
  accuracy("validation accuracy, best", &LogFigures::best_val_accuracy);
  row("test accuracy",
      [](const LogFigures&, const ArmResult& r) { return fmt::format("{:.2f} %", 100 * r.test.accuracy()); });
  row(fmt::format("epochs until {:.0f} % validation accuracy", 100 * kTargetAccuracy),
      [](const LogFigures& f, const ArmResult&) {
        return f.epochs_to_target ? std::to_string(*f.epochs_to_target) : std::string("never");
      });
  row(side_by_side ? "seconds per epoch, side by side" : "seconds per epoch (median)",
      [](const LogFigures& f, const ArmResult&) { return fmt::format("{:.2f}", f.seconds_per_epoch); });
  text += fmt::format("{:<{}}", "parameters", kLabel);
  for (const ArmResult& result : results) text += fmt::format("{:>{}}", result.parameters, kColumn);
  return text + '\n';
}

}  // namespace

std::string results_table(const std::string& title, std::span<const ArmResult> results, bool side_by_side) {
  const std::size_t blocks = (results.size() + kMostColumns - 1) / kMostColumns;
  std::string text;
  for (std::size_t i = 0; i < blocks; ++i) {
    // As even as can be.
    const std::size_t first = i * results.size() / blocks, last = (i + 1) * results.size() / blocks;
    if (i > 0) text += '\n';
    text += block(title, results.subspan(first, last - first), side_by_side);
  }
  return text;
}

}  // namespace keel::apps
