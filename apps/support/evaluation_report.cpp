#include "support/evaluation_report.h"

#include <algorithm>
#include <cmath>

namespace keel::apps {

using nlohmann::ordered_json;
using train::ConfusionMatrix;

namespace {

constexpr std::size_t kColumns = 100, kLongestName = 20;

// Characters, of which a byte that continues one in UTF-8 is no other.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// At most `most` characters of it, the last of which says that there were more.
std::string shortened(const std::string& text, std::size_t most) {
  if (width_of(text) <= most) return text;
  std::string start;
  std::size_t characters = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80 && ++characters == most) break;
    start += c;
  }
  return start + "~";
}

std::string left(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, width_of(text)), ' ') + text;
}

std::string percent(double share) { return std::isnan(share) ? "-" : fmt::format("{:.2f} %", 100 * share); }

std::size_t widest(const std::vector<std::string>& texts) {
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, width_of(text));
  return width;
}

std::string line_of(const std::string& name, std::size_t name_width, double precision, double recall,
                    double f1, Index support) {
  return fmt::format("{}{}{}{}{:>10}\n", left(name, name_width), right(percent(precision), 12),
                     right(percent(recall), 12), right(percent(f1), 12), support);
}

std::string class_table(const ConfusionMatrix& confusion, const std::vector<std::string>& names) {
  constexpr const char* kMean = "mean of classes";
  const std::size_t width = std::max(widest(names), width_of(kMean));
  std::string text = fmt::format("{}{:>12}{:>12}{:>12}{:>10}\n", left("class", width), "precision", "recall",
                                 "F1", "examples");
  for (Index k = 0; k < confusion.classes(); ++k) {
    text += line_of(names[static_cast<std::size_t>(k)], width, confusion.precision(k), confusion.recall(k),
                    confusion.f1(k), confusion.support(k));
  }
  const ConfusionMatrix::Means means = confusion.macro();
  return text + line_of(kMean, width, means.precision, means.recall, means.f1, confusion.examples());
}

std::string matrix_table(const ConfusionMatrix& confusion, const std::vector<std::string>& names,
                         std::size_t name_width, std::size_t cell_width) {
  std::string text = "confusion matrix: a row for each true class, a column for each predicted one\n";
  text += std::string(name_width, ' ');
  for (const std::string& name : names) text += right(name, cell_width);
  text += '\n';
  for (Index actual = 0; actual < confusion.classes(); ++actual) {
    text += left(names[static_cast<std::size_t>(actual)], name_width);
    for (Index predicted = 0; predicted < confusion.classes(); ++predicted) {
      text += right(std::to_string(confusion.count(actual, predicted)), cell_width);
    }
    text += '\n';
  }
  return text;
}

std::string confused_pairs(const ConfusionMatrix& confusion, const std::vector<std::string>& names) {
  constexpr Index kPairs = 10;
  const std::vector<ConfusionMatrix::Confusion> pairs = confusion.most_frequent(kPairs);
  if (pairs.empty()) return "no class was taken for another\n";
  std::string text = "confused most, of the true class with the predicted one\n";
  for (const ConfusionMatrix::Confusion& pair : pairs) {
    text += fmt::format("{} with {}: {} of {}\n", names[static_cast<std::size_t>(pair.actual)],
                        names[static_cast<std::size_t>(pair.predicted)], pair.count,
                        confusion.support(pair.actual));
  }
  return text;
}

ordered_json number(double value) { return std::isnan(value) ? ordered_json(nullptr) : ordered_json(value); }

}  // namespace

std::string evaluation_text(const train::Metrics& metrics, const ConfusionMatrix& confusion,
                            const std::vector<std::string>& class_names) {
  std::vector<std::string> names;
  for (const std::string& name : class_names) names.push_back(shortened(name, kLongestName));
  std::string text =
      fmt::format("loss      {:.4f}\naccuracy  {}\n\n", metrics.loss(), percent(metrics.accuracy()));
  text += class_table(confusion, names) + '\n';
  const std::size_t name_width = widest(names);
  const std::size_t digits = std::to_string(confusion.examples()).size();
  const std::size_t cell_width = std::max({name_width, digits, std::size_t{4}}) + 2;
  const bool fits = name_width + names.size() * cell_width <= kColumns;
  return text +
         (fits ? matrix_table(confusion, names, name_width, cell_width) : confused_pairs(confusion, names));
}

ordered_json evaluation_json(const train::Metrics& metrics, const ConfusionMatrix& confusion,
                             const std::vector<std::string>& class_names) {
  const ConfusionMatrix::Means means = confusion.macro();
  ordered_json record = {
      {"examples", metrics.examples()},
      {"loss", metrics.loss()},
      {"accuracy", metrics.accuracy()},
      {"mean_of_classes",
       {{"precision", number(means.precision)}, {"recall", number(means.recall)}, {"f1", number(means.f1)}}}};
  for (Index k = 0; k < confusion.classes(); ++k) {
    record["classes"].push_back({{"name", class_names[static_cast<std::size_t>(k)]},
                                 {"precision", number(confusion.precision(k))},
                                 {"recall", number(confusion.recall(k))},
                                 {"f1", number(confusion.f1(k))},
                                 {"examples", confusion.support(k)}});
    ordered_json row = ordered_json::array();
    for (Index predicted = 0; predicted < confusion.classes(); ++predicted)
      row.push_back(confusion.count(k, predicted));
    record["confusion"].push_back(std::move(row));
  }
  return record;
}

}  // namespace keel::apps
