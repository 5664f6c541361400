# add_name_table(WHAT RESULT FILE...): C++ text for the files src/nn/WHATs/NAME.cpp, each of which has a function NAME.
# WHAT_declarations declares these functions, which return RESULT; WHAT_entries has pairs {"NAME", function}. Names of
# models have dashes for underscores: vgg_small.cpp is vgg-small.
function(add_name_table what result)
  set(declarations)
  set(entries)
  foreach(file IN LISTS ARGN)
    get_filename_component(function ${file} NAME_WE)
    if(what STREQUAL "model")
      string(REPLACE "_" "-" name ${function})
    else()
      set(name ${function})
    endif()
    string(APPEND declarations "${result} ${function}(LayerOptions& options);\n")
    string(APPEND entries "      {\"${name}\", ${what}s::${function}},\n")
  endforeach()
  set(${what}_declarations ${declarations} PARENT_SCOPE)
  set(${what}_entries ${entries} PARENT_SCOPE)
endfunction()
