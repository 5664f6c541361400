// keel-predict: what a trained model takes images for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/trained_support.h"
#include "keel/data/image_transform.h"

namespace keel::apps::testing {
namespace {

using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Predict : public TrainedRun {
 protected:
  static std::string write(const std::string& name, const Tensor& image) {
    data::write_png(path(name), image);
    return path(name);
  }
  static Outcome predict(Arguments arguments) {
    arguments.insert(arguments.begin(), run());
    return run_program("keel-predict", arguments);
  }
  // Fields behind the name of the image, of each line but the first.
  static std::vector<std::vector<std::string>> csv(Arguments arguments) {
    arguments.insert(arguments.end(), {"--format", "csv"});
    const Outcome outcome = predict(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : lines_of(outcome.out)) {
      rows.emplace_back();
      std::istringstream in(line);
      for (std::string field; std::getline(in, field, ',');) rows.back().push_back(field);
      rows.back().erase(rows.back().begin());
    }
    if (!rows.empty()) rows.erase(rows.begin());
    return rows;
  }
};

Tensor inverted(const Tensor& image) {
  Tensor result = image.clone();
  for (Index i = 0; i < image.numel(); ++i) {
    result.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(255 - image.data<std::uint8_t>()[i]);
  }
  return result;
}

// As large as `factor` times the digit, dark on light, in the upper left of a page.
Tensor page_with(const Tensor& digit, Index factor) {
  const Index size = 28 * factor;
  const Tensor large = data::resize_image(digit, size, size);
  Tensor page = Tensor::full({2 * size, 3 * size, 3}, 230, DType::uint8);
  for (Index y = 0; y < size; ++y) {
    for (Index x = 0; x < size; ++x) {
      const int ink = large.data<std::uint8_t>()[y * size + x] * 200 / 255;
      std::fill_n(page.data<std::uint8_t>() + ((y + 20) * 3 * size + x + 30) * 3, 3,
                  static_cast<std::uint8_t>(230 - ink));
    }
  }
  return page;
}

TEST_F(Predict, AgreesWithEvaluationOnTheImagesOfTheTestSet) {
  Arguments images;
  for (Index i = 0; i < kDigitsToTest; ++i)
    images.push_back(write(fmt::format("digit{}.png", i), test_digit(i)));
  const auto rows = csv(images);
  ASSERT_EQ(rows.size(), static_cast<std::size_t>(kDigitsToTest));
  std::vector<std::vector<int>> confusion(10, std::vector<int>(10));
  double loss = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].size(), 11U);
    const auto label = static_cast<std::size_t>(test_digits()->labels().data<std::int32_t>()[i]);
    ++confusion[label][std::stoul(rows[i][0])];
    loss -= std::log(std::stod(rows[i][1 + label])) / static_cast<double>(kDigitsToTest);
    double sum = 0;
    for (std::size_t k = 1; k <= 10; ++k) sum += std::stod(rows[i][k]);
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  const Outcome evaluated = run_program("keel-eval", {run(), "--data", data(), "--json", path("eval.json")});
  ASSERT_EQ(evaluated.status, 0) << evaluated.err;
  const auto expected = json_in(path("eval.json"));
  EXPECT_EQ(nlohmann::json(confusion), expected.at("confusion"));
  EXPECT_NEAR(loss, expected.at("loss").get<double>(), 1e-5);
}

TEST_F(Predict, TakesDarkOnLightAndPagesOfAnySize) {
  int right = 0;
  for (Index i = 0; i < 6; ++i) {
    const std::string plain = write("plain.png", test_digit(i));
    const auto expected = csv({plain});
    EXPECT_EQ(csv({write("inverted.png", inverted(test_digit(i)))}), expected);
    EXPECT_EQ(csv({write("told.png", inverted(test_digit(i))), "--invert", "yes"}), expected);
    EXPECT_EQ(csv({plain, "--prepare", "none"}), expected);
    EXPECT_EQ(csv({plain, "--prepare", "resize"}), expected);
    EXPECT_NE(csv({plain, "--invert", "yes"}), expected);
    // What a digit is prepared to does not depend on the page.
    const auto small = csv({write("page.png", page_with(test_digit(i), 5))});
    const auto large = csv({write("page.png", page_with(test_digit(i), 12))});
    right += small.at(0).at(0) == large.at(0).at(0) ? 1 : 0;
  }
  EXPECT_GE(right, 5);
}

TEST_F(Predict, PrintsTheMostLikelyClasses) {
  const std::string image = write("one.png", test_digit(1));
  const Outcome outcome = predict({image});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], StartsWith(best().string() + ": mlp, "));
  EXPECT_THAT(lines[1],
              MatchesRegex(image + ": [0-9] \\([0-9.]+ %\\), [0-9] \\([0-9.]+ %\\), [0-9] \\([0-9.]+ %\\)"));

  const Outcome json = predict({image, "--format", "json", "--top", "0"});
  const auto record = nlohmann::json::parse(json.out);
  EXPECT_EQ(record.at("image"), image);
  ASSERT_EQ(record.at("top").size(), 10U);
  EXPECT_EQ(record.at("top")[0].at("class"), record.at("class"));
  for (std::size_t i = 1; i < 10; ++i) {
    EXPECT_GE(record.at("top")[i - 1].at("probability"), record.at("top")[i].at("probability"));
  }
}

TEST_F(Predict, FoldsBatchNorm) {
  const std::string image = write("one.png", test_digit(1));
  const auto plain = csv({image}), folded = csv({image, "--fold-bn"});
  for (std::size_t k = 1; k <= 10; ++k) {
    EXPECT_NEAR(std::stod(plain[0][k]), std::stod(folded[0][k]), 1e-5);
  }
}

TEST_F(Predict, GoesOnBehindABadImage) {
  const std::string image = write("good.png", test_digit(1));
  const std::string text = path("text.png"),
                    blank = write("blank.png", Tensor::zeros({50, 50, 1}, DType::uint8));
  keel::testing::write_text(text, "hello");
  const Outcome outcome = predict({text, image, blank, path("missing.png"), image});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(
      outcome.err,
      fmt::format("error: {}: a PNG or JPEG image expected, found a file that begins with 68 65 6c 6c\n"
                  "error: {}: [prepare_digit] a digit that stands out from its paper expected, found none\n"
                  "error: {}: cannot open: No such file or directory\n",
                  text, blank, path("missing.png").string()));
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1], lines[2]);
}

TEST_F(Predict, SavesWhatTheModelWasShown) {
  const std::string image = write("seven.png", page_with(test_digit(7), 6));
  const Outcome outcome = predict({image, "--save-prepared", path("shown")});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  const Tensor shown = data::read_image(path("shown") / "0001_seven.png");
  EXPECT_EQ(shown.shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(csv({path("shown") / "0001_seven.png"}), csv({image}));
}

TEST_F(Predict, SaysWhatIsWrongWithItsArguments) {
  expect_refused("keel-predict", {run()}, 2, "IMAGE expected: keel-predict CHECKPOINT IMAGE...");
  const std::string image = write("wide.png", Tensor::full({20, 30, 1}, 9, DType::uint8));
  expect_refused("keel-predict", {run(), image, "--prepare", "crop"}, 2,
                 "--prepare: expected one of auto, digit, resize, none, found 'crop'");
  const Outcome outcome = predict({image, "--prepare", "none"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.err,
            "error: " + image + ": an image [28,28,1] expected with --prepare none, found [20,30,1]\n");
  const std::string no_model = (data() / "train-labels-idx1-ubyte").string();
  const Outcome refused = run_program("keel-predict", {no_model, image});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, StartsWith("error: " + no_model + ": "));
}

}  // namespace
}  // namespace keel::apps::testing
