# add_name_table(WHAT RESULT ARGUMENTS FILE...): C++ text for the files WHATs/NAME.cpp, each of which has a function NAME.
# WHAT_declarations declares these functions, which take ARGUMENTS and return RESULT; WHAT_entries has pairs
# {"NAME", function}, and WHAT_calls calls of the functions without arguments. Names of models have dashes for
# underscores: vgg_small.cpp is vgg-small.
function(add_name_table what result arguments)
  set(declarations)
  set(entries)
  set(calls)
  foreach(file IN LISTS ARGN)
    get_filename_component(function ${file} NAME_WE)
    if(what STREQUAL "model")
      string(REPLACE "_" "-" name ${function})
    else()
      set(name ${function})
    endif()
    string(APPEND declarations "${result} ${function}(${arguments});\n")
    string(APPEND calls "      ${function}(),\n")
    string(APPEND entries "      {\"${name}\", ${what}s::${function}},\n")
  endforeach()
  set(${what}_declarations ${declarations} PARENT_SCOPE)
  set(${what}_entries ${entries} PARENT_SCOPE)
  set(${what}_calls ${calls} PARENT_SCOPE)
endfunction()
