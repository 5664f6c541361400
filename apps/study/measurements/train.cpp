#include "study/measurements/train.h"

#include <deque>
#include <numeric>

#include "study/training.h"

namespace keel::study {
namespace {

// The course of the test accuracy.
class Curve {
 public:
  void add(Index step, const train::Metrics& metrics) {
    json_["step"].push_back(step);
    json_["accuracy"].push_back(metrics.accuracy());
    json_["loss"].push_back(metrics.loss());
  }
  Json steps_to(const Json& targets) const {
    Json result = Json::object();
    for (const Json& target : targets) {
      Json& reached = result[fmt::format("{:g}", target.get<double>())];
      for (std::size_t i = 0; i < json_["step"].size() && reached.is_null(); ++i) {
        if (100 * json_["accuracy"][i].get<double>() >= target.get<double>()) reached = json_["step"][i];
      }
    }
    return result;
  }
  const Json& json() const { return json_; }

 private:
  Json json_ = {{"step", Json::array()}, {"accuracy", Json::array()}, {"loss", Json::array()}};
};

Json run(const Json& setting, const TrialContext& context) {
  const std::size_t last = setting.value("loss_steps", std::size_t{100});
  Training training(setting, context);
  const Index steps = setting.at("steps"), every = setting.value("evaluate_every", Index{0});
  std::deque<double> losses;
  Curve curve;
  std::optional<train::Metrics> end;
  while (training.steps_done() < steps && training.step()) {
    losses.push_back(training.loss());
    if (losses.size() > last) losses.pop_front();
    const Index done = training.steps_done();
    if (done != steps && (every == 0 || done % every != 0)) continue;
    end = training.test();
    if (!end) break;
    if (every > 0) curve.add(done, *end);
  }
  const bool diverged = training.diverged() || !end;
  Json result = {{"diverged", diverged}, {"steps", training.steps_done()}};
  result["accuracy"] = diverged ? 1.0 / static_cast<double>(training.classes()) : end->accuracy();
  result["loss"] = diverged ? Json(nullptr) : Json(end->loss());
  result["train_loss"] =
      diverged || losses.empty()
          ? Json(nullptr)
          : Json(std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size()));
  result["curve"] = curve.json();
  result["steps_to"] = curve.steps_to(setting.value("targets", Json::array()));
  return result;
}

}  // namespace

const Measurement& train_and_test() {
  static const Measurement measurement = {.name = "train", .run = run, .seconds = training_seconds};
  return measurement;
}

}  // namespace keel::study
