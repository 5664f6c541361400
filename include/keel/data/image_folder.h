// Image folders: one folder of images a class, as torchvision's ImageFolder and Keras read them.
//
//   DIR/cat/1.png DIR/cat/2.jpg DIR/dog/1.png ...            one set, to be split
//   DIR/train/cat/1.png ... DIR/test/cat/9.png ...           with a part for each purpose
//
// Classes are the folders' names in order of their bytes. Images are the files that end in .png, .jpg or
// .jpeg, in any case of letters, at any depth below their class's folder. Names that begin with a dot are
// passed over, and so are files that are no images; image files of other formats are errors. Symbolic links
// are followed; one to a folder whose images the class has already, as a link in a circle is, is an error.
//
// Examples come in an order that mixes the classes: each class's files are shuffled by a fixed seed, then
// spread evenly. So each run meets the same order, and every cut of it takes of all classes what is their
// due.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keel/data/dataset.h"
#include "keel/data/image_file.h"

namespace keel::data {

struct ImageSize {
  Index height = 0;
  Index width = 0;
};

struct ImageFolderOptions {
  // Brings every image to this size (resize_image of image_transform.h); else all must have the same.
  std::optional<ImageSize> resize = std::nullopt;
  // as_stored: gray if all files of all parts are gray, colour if any is not.
  ImageChannels channels = ImageChannels::as_stored;
  // The classes, in the order of labels, of which a folder may lack some; empty: those of the (training)
  // folder.
  std::vector<std::string> classes = {};
  // Of a directory without parts: the share of the examples that become the test set.
  double test_fraction = 0.2;
};

// The images of a folder of classes.
//   throws: FileError naming the first file, in order of path, that cannot be used, and how many more:
//   read_image says why, or it has another size than the first; FileError if there are fewer than 2 classes
//   or one is empty
std::shared_ptr<const ImageDataset> load_image_folder(const std::filesystem::path& directory,
                                                      const ImageFolderOptions& options = {});

// The parts of a directory. With folders train and test they are these, and validation is a folder val, valid
// or validation if there is one; with train and only such a folder, that is the test set. Otherwise the
// directory is a folder of classes, of which the last examples become the test set. The classes are those of
// the training part; others may lack some of them.
//   throws: as load_image_folder, also if a part has a class or a size that the training part does not have;
//   ValueError if test_fraction is not inside (0, 1) or leaves one part empty
TrainTest load_image_folders(const std::filesystem::path& directory, const ImageFolderOptions& options = {});

// Whether a directory looks like one of the two, by the names of its folders only.
bool is_image_folder(const std::filesystem::path& directory);

}  // namespace keel::data
