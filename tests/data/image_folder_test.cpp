#include "keel/data/image_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "data/image_support.h"
#include "keel/core/error.h"
#include "keel/data/idx.h"
#include "keel/data/load.h"
#include "support/threads.h"

namespace keel::data {
namespace {

using testing::counting_image;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::message_of;
using ::testing::StartsWith;
using testing::write_bytes;
namespace fs = std::filesystem;

class ImageFolder : public ::testing::Test {
 protected:
  // Image i of a class is filled with i.
  void write_class(const std::string& folder, int count, const Shape& shape = {2, 3, 1}) {
    fs::create_directories(root() / folder);
    for (int i = 0; i < count; ++i) {
      write_png(root() / folder / fmt::format("{:03}.png", i), Tensor::full(shape, i, DType::uint8));
    }
  }
  fs::path root() const { return directory_.path(); }
  std::string at(const std::string& name) const { return (root() / name).string(); }
  std::string complaint(const ImageFolderOptions& options = {}) const {
    return message_of<FileError>([&] { load_image_folders(root(), options); });
  }
  testing::TemporaryDirectory directory_;
};

// (label, fill) of each example.
std::vector<std::pair<int, int>> contents(const Dataset& dataset) {
  std::vector<std::pair<int, int>> all;
  for (std::int32_t i = 0; i < dataset.size(); ++i) {
    const Batch batch = dataset.gather(std::vector<std::int32_t>{i});
    all.emplace_back(batch.labels.data<std::int32_t>()[0],
                     static_cast<int>(std::lround(batch.inputs.data<float>()[0] * 255)));
  }
  return all;
}

TEST_F(ImageFolder, FollowsLinksToFolders) {
  write_class("set/cat", 2);
  write_class("set/dog", 2);
  write_class("more/old", 3);
  fs::create_directory_symlink(root() / "more", root() / "set/cat/more");
  const auto data = load_image_folder(root() / "set");
  EXPECT_EQ(data->size(), 7);
  const std::string again =
      ": a link to a folder of other images expected, found one whose images are there already";
  for (const char* target : {"set/cat", "set", "more/old"}) {
    fs::create_directory_symlink(root() / target, root() / "set/cat/z");
    const std::string message = message_of<FileError>([&] { load_image_folder(root() / "set"); });
    EXPECT_THAT(message, StartsWith(at("set/cat/")));
    EXPECT_THAT(message, EndsWith(again));
    fs::remove(root() / "set/cat/z");
  }
  fs::create_directory_symlink(".", root() / "more/here");
  EXPECT_EQ(message_of<FileError>([&] { load_image_folder(root() / "set"); }),
            at("set/cat/more/here") + again);
}

TEST_F(ImageFolder, HasOneClassAFolderInOrderOfNames) {
  write_class("dog", 3);
  write_class("Cat", 2);
  write_class("emu/young", 1);
  write_class(".git", 1, {9, 9, 3});
  write_bytes(root() / "dog" / "Thumbs.db", {1, 2});
  write_bytes(root() / "dog" / "._000.png", {1, 2});
  write_bytes(root() / "README.txt", {'a'});
  fs::rename(root() / "dog" / "001.png", root() / "dog" / "001.PNG");
  const auto dataset = load_image_folder(root());
  EXPECT_EQ(dataset->class_names(), (std::vector<std::string>{"Cat", "dog", "emu"}));
  EXPECT_EQ(dataset->num_classes(), 3);
  EXPECT_EQ(dataset->example_shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(dataset->description(), "image folder, 6 examples from " + root().string());
  const auto all = contents(*dataset);
  EXPECT_EQ((std::multiset<std::pair<int, int>>(all.begin(), all.end())),
            (std::multiset<std::pair<int, int>>{{0, 0}, {0, 1}, {1, 0}, {1, 1}, {1, 2}, {2, 0}}));
}

TEST_F(ImageFolder, MixesClassesTheSameWayEachTime) {
  write_class("a", 40);
  write_class("b", 20);
  write_class("c", 10);
  const auto dataset = load_image_folder(root());
  const auto all = contents(*dataset);
  ASSERT_EQ(all.size(), 70U);
  // Every seventh of it takes its due of each class.
  for (std::size_t begin = 0; begin < 70; begin += 14) {
    std::map<int, int> counts;
    for (std::size_t i = begin; i < begin + 14; ++i) ++counts[all[i].first];
    EXPECT_NEAR(counts[0], 8, 1);
    EXPECT_NEAR(counts[1], 4, 1);
    EXPECT_NEAR(counts[2], 2, 1);
  }
  // Not in order of names within a class.
  std::vector<int> of_a;
  for (const auto& [label, fill] : all) {
    if (label == 0) of_a.push_back(fill);
  }
  EXPECT_FALSE(std::is_sorted(of_a.begin(), of_a.end()));
  for (const int threads : {1, 3}) {
    const keel::testing::ThreadsGuard guard(threads);
    EXPECT_EQ(load_image_folder(root())->fingerprint(), dataset->fingerprint());
  }
}

TEST_F(ImageFolder, WithoutPartsIsSplit) {
  write_class("a", 10);
  write_class("b", 10);
  const TrainTest sets = load_image_folders(root());
  EXPECT_EQ(sets.train->size(), 16);
  EXPECT_EQ(sets.test->size(), 4);
  EXPECT_EQ(sets.validation, nullptr);
  EXPECT_EQ(sets.test->class_names(), (std::vector<std::string>{"a", "b"}));
  std::map<int, int> counts;
  for (const auto& [label, fill] : contents(*sets.test)) ++counts[label];
  EXPECT_EQ(counts, (std::map<int, int>{{0, 2}, {1, 2}}));
  EXPECT_EQ(load_image_folders(root(), {.test_fraction = 0.5}).test->size(), 10);
}

TEST_F(ImageFolder, WithPartsHasThem) {
  write_class("train/a", 3);
  write_class("train/b", 4);
  write_class("val/b", 2);
  TrainTest sets = load_image_folders(root());
  EXPECT_EQ(sets.train->size(), 7);
  EXPECT_EQ(sets.test->size(), 2);
  EXPECT_EQ(sets.validation, nullptr);
  // The training part's classes: its only folder is not class 0.
  EXPECT_EQ(sets.test->class_names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(contents(*sets.test)[0].first, 1);

  write_class("test/a", 1);
  sets = load_image_folders(root());
  EXPECT_EQ(sets.test->size(), 1);
  ASSERT_NE(sets.validation, nullptr);
  EXPECT_EQ(sets.validation->size(), 2);

  write_class("test/c", 1);
  EXPECT_EQ(complaint(), at("test/c") + ": one of the classes a, b expected, found another");
}

TEST_F(ImageFolder, HasTheClassesItIsTold) {
  write_class("b", 2);
  const auto dataset = load_image_folder(root(), {.classes = {"c", "b", "a"}});
  EXPECT_EQ(dataset->class_names(), (std::vector<std::string>{"c", "b", "a"}));
  EXPECT_EQ(contents(*dataset)[0].first, 1);
  write_class("d", 1);
  EXPECT_EQ(message_of<FileError>([&] {
              load_image_folder(root(), {.classes = {"c", "b", "a"}});
            }),
            at("d") + ": one of the classes c, b, a expected, found another");
}

TEST_F(ImageFolder, IsGrayIfAllFilesAre) {
  write_class("a", 1);
  write_class("b", 1);
  EXPECT_EQ(load_image_folder(root())->example_shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(load_image_folder(root(), {.channels = ImageChannels::color})->example_shape(), (Shape{2, 3, 3}));
  write_class("c", 1, {2, 3, 3});
  EXPECT_EQ(load_image_folder(root())->example_shape(), (Shape{2, 3, 3}));
  EXPECT_EQ(load_image_folder(root(), {.channels = ImageChannels::gray})->example_shape(), (Shape{2, 3, 1}));
}

TEST_F(ImageFolder, WantsOneSizeOrResizes) {
  write_class("a", 2, {4, 4, 1});
  write_class("b", 3, {4, 5, 1});
  EXPECT_EQ(complaint(),
            at("b/000.png") + ": an image of 4x4 (height x width) as " + at("a/000.png") +
                " expected, found 4x5; resizing makes them equal (and 2 more files cannot be used)");
  const auto dataset = load_image_folder(root(), {.resize = ImageSize{.height = 3, .width = 2}});
  EXPECT_EQ(dataset->example_shape(), (Shape{3, 2, 1}));
  EXPECT_EQ(dataset->size(), 5);
}

TEST_F(ImageFolder, NamesTheFirstFileThatCannotBeUsed) {
  write_class("a", 4);
  write_class("b", 4);
  write_bytes(root() / "b/002.png", {'n', 'o', 'n', 'e'});
  const std::string one =
      at("b/002.png") + ": a PNG or JPEG image expected, found a file that begins with 6e 6f 6e 65";
  EXPECT_EQ(complaint(), one);
  write_bytes(root() / "b/003.png", {});
  EXPECT_EQ(complaint(), one + " (and 1 more file cannot be used)");
}

TEST_F(ImageFolder, RefusesWhatHasNoClasses) {
  EXPECT_EQ(complaint(), root().string() + ": folders of at least 2 classes expected, found ");
  write_class("a", 1);
  EXPECT_EQ(complaint(), root().string() + ": folders of at least 2 classes expected, found a");
  fs::create_directory(root() / "b");
  EXPECT_EQ(complaint(), at("b") + ": at least one image (.png, .jpg, .jpeg) expected, found none");
  write_bytes(root() / "b" / "x.BMP", {1});
  EXPECT_EQ(complaint(), at("b/x.BMP") + ": a PNG or JPEG image expected, found .bmp");
  fs::remove_all(root() / "b");
  write_class("b\xff", 1);
  EXPECT_EQ(complaint(), at("b\xff") + ": a class's name in UTF-8 without control characters expected");
  fs::remove_all(root() / "b\xff");
  write_class("\u00e9t\u00e9", 1);
  EXPECT_EQ(load_image_folder(root())->class_names()[1], "\u00e9t\u00e9");
}

TEST_F(ImageFolder, LoadTellsKindsApart) {
  EXPECT_EQ(kind_of_data_set("synthetic"), DataKind::synthetic);
  EXPECT_THAT(message_of<FileError>([&] { kind_of_data_set(at("nowhere")); }),
              StartsWith(at("nowhere") + ": no such directory"));
  EXPECT_THAT(message_of<FileError>([&] { kind_of_data_set(root()); }), HasSubstr("found neither"));
  write_class("a", 5);
  write_class("b", 5);
  EXPECT_EQ(kind_of_data_set(root()), DataKind::image_folder);
  const TrainTest sets = load_data_set(root(), {.image_folder = {.test_fraction = 0.4}});
  EXPECT_EQ(sets.train->size(), 6);
  EXPECT_EQ(name_of_data_set(root(), sets), root().filename().string());
  // MNIST's files beside folders (a cache, say) are what is meant.
  write_idx(root() / "train-images-idx3-ubyte", Tensor::zeros({3, 2, 2}, DType::uint8));
  EXPECT_EQ(kind_of_data_set(root()), DataKind::mnist_format);
  EXPECT_THAT(message_of<FileError>([&] { load_data_set(root()); }), HasSubstr("found none of train-labels"));
  EXPECT_EQ(load_data_set("synthetic", {.synthetic = {.train_count = 20, .test_count = 10}}).test->size(),
            10);
}

TEST(ClassNames, AreNumbersUnlessTheDataNameThem) {
  const auto dataset = testing::counting_dataset(6);
  EXPECT_EQ(dataset->class_names(), (std::vector<std::string>{"0", "1", "2"}));
  const ImageDatasetOptions named = {.images = dataset->images(),
                                     .labels = dataset->labels(),
                                     .num_classes = 3,
                                     .description = "named",
                                     .class_names = {"a", "b", "c"}};
  const auto with_names = std::make_shared<ImageDataset>(named);
  EXPECT_EQ(take(with_names, 2)->class_names(), named.class_names);
  EXPECT_EQ(with_names->fingerprint(), dataset->fingerprint());
  ImageDatasetOptions wrong = named;
  wrong.class_names.pop_back();
  EXPECT_EQ(message_of<ValueError>([&] { ImageDataset{wrong}; }),
            "[image_dataset] named: names of 3 classes expected, found 2");
}

}  // namespace
}  // namespace keel::data
