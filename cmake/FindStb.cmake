# The headers of stb, https://github.com/nothings/stb: stb_image.h and stb_image_write.h (Debian: libstb-dev).
# Makes the target Stb::Stb. Its include directory is a system's, as imported targets' are.
include(FindPackageHandleStandardArgs)
find_path(STB_INCLUDE_DIR NAMES stb_image.h PATH_SUFFIXES stb)
find_path(STB_WRITE_INCLUDE_DIR NAMES stb_image_write.h HINTS ${STB_INCLUDE_DIR} PATH_SUFFIXES stb)
mark_as_advanced(STB_INCLUDE_DIR STB_WRITE_INCLUDE_DIR)
find_package_handle_standard_args(Stb REQUIRED_VARS STB_INCLUDE_DIR STB_WRITE_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "stb_image.h and stb_image_write.h read and write image files. Debian and Ubuntu: apt install \
libstb-dev. Elsewhere: -DSTB_INCLUDE_DIR=DIR of https://github.com/nothings/stb")
if(Stb_FOUND AND NOT TARGET Stb::Stb)
  add_library(Stb::Stb INTERFACE IMPORTED)
  target_include_directories(Stb::Stb INTERFACE ${STB_INCLUDE_DIR} ${STB_WRITE_INCLUDE_DIR})
endif()
