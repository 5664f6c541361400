#include "keel/data/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data/support.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"
#include "support/threads.h"

namespace keel::data {
namespace {

using testing::counting_dataset;
using testing::examples_of;
using testing::message_of;
using Indices = std::vector<std::int32_t>;

ImageDatasetOptions valid_options() {
  return {.images = Tensor::zeros({3, 2, 2}, DType::uint8),
          .labels = Tensor::from<std::int32_t>({3}, {0, 1, 0}),
          .num_classes = 2,
          .description = "small"};
}

TEST(ImageDataset, GathersPixelsDividedBy255InTheGivenOrder) {
  const auto dataset = counting_dataset(7);
  EXPECT_EQ(dataset->size(), 7);
  EXPECT_EQ(dataset->example_shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(dataset->num_classes(), 3);
  EXPECT_EQ(dataset->description(), "counting");

  const Batch batch = dataset->gather(Indices{5, 0, 5, 4});
  EXPECT_EQ(batch.inputs.shape(), (Shape{4, 2, 3, 1}));
  EXPECT_EQ(batch.inputs.dtype(), DType::float32);
  EXPECT_EQ(batch.labels.shape(), (Shape{4}));
  const int expected[] = {5, 0, 5, 4};
  for (Index i = 0; i < 4; ++i) {
    EXPECT_EQ(batch.labels.data<std::int32_t>()[i], expected[i] % 3);
    for (Index p = 0; p < 6; ++p) {
      EXPECT_EQ(batch.inputs.data<float>()[i * 6 + p], static_cast<float>(expected[i] * 6 + p) / 255.0F);
    }
  }
}

TEST(ImageDataset, KeepsTheChannelsOfColourImages) {
  const ImageDataset dataset(
      {.images = Tensor::from<std::uint8_t>({2, 1, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255}),
       .labels = Tensor::from<std::int32_t>({2}, {0, 1}),
       .num_classes = 2,
       .description = "colour"});
  EXPECT_EQ(dataset.example_shape(), (Shape{1, 2, 3}));
  const Batch batch = dataset.gather(Indices{1});
  EXPECT_EQ(batch.inputs.shape(), (Shape{1, 1, 2, 3}));
  EXPECT_EQ(batch.inputs.at({0, 0, 1, 2}), 1.0);
  EXPECT_EQ(batch.inputs.at({0, 0, 0, 1}), static_cast<double>(7.0F / 255.0F));
}

TEST(ImageDataset, GathersManyImagesAlikeOnAnyNumberOfThreads) {
  // Enough pixels for several chunks, so that several threads have something to do.
  const auto dataset = counting_dataset(40000);
  Indices indices;
  for (std::int32_t i = 0; i < 40000; ++i) indices.push_back((i * 7 + 3) % 40000);
  const int threads = num_threads();
  set_num_threads(1);
  const Batch one = dataset->gather(indices);
  set_num_threads(3);
  const Batch three = dataset->gather(indices);
  set_num_threads(threads);
  const auto a = one.inputs.values<float>();
  const auto b = three.inputs.values<float>();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  for (std::size_t i = 0; i < indices.size(); ++i) {
    ASSERT_EQ(three.labels.values<std::int32_t>()[i], indices[i] % 3);
    ASSERT_EQ(b[i * 6 + 5], static_cast<float>((indices[i] * 6 + 5) % 256) / 255.0F);
  }
}

TEST(ImageDataset, RefusesALabelOutsideTheClassesByIndexAndValue) {
  ImageDatasetOptions options = valid_options();
  options.labels = Tensor::from<std::int32_t>({3}, {0, 2, 1});
  EXPECT_EQ(message_of<ValueError>([&] { ImageDataset dataset(options); }),
            "[image_dataset] small: label 2 at index 1 is outside [0, 2)");
  options.labels = Tensor::from<std::int32_t>({3}, {0, 1, -1});
  EXPECT_EQ(message_of<ValueError>([&] { ImageDataset dataset(options); }),
            "[image_dataset] small: label -1 at index 2 is outside [0, 2)");
}

TEST(ImageDataset, RefusesTensorsThatAreNoImagesOrLabels) {
  const auto message = [](auto change, auto error) {
    ImageDatasetOptions options = valid_options();
    change(options);
    return message_of<decltype(error)>([&] { ImageDataset dataset(options); });
  };
  EXPECT_EQ(message([](auto& o) { o.images = Tensor(); }, ValueError("")),
            "[image_dataset] small: images and labels expected");
  EXPECT_EQ(message(
                [](auto& o) {
                  o.images = Tensor::zeros({3, 2, 2});
                },
                DTypeError("")),
            "[image_dataset] small: uint8 images and int32 labels expected, found float32 and int32");
  EXPECT_EQ(message(
                [](auto& o) {
                  o.images = Tensor::zeros({3, 4}, DType::uint8);
                },
                ShapeError("")),
            "[image_dataset] small: images [N,H,W] or [N,H,W,C] expected, found [3,4]");
  EXPECT_EQ(message([](auto& o) { o.labels = Tensor::zeros({4}, DType::int32); }, ShapeError("")),
            "[image_dataset] small: images [3,2,2] need labels [3], found [4]");
  EXPECT_EQ(message([](auto& o) { o.num_classes = 1; }, ValueError("")),
            "[image_dataset] small: at least 2 classes expected, found 1");
  EXPECT_EQ(message(
                [](auto& o) {
                  o.images = Tensor::zeros({0, 2, 2}, DType::uint8);
                  o.labels = Tensor::zeros({0}, DType::int32);
                },
                ValueError("")),
            "[image_dataset] small: no pixels in images [0,2,2]");
}

TEST(ImageDataset, RefusesAnIndexOutsideTheData) {
  const auto dataset = counting_dataset(7);
  EXPECT_EQ(message_of<ValueError>([&] {
              dataset->gather(Indices{3, 7});
            }),
            "[gather] index 7 is outside [0, 7)");
  EXPECT_EQ(message_of<ValueError>([&] { dataset->gather(Indices{-1}); }),
            "[gather] index -1 is outside [0, 7)");
}

TEST(ImageDataset, FingerprintTellsContentsApart) {
  const ImageDatasetOptions options = valid_options();
  const std::string fingerprint = ImageDataset(options).fingerprint();
  EXPECT_EQ(fingerprint.size(), 8U);
  EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);

  ImageDatasetOptions same = options;
  same.images = options.images.clone();
  same.description = "elsewhere";
  EXPECT_EQ(ImageDataset(same).fingerprint(), fingerprint);

  ImageDatasetOptions pixel = options;
  pixel.images = options.images.clone();
  pixel.images.data<std::uint8_t>()[11] = 1;
  EXPECT_NE(ImageDataset(pixel).fingerprint(), fingerprint);

  ImageDatasetOptions label = options;
  label.labels = Tensor::from<std::int32_t>({3}, {0, 1, 1});
  EXPECT_NE(ImageDataset(label).fingerprint(), fingerprint);

  ImageDatasetOptions shape = options;
  shape.images = options.images.reshape({3, 1, 4});
  EXPECT_NE(ImageDataset(shape).fingerprint(), fingerprint);
}

// Of so many bytes that several threads share the work.
TEST(ImageDataset, FingerprintsAreTheCrc32OfShapeClassesImagesAndLabels) {
  std::vector<std::uint8_t> pixels(3000 * 30 * 40);
  std::vector<std::int32_t> labels(3000);
  std::uint32_t state = 1;
  for (std::uint8_t& pixel : pixels)
    pixel = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = pixels[i] % 7;
  const std::string head = "[3000,30,40,1]/7";
  uLong crc = crc32(0, reinterpret_cast<const Bytef*>(head.data()), static_cast<uInt>(head.size()));
  crc = crc32(crc, pixels.data(), static_cast<uInt>(pixels.size()));
  crc = crc32(crc, reinterpret_cast<const Bytef*>(labels.data()), static_cast<uInt>(4 * labels.size()));
  const ImageDatasetOptions options{.images = Tensor::from({3000, 30, 40}, pixels),
                                    .labels = Tensor::from({3000}, labels),
                                    .num_classes = 7,
                                    .description = ""};
  for (const int threads : {1, 3}) {
    const keel::testing::ThreadsGuard guard(threads);
    const ImageDataset dataset(options);
    EXPECT_EQ(dataset.fingerprint(), fmt::format("{:08x}", crc));
    EXPECT_EQ(dataset.fingerprint(), fmt::format("{:08x}", crc));  // the second time, from memory
  }
}

TEST(Subset, SeesItsPartOfTheData) {
  const DatasetPtr dataset = counting_dataset(10);
  const DatasetPtr part = subset(dataset, 4, 9);
  EXPECT_EQ(part->size(), 5);
  EXPECT_EQ(part->example_shape(), dataset->example_shape());
  EXPECT_EQ(part->num_classes(), 3);
  EXPECT_EQ(part->description(), "examples 4 to 8 of counting");
  EXPECT_EQ(examples_of(part->gather(Indices{4, 0})), (std::vector<int>{8, 4}));
  EXPECT_EQ(message_of<ValueError>([&] { part->gather(Indices{5}); }), "[gather] index 5 is outside [0, 5)");
  EXPECT_EQ(message_of<ValueError>([&] { part->gather(Indices{-1}); }),
            "[gather] index -1 is outside [0, 5)");

  const DatasetPtr inner = subset(part, 1, 3);
  EXPECT_EQ(examples_of(inner->gather(Indices{0, 1})), (std::vector<int>{5, 6}));
}

TEST(Subset, FingerprintDependsOnDataAndRange) {
  const DatasetPtr dataset = counting_dataset(10);
  const std::string fingerprint = subset(dataset, 2, 6)->fingerprint();
  EXPECT_EQ(subset(counting_dataset(10), 2, 6)->fingerprint(), fingerprint);
  EXPECT_NE(subset(dataset, 2, 7)->fingerprint(), fingerprint);
  EXPECT_NE(subset(dataset, 1, 6)->fingerprint(), fingerprint);
  EXPECT_NE(subset(counting_dataset(11), 2, 6)->fingerprint(), fingerprint);
}

TEST(Subset, OfEverythingIsTheDatasetItself) {
  const DatasetPtr dataset = counting_dataset(10);
  EXPECT_EQ(subset(dataset, 0, 10), dataset);
  EXPECT_EQ(take(dataset, 10), dataset);
}

TEST(Subset, RefusesRangesThatAreEmptyOrOutside) {
  const DatasetPtr dataset = counting_dataset(10);
  for (const auto& [begin, end] : {std::pair<Index, Index>{3, 3}, {-1, 4}, {4, 11}, {6, 5}}) {
    EXPECT_EQ(message_of<ValueError>([&, b = begin, e = end] { subset(dataset, b, e); }),
              fmt::format("[subset] range [{}, {}) is empty or not inside the 10 examples of counting", begin,
                          end));
  }
}

TEST(Take, GivesTheFirstExamples) {
  const DatasetPtr dataset = counting_dataset(10);
  const DatasetPtr first = take(dataset, 3);
  EXPECT_EQ(first->size(), 3);
  EXPECT_EQ(examples_of(first->gather(Indices{0, 1, 2})), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(message_of<ValueError>([&] { take(dataset, 0); }),
            "[take] between 1 and 10 examples expected, found 0");
  EXPECT_EQ(message_of<ValueError>([&] { take(dataset, 11); }),
            "[take] between 1 and 10 examples expected, found 11");
}

TEST(SplitLast, HoldsOutTheEndOfTheData) {
  const Split split = split_last(counting_dataset(10), 0.2);
  EXPECT_EQ(split.training->size(), 8);
  EXPECT_EQ(split.validation->size(), 2);
  EXPECT_EQ(examples_of(split.training->gather(Indices{0, 7})), (std::vector<int>{0, 7}));
  EXPECT_EQ(examples_of(split.validation->gather(Indices{0, 1})), (std::vector<int>{8, 9}));
}

TEST(SplitLast, CutsWhereTheFractionSays) {
  const DatasetPtr mnist_sized = counting_dataset(60000);
  EXPECT_EQ(split_last(mnist_sized, 0.2).training->size(), 48000);
  EXPECT_EQ(split_last(mnist_sized, 0.2).validation->size(), 12000);
  // 1 - 0.9 and 1 - 0.7 are not 0.1 and 0.3 in binary.
  EXPECT_EQ(split_last(counting_dataset(10), 0.9).training->size(), 1);
  EXPECT_EQ(split_last(counting_dataset(10), 0.7).training->size(), 3);
  // Between two examples: the training part gets the lower number.
  EXPECT_EQ(split_last(counting_dataset(7), 0.5).training->size(), 3);
  EXPECT_EQ(split_last(counting_dataset(7), 0.01).training->size(), 6);
}

TEST(SplitLast, RefusesFractionsThatSplitNothing) {
  const DatasetPtr dataset = counting_dataset(10);
  const auto message = [&](double fraction) {
    return message_of<ValueError>([&] { split_last(dataset, fraction); });
  };
  const std::string expected = "[split_last] a validation fraction inside (0, 1) expected, found ";
  EXPECT_EQ(message(0), expected + "0");
  EXPECT_EQ(message(1), expected + "1");
  EXPECT_EQ(message(-0.25), expected + "-0.25");
  EXPECT_EQ(message(1.5), expected + "1.5");
  EXPECT_EQ(message(std::numeric_limits<double>::quiet_NaN()), expected + "nan");
  EXPECT_EQ(
      message(0.95),
      "[split_last] a validation fraction of 0.95 cuts 10 examples into 0 and 10; both parts need at least "
      "one");
  EXPECT_EQ(
      message(1e-9),
      "[split_last] a validation fraction of 1e-09 cuts 10 examples into 10 and 0; both parts need at least "
      "one");
}

}  // namespace
}  // namespace keel::data
