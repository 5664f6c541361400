#include "study/claim.h"

#include <algorithm>
#include <limits>

#include "keel/core/error.h"

namespace keel::study {

namespace {

struct ArticleNames {
  Article article;
  const char *name, *title;
};

constexpr ArticleNames kArticles[] = {
    {Article::transforms, "transforms", "How Batch Normalization Transforms Deep Learning Efficiency"},
    {Article::glossary, "glossary", "What is Batch Normalization?"},
    {Article::faster, "faster", "How Batch Normalization Can Make Neural Networks Faster"},
    {Article::dropout, "dropout", "an untitled introduction that contrasts Batch Normalization with dropout"},
    {Article::paper, "paper",
     "Ioffe & Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
     "Covariate Shift"}};

const ArticleNames& names_of(Article article) { return kArticles[static_cast<std::size_t>(article)]; }

}  // namespace

std::vector<Article> all_articles() {
  std::vector<Article> all;
  for (const ArticleNames& names : kArticles) all.push_back(names.article);
  return all;
}
std::string title_of(Article article) { return names_of(article).title; }
std::string name_of(Article article) { return names_of(article).name; }

void Plan::add(Entry entry) {
  const auto same = [&](const Entry& other) { return other.label == entry.label; };
  check<ValueError>(std::none_of(entries_.begin(), entries_.end(), same),
                    "[study] two trials are called '{}'", entry.label);
  entries_.push_back(std::move(entry));
}

void Plan::add(const std::string& label, const Measurement& measurement, Json setting) {
  add({label, &measurement, std::move(setting), false});
}

void Plan::add_once(const std::string& label, const Measurement& measurement, Json setting) {
  add({label, &measurement, std::move(setting), true});
}

namespace {

// The place in a result: keys with slashes between them.
const Json& find(const Json& result, const std::string& label, const std::string& path) {
  const Json* place = &result;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string key = path.substr(begin, end - begin);
    check<ValueError>(place->is_object() && place->contains(key), "[study] the trial '{}' gave no '{}'",
                      label, path);
    place = &(*place)[key];
    begin = end + 1;
  }
  return *place;
}

double number(const Json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

}  // namespace

const std::vector<Json>& Results::at(const std::string& label) const {
  const auto found = results_.find(label);
  check<ValueError>(found != results_.end(), "[study] there is no trial '{}'", label);
  return found->second;
}

std::vector<double> Results::values(const std::string& label, const std::string& path) const {
  std::vector<double> values;
  for (const Json& result : at(label)) values.push_back(number(find(result, label, path)));
  return values;
}

std::vector<std::vector<double>> Results::series(const std::string& label, const std::string& path) const {
  std::vector<std::vector<double>> all;
  for (const Json& result : at(label)) {
    std::vector<double>& one = all.emplace_back();
    for (const Json& value : find(result, label, path)) one.push_back(number(value));
  }
  return all;
}

Index Results::diverged(const std::string& label) const {
  Index count = 0;
  for (const Json& result : at(label)) count += result.value("diverged", false) ? 1 : 0;
  return count;
}

}  // namespace keel::study
