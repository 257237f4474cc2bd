# Warnings, sanitizers and hardening of our own code. Third-party code never links this target.
add_library(sp_settings INTERFACE)
target_compile_options(sp_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast>
  # Designated initializers name what matters; what they leave out has its default.
  -Wno-missing-field-initializers
  # Objects must not name the folder they were built in: ccache hits in another work tree, and
  # the shipped file says nothing about the build machine.
  "-ffile-prefix-map=${PROJECT_SOURCE_DIR}=." "-ffile-prefix-map=${PROJECT_BINARY_DIR}=build")
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  # Small rather than fast: nothing of ours is bound by computing, and the zip goes to every machine.
  target_compile_options(sp_settings INTERFACE -fstack-protector-strong -Os)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # It sees overlaps in plain assignments to std::string: https://gcc.gnu.org/PR105651.
    target_compile_options(sp_settings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
  endif()
endif()
if(SP_FUZZ)
  # Coverage for libFuzzer; only the fuzz targets link it.
  target_compile_options(sp_settings INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SP_SANITIZE)
  target_compile_options(sp_settings INTERFACE -fsanitize=${SP_SANITIZE} -fno-omit-frame-pointer)
  # Everything that is linked must carry the runtime, so the whole build gets the link option.
  add_link_options(-fsanitize=${SP_SANITIZE})
  if(SP_SANITIZE MATCHES "undefined")
    target_compile_options(sp_settings INTERFACE -fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # At every access to a member: together a fifth of the whole build. A null pointer ends in ASan as
      # well, and the clang build looks for both.
      target_compile_options(sp_settings INTERFACE -fno-sanitize=null,alignment)
    endif()
  endif()
endif()
