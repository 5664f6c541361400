// What the tests of keel-train share: runs on the small set of digits.
#pragma once

#include "apps/mnist_bn_support.h"

namespace keel::apps::testing {

class Train : public MnistBn {
 protected:
  Outcome train(Arguments arguments) const {
    const bool names_data = std::find(arguments.begin(), arguments.end(), "--data") != arguments.end();
    if (!names_data) arguments.insert(arguments.end(), {"--data", data()});
    arguments.insert(arguments.end(), {"--threads", "1"});
    return run_program("keel-train", arguments);
  }
  Outcome train_to(const std::string& name, Arguments arguments) const {
    arguments.insert(arguments.end(), {"--out", out(name)});
    return train(arguments);
  }
  void expect_refused(const Arguments& arguments, int status, const std::string& message) const {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const Outcome outcome = train_to("refused", arguments);
    EXPECT_EQ(outcome.err, "error: " + message + "\n");
    EXPECT_EQ(outcome.status, status);
    EXPECT_EQ(outcome.out, "");
    EXPECT_FALSE(fs::exists(out("refused")));
  }
  fs::path last(const std::string& name) const { return out(name) / "checkpoints" / "last.safetensors"; }
  std::vector<double> column(const std::string& name, Column of) const {
    std::vector<double> values;
    for (const auto& row : log_in(out(name) / "epochs.csv").rows) values.push_back(row[of]);
    return values;
  }
};

}  // namespace keel::apps::testing
