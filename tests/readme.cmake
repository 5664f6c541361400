# The examples of README.md, taken out of it, compiled and run: an example that no longer works fails the tests.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md)
file(READ ${PROJECT_SOURCE_DIR}/README.md readme)
set(examples ${CMAKE_CURRENT_BINARY_DIR}/readme)
foreach(example train.cpp keel/nn/swish.h swish_test.cpp log_cosh.h my_model.json layers/swish.cpp)
  string(REGEX REPLACE "(h|cpp)$" "cpp" language ${example})
  string(REGEX REPLACE ".*[.]" "" language ${language})
  set(begin "<!-- example: ${example} -->\n```${language}\n")
  string(FIND "${readme}" "${begin}" position)
  if(position EQUAL -1)
    message(FATAL_ERROR "README.md: expected an example named ${example}, found none")
  endif()
  string(LENGTH "${begin}" length)
  math(EXPR position "${position} + ${length}")
  string(SUBSTRING "${readme}" ${position} -1 code)
  string(FIND "${code}" "```" length)
  string(SUBSTRING "${code}" 0 ${length} code)
  # Left alone if it is the same, so that nothing is compiled anew.
  file(CONFIGURE OUTPUT ${examples}/${example} CONTENT "${code}" @ONLY)
endforeach()

add_executable(readme_train ${examples}/train.cpp)
target_link_libraries(readme_train PRIVATE keel keel_warnings)
# The example says what it reached; fewer than 80 % would be a broken example, not an unlucky one.
add_test(NAME readme.train COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:readme_train>
         "-DPATTERN=test accuracy ([89][0-9]|100)" -P ${CMAKE_CURRENT_SOURCE_DIR}/readme/run_and_match.cmake)

add_executable(readme_layer ${examples}/swish_test.cpp ${examples}/layers/swish.cpp readme/log_cosh.cpp)
target_include_directories(readme_layer PRIVATE ${examples})
target_link_libraries(readme_layer PRIVATE keel keel_warnings GTest::gtest GTest::gtest_main)
add_test(NAME readme.layer COMMAND readme_layer)

if(KEEL_APPS)
  add_test(NAME readme.model COMMAND keel-train --data synthetic --train-limit 200 --epochs 1
           --model ${examples}/my_model.json --out ${examples}/run --overwrite)
endif()
