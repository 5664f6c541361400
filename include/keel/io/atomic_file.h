// Files that are whole or not there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace keel::io {

// Writes the parts, one after the other, as the whole content of a file. Whatever happens on the way (a full
// disk, a kill, a power cut), the path holds afterwards what it held before, or all of the new content: it is
// written to PATH.part beside it, brought to the disk (fsync), renamed, and the renaming brought to the disk.
// PATH.part is removed if writing fails; one that a killed program left is overwritten.
//   throws: FileError naming the path and the reason, also if the path is something else than a file
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);
void write_file_atomically(const std::filesystem::path& path, const std::string& text);

// Makes a directory, and those above it that are missing, and brings their names to the disk: otherwise a
// power cut may take a directory away with all the files in it that are on the disk already.
//   throws: FileError naming the path and the reason
void make_directories(const std::filesystem::path& path);

// Renames a file in its directory, in place of another one if there is one, and brings the renaming to the
// disk.
//   throws: FileError naming both and the reason
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

// The content of a file.
//   throws: FileError naming the path and the reason: it cannot be read, is no regular file, or has more than
//   max_bytes, in which case nothing of it is read
std::string read_file(const std::filesystem::path& path, std::size_t max_bytes);

}  // namespace keel::io
