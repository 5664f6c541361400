#include "nn/description/json_text.h"

#include "keel/io/json_text.h"

namespace keel::nn::description {

Json parse_json(std::string_view text, const std::string& where) {
  io::check_json(text, where);
  return Json::parse(text);
}

}  // namespace keel::nn::description
