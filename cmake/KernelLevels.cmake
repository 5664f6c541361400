# add_kernel_levels(NAME OBJECTS SOURCE...): compiles kernels once for each instruction set level, as src/kernels/kernel.h
# says, in the targets NAME_v2, NAME_v3 and so on. Their objects go into the variable OBJECTS, the levels into
# kernel_levels.
function(add_kernel_levels name objects)
  if(KEEL_NATIVE)
    set(levels native)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set(levels v2 v3 v4)
  else()
    set(levels base)
  endif()
  set(all)
  foreach(level IN LISTS levels)
    if(level STREQUAL "base")
      set(architecture)
    elseif(level STREQUAL "native" AND NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      set(architecture -mcpu=native)
    elseif(level STREQUAL "native")
      set(architecture -march=native -mprefer-vector-width=512)
    else()
      set(architecture -march=x86-64-${level} -mprefer-vector-width=512)
    endif()
    # What sanitizers add to fully optimised kernels takes minutes to compile. Nothing is inlined less for it.
    set(optimisation -O3)
    if(KEEL_SANITIZE AND KEEL_NATIVE AND NOT KEEL_FUZZ)
      set(optimisation -O1 -finline-functions $<$<CXX_COMPILER_ID:GNU>:-finline-small-functions>)
    endif()
    add_library(${name}_${level} OBJECT ${ARGN})
    target_compile_definitions(${name}_${level} PRIVATE KEEL_ISA=${level})
    target_compile_options(${name}_${level} PRIVATE
      # Always optimised: a kernel that is not inlines nothing, and what is not inlined could be linked into code for a
      # lesser level. Mathematics stays IEEE but for two things no kernel relies on: errno and trapping.
      ${optimisation} -fno-math-errno -fno-trapping-math -ffp-contract=fast
      ${architecture})
    target_include_directories(${name}_${level} PRIVATE ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(${name}_${level} PRIVATE keel_kernel_options OpenMP::OpenMP_CXX)
    list(APPEND all $<TARGET_OBJECTS:${name}_${level}>)
  endforeach()
  set(${objects} ${all} PARENT_SCOPE)
  set(kernel_levels ${levels} PARENT_SCOPE)
endfunction()
