#include "keel/data/mnist.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <numeric>

#include "data/support.h"
#include "keel/core/error.h"
#include "keel/data/idx.h"

namespace keel::data {
namespace {

using testing::message_of;
using testing::TemporaryDirectory;

// A directory in MNIST's format with 5 training and 3 test images of 2x3 pixels.
class MnistFormat : public ::testing::Test {
 protected:
  void SetUp() override { write_all("-", ""); }

  void write_all(const std::string& joint, const std::string& suffix) {
    write("train-images" + joint + "idx3-ubyte" + suffix, images(5));
    write("train-labels" + joint + "idx1-ubyte" + suffix, Tensor::from<std::uint8_t>({5}, {0, 3, 1, 2, 0}));
    write("t10k-images" + joint + "idx3-ubyte" + suffix, images(3));
    write("t10k-labels" + joint + "idx1-ubyte" + suffix, Tensor::from<std::uint8_t>({3}, {3, 0, 1}));
  }

  static Tensor images(Index n, std::uint8_t value = 51) {
    return Tensor::full({n, 2, 3}, value, DType::uint8);
  }
  void write(const std::string& name, const Tensor& tensor) { write_idx(directory_ / name, tensor); }
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  void remove_all() {
    for (const auto& entry : testing::fs::directory_iterator(directory_.path()))
      testing::fs::remove(entry.path());
  }
  template <class E = FileError>
  std::string complaint() {
    return message_of<E>([&] { load_mnist_format(directory_.path()); });
  }

  TemporaryDirectory directory_;
};

TEST_F(MnistFormat, LoadsBothSets) {
  const TrainTest sets = load_mnist_format(directory_.path());
  EXPECT_EQ(sets.train->size(), 5);
  EXPECT_EQ(sets.test->size(), 3);
  EXPECT_EQ(sets.train->example_shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(sets.train->num_classes(), 4);
  EXPECT_EQ(sets.test->num_classes(), 4);
  EXPECT_EQ(sets.train->description(),
            "MNIST-format training set, 5 examples from " + directory_.path().string());
  EXPECT_EQ(sets.test->description(), "MNIST-format test set, 3 examples from " + directory_.path().string());
  const Batch batch = sets.test->gather(std::vector<std::int32_t>{0, 2});
  EXPECT_EQ(batch.labels.at({0}), 3);
  EXPECT_EQ(batch.labels.at({1}), 1);
  EXPECT_EQ(batch.inputs.at({1, 1, 2, 0}), static_cast<double>(0.2F));
}

TEST_F(MnistFormat, TakesEverySpellingPlainOrCompressed) {
  const std::string fingerprint = load_mnist_format(directory_.path()).train->fingerprint();
  for (const char* joint : {"-", "."}) {
    for (const char* suffix : {"", ".gz"}) {
      remove_all();
      write_all(joint, suffix);
      EXPECT_EQ(load_mnist_format(directory_.path()).train->fingerprint(), fingerprint) << joint << suffix;
    }
  }
}

TEST_F(MnistFormat, PrefersPlainFiles) {
  write("train-images-idx3-ubyte.gz", images(5, 102));
  const auto first_pixel = [&] {
    return load_mnist_format(directory_.path())
        .train->gather(std::vector<std::int32_t>{0})
        .inputs.at({0, 0, 0, 0});
  };
  EXPECT_EQ(first_pixel(), static_cast<double>(0.2F));
  testing::fs::remove(path("train-images-idx3-ubyte"));
  EXPECT_EQ(first_pixel(), static_cast<double>(0.4F));
  write("train-images.idx3-ubyte", images(5, 153));
  EXPECT_EQ(first_pixel(), static_cast<double>(0.6F));
}

TEST_F(MnistFormat, HasAtLeastTwoClasses) {
  write("train-labels-idx1-ubyte", Tensor::zeros({5}, DType::uint8));
  write("t10k-labels-idx1-ubyte", Tensor::zeros({3}, DType::uint8));
  EXPECT_EQ(load_mnist_format(directory_.path()).train->num_classes(), 2);
}

TEST_F(MnistFormat, TellsWhatIsMissingAndTheRemedy) {
  testing::fs::remove(path("t10k-labels-idx1-ubyte"));
  EXPECT_EQ(complaint(), directory_.path().string() +
                             ": found none of t10k-labels-idx1-ubyte, t10k-labels.idx1-ubyte, "
                             "t10k-labels-idx1-ubyte.gz, t10k-labels.idx1-ubyte.gz; get MNIST by "
                             "scripts/fetch_mnist.sh, or use --data synthetic");
  EXPECT_EQ(
      message_of<FileError>([&] { load_mnist_format(directory_ / "nowhere"); }),
      path("nowhere") + ": no such directory; get MNIST by scripts/fetch_mnist.sh, or use --data synthetic");
}

TEST_F(MnistFormat, RefusesCountsThatDisagree) {
  write("train-labels-idx1-ubyte", Tensor::zeros({4}, DType::uint8));
  EXPECT_EQ(complaint(), path("train-images-idx3-ubyte") + " has 5 images, but " +
                             path("train-labels-idx1-ubyte") + " has 4 labels");
}

TEST_F(MnistFormat, RefusesImagesOfTwoSizes) {
  write("t10k-images-idx3-ubyte", Tensor::zeros({3, 2, 4}, DType::uint8));
  EXPECT_EQ(complaint(), path("train-images-idx3-ubyte") + " has images [5,2,3], but " +
                             path("t10k-images-idx3-ubyte") + " has [3,2,4]: all must be of one size");
}

TEST_F(MnistFormat, RefusesImagesAndLabelsMixedUp) {
  write("train-images-idx3-ubyte", Tensor::zeros({5}, DType::uint8));
  EXPECT_EQ(complaint(),
            path("train-images-idx3-ubyte") + ": images [N,H,W] or [N,H,W,C] expected, found [5]");
  write("train-images-idx3-ubyte", images(5));
  write("train-labels-idx1-ubyte", images(5));
  EXPECT_EQ(complaint(), path("train-labels-idx1-ubyte") + ": labels [N] expected, found [5,2,3]");
}

TEST_F(MnistFormat, RefusesNoImages) {
  write("t10k-images-idx3-ubyte", images(0));
  write("t10k-labels-idx1-ubyte", Tensor::zeros({0}, DType::uint8));
  EXPECT_EQ(complaint(), path("t10k-images-idx3-ubyte") + ": at least one image expected, found [0,2,3]");
}

TEST_F(MnistFormat, RefusesATestLabelThatTrainingDoesNotKnow) {
  write("t10k-labels-idx1-ubyte", Tensor::from<std::uint8_t>({3}, {3, 4, 0}));
  EXPECT_EQ(complaint<ValueError>(), "[image_dataset] MNIST-format test set, 3 examples from " +
                                         directory_.path().string() +
                                         ": label 4 at index 1 is outside [0, 4)");
}

TEST_F(MnistFormat, RefusesLabelsThatSkipMostClasses) {
  write("train-labels-idx1-ubyte", Tensor::from<std::uint8_t>({5}, {0, 3, 200, 2, 0}));
  EXPECT_EQ(complaint(),
            path("train-labels-idx1-ubyte") +
                ": labels of which most occur expected, found 200 at index 2 and no example of 197 "
                "smaller ones");
}

TEST_F(MnistFormat, RefusesAFileForADirectory) {
  const std::string file = path("train-labels-idx1-ubyte");
  EXPECT_EQ(message_of<FileError>([&] { load_mnist_format(file); }),
            file + ": a directory expected, found a file");
}

TEST_F(MnistFormat, IsNotMnistItself) {
  EXPECT_FALSE(is_official_mnist(load_mnist_format(directory_.path())));
}

TEST_F(MnistFormat, PassesOnTheComplaintOfAReader) {
  testing::write_bytes(path("t10k-images-idx3-ubyte"), {0, 0, 8});
  EXPECT_EQ(complaint(),
            path("t10k-images-idx3-ubyte") + ": an IDX header of at least 4 bytes expected, found 3 bytes");
}

TEST(Mnist, TheRealFilesLoad) {
  const char* directory = std::getenv("KEEL_MNIST_DIR");
  if (directory == nullptr) GTEST_SKIP() << "KEEL_MNIST_DIR does not name a directory with MNIST";
  const TrainTest mnist = load_mnist_format(directory);
  EXPECT_TRUE(is_official_mnist(mnist));
  EXPECT_EQ(mnist.train->size(), 60000);
  EXPECT_EQ(mnist.test->size(), 10000);
  EXPECT_EQ(mnist.train->num_classes(), 10);
  EXPECT_EQ(mnist.train->example_shape(), (Shape{28, 28, 1}));

  std::vector<std::int32_t> all(60000);
  std::iota(all.begin(), all.end(), 0);
  const Batch batch = mnist.train->gather(all);
  std::array<int, 10> counts{};
  for (const std::int32_t label : batch.labels.values<std::int32_t>())
    ++counts[static_cast<std::size_t>(label)];
  // The class counts and the mean pixel that every description of MNIST gives.
  EXPECT_EQ(counts, (std::array<int, 10>{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}));
  double sum = 0;
  for (const float pixel : batch.inputs.values<float>()) sum += static_cast<double>(pixel);
  EXPECT_NEAR(sum / static_cast<double>(batch.inputs.numel()), 0.1307, 5e-5);  // given to four digits
}

}  // namespace
}  // namespace keel::data
