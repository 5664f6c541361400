#include "keel/optim/schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "keel/core/error.h"

namespace keel::optim {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Schedule, Constant) {
  const Schedule rate = constant(0.1);
  EXPECT_EQ(rate(0), 0.1);
  EXPECT_EQ(rate(1000000), 0.1);
  EXPECT_EQ(message_of([] { constant(0); }), "[constant] learning rate 0: expected a finite number > 0");
  EXPECT_EQ(message_of([] { constant(kNaN); }), "[constant] learning rate nan: expected a finite number > 0");
  EXPECT_EQ(message_of([&] { rate(-1); }), "[constant] step -1: expected >= 0");
}

TEST(Schedule, StepDecay) {
  const Schedule rate = step_decay({.initial = 0.8, .every = 3, .factor = 0.5});
  EXPECT_DOUBLE_EQ(rate(0), 0.8);
  EXPECT_DOUBLE_EQ(rate(2), 0.8);
  EXPECT_DOUBLE_EQ(rate(3), 0.4);
  EXPECT_DOUBLE_EQ(rate(5), 0.4);
  EXPECT_DOUBLE_EQ(rate(6), 0.2);
  EXPECT_DOUBLE_EQ(rate(30), 0.8 / 1024);
  EXPECT_EQ(message_of([] { step_decay({.initial = -1, .every = 3}); }),
            "[step_decay] initial rate -1: expected a finite number > 0");
  EXPECT_EQ(message_of([] { step_decay({.initial = 1, .every = 0}); }),
            "[step_decay] every 0 steps: expected >= 1");
  EXPECT_EQ(message_of([] { step_decay({.initial = 1, .every = 3, .factor = 0}); }),
            "[step_decay] factor 0: expected a finite number > 0");
  EXPECT_EQ(message_of([&] { rate(-1); }), "[step_decay] step -1: expected >= 0");
}

TEST(Schedule, Cosine) {
  const Schedule rate = cosine({.initial = 1, .steps = 12, .final = 0.2});
  EXPECT_DOUBLE_EQ(rate(0), 1);
  EXPECT_DOUBLE_EQ(rate(4), 0.8);  // cos(60 degrees) = 1/2
  EXPECT_DOUBLE_EQ(rate(6), 0.6);
  EXPECT_DOUBLE_EQ(rate(8), 0.4);
  EXPECT_DOUBLE_EQ(rate(12), 0.2);
  EXPECT_DOUBLE_EQ(rate(1000), 0.2);
  EXPECT_EQ(cosine({.initial = 1, .steps = 7})(7), 0);
  EXPECT_EQ(message_of([] { cosine({.initial = kNaN, .steps = 3}); }),
            "[cosine] initial rate nan: expected a finite number > 0");
  EXPECT_EQ(message_of([] { cosine({.initial = 1, .steps = 0}); }), "[cosine] over 0 steps: expected >= 1");
  EXPECT_EQ(message_of([] { cosine({.initial = 1, .steps = 3, .final = -1}); }),
            "[cosine] final rate -1: expected a finite number >= 0");
  EXPECT_EQ(message_of([&] { rate(-1); }), "[cosine] step -1: expected >= 0");
}

TEST(Schedule, WarmUp) {
  const Schedule rate = warm_up(4, step_decay({.initial = 0.8, .every = 6, .factor = 0.5}));
  EXPECT_DOUBLE_EQ(rate(0), 0.2);  // never 0: the first step counts
  EXPECT_DOUBLE_EQ(rate(1), 0.4);
  EXPECT_DOUBLE_EQ(rate(3), 0.8);
  EXPECT_DOUBLE_EQ(rate(4), 0.8);
  EXPECT_DOUBLE_EQ(rate(5), 0.8);
  EXPECT_DOUBLE_EQ(rate(6), 0.4);  // the inner clock ran during the rise
  EXPECT_DOUBLE_EQ(warm_up(0, constant(0.3))(0), 0.3);
  EXPECT_EQ(message_of([] { warm_up(-1, constant(1)); }), "[warm_up] -1 steps: expected >= 0");
  EXPECT_EQ(message_of([] { warm_up(1, Schedule()); }), "[warm_up] no schedule to warm up to");
  EXPECT_EQ(message_of([&] { rate(-1); }), "[warm_up] step -1: expected >= 0");
}

}  // namespace
}  // namespace keel::optim
