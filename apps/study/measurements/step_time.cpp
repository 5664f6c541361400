#include "study/measurements/step_time.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>

#include "keel/nn/fold_batch_norm.h"
#include "study/nets.h"
#include "study/training.h"

namespace keel::study {
namespace {

double seconds_on(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Of this thread alone: what the clock on the wall says where nothing else runs, and nearly that where
// something does.
double processor_microseconds() { return 1e6 * seconds_on(CLOCK_THREAD_CPUTIME_ID); }

// How long all processors together have been busy, with whatever: in ticks in the first line of /proc/stat
// (man 5 proc), which are those of user, nice, system, idle, iowait, irq, softirq and steal.
std::optional<double> busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, stolen = 0;
  file >> word >> user >> nice >> system >> idle >> waiting >> irq >> softirq >> stolen;
  if (!file || word != "cpu") return {};
  return (user + nice + system + irq + softirq + stolen) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// How many processors have been busy with something else since it was made.
class OtherWork {
 public:
  Json processors() const {
    const std::optional<double> busy = busy_seconds();
    const double own = seconds_on(CLOCK_PROCESS_CPUTIME_ID) - own_;
    const double passed = seconds_on(CLOCK_MONOTONIC) - start_;
    if (!busy || !busy_ || passed <= 0) return nullptr;
    // Ticks are coarse.
    return std::max(0.0, (*busy - *busy_ - own) / passed);
  }

 private:
  std::optional<double> busy_ = busy_seconds();
  double own_ = seconds_on(CLOCK_PROCESS_CPUTIME_ID);
  double start_ = seconds_on(CLOCK_MONOTONIC);
};

template <class F>
double microseconds_of(Index times, const F& f) {
  const double start = processor_microseconds();
  for (Index i = 0; i < times; ++i) f();
  return (processor_microseconds() - start) / static_cast<double>(times);
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Arm {
  std::string name;
  std::unique_ptr<Training> training;
  std::shared_ptr<nn::Module> folded;
  Tensor inputs;
  std::vector<double> step = {}, forward = {}, folded_forward = {};
};

void forward(nn::Module& model, const Tensor& inputs) {
  const NoGrad no_grad;
  nn::Context context(nn::Mode::evaluation);
  model(Variable(inputs), context);
}

void repeat(Arm& arm, Index steps) {
  arm.step.push_back(microseconds_of(steps, [&] {
    check(arm.training->step(), "[study] the arm '{}' diverged while it was timed", arm.name);
  }));
  arm.forward.push_back(microseconds_of(steps, [&] { forward(arm.training->model(), arm.inputs); }));
  arm.folded_forward.push_back(microseconds_of(steps, [&] { forward(*arm.folded, arm.inputs); }));
}

Json run(const Json& setting, const TrialContext& context) {
  const Index steps = setting.at("steps");
  std::vector<Arm> arms;
  for (const auto& [name, arm_setting] : setting.at("arms").items()) {
    auto training = std::make_unique<Training>(arm_setting, context);
    const Tensor inputs = training->batch_of(0).inputs;
    const auto folded = nn::fold_batch_norm(training->model(), {.keep_unfoldable = true}).model;
    arms.push_back({name, std::move(training), folded, inputs});
    repeat(arms.back(), steps);  // to warm up
    arms.back().step.clear();
    arms.back().forward.clear();
    arms.back().folded_forward.clear();
  }
  const OtherWork others;
  for (Index repetition = 0; repetition < setting.at("repetitions"); ++repetition) {
    for (Arm& arm : arms) repeat(arm, steps);
    // So that none is always the one behind another.
    std::reverse(arms.begin(), arms.end());
  }
  Json result = {{"others", others.processors()}};
  for (const Arm& arm : arms) {
    result[arm.name] = {{"step", median_of(arm.step)},
                        {"forward", median_of(arm.forward)},
                        {"folded", median_of(arm.folded_forward)}};
  }
  return result;
}

double seconds(const Json& setting) {
  double sum = 0;
  for (Json arm : setting.at("arms")) {
    arm["steps"] = setting.at("steps").get<double>() * (setting.at("repetitions").get<double>() + 1);
    sum += 1.7 * training_seconds(arm);  // the forward passes
  }
  return sum;
}

}  // namespace

const Measurement& step_time() {
  static const Measurement measurement = {
      .name = "step_time", .version = 3, .run = run, .seconds = seconds, .alone = true};
  return measurement;
}

void add_others(const Results& results, const std::string& label, const std::string& words, Report& report) {
  const std::vector<double> others = results.values(label, "others");
  if (std::any_of(others.begin(), others.end(), [](double value) { return std::isnan(value); })) return;
  report.add({"processors that others kept busy" + words, others});
}

Json timed(Json arms, Index steps, Index repetitions) {
  for (Json& arm : arms) arm.erase("steps");
  return {{"arms", std::move(arms)}, {"steps", steps}, {"repetitions", repetitions}};
}

Json timed_with_norm(Index width, const Plan& plan) {
  Json arms;
  for (const char* norm : {"none", "batch"}) arms[norm] = probe({.width = width, .norm = norm}, 0.1, 0);
  return timed(std::move(arms), plan.choose<Index>(20, 50), plan.choose<Index>(9, 25));
}

}  // namespace keel::study
