# One module = one static library sp_<name>, usable as stillpoint::<name>. Every module gets the same
# warnings and hardening through sp_settings; third-party code does not, because it never links it.
function(sp_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPENDS;PRIVATE")
  add_library(sp_${name} STATIC ${ARG_SOURCES})
  add_library(stillpoint::${name} ALIAS sp_${name})
  target_link_libraries(sp_${name} PUBLIC ${ARG_DEPENDS} PRIVATE sp_settings ${ARG_PRIVATE})
  target_include_directories(sp_${name} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
endfunction()

# Headers only: the seams.
function(sp_add_interface name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "DEPENDS")
  add_library(sp_${name} INTERFACE)
  add_library(stillpoint::${name} ALIAS sp_${name})
  target_link_libraries(sp_${name} INTERFACE ${ARG_DEPENDS})
  target_include_directories(sp_${name} INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
endfunction()

# One GoogleTest program per module, one ctest entry per test. LABELS: unit (default), integration, e2e.
function(sp_add_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPENDS;LABELS")
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} sp_settings GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 120)
endfunction()
