# Every library is found in the system (dev, tsan, clang) or in the static prefix that third_party/build.sh
# made (release), never fetched here. The names are the same in both worlds.
find_package(Threads REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
if(SP_PORTABLE_ONLY)
  # Header-only use. These headers know no architecture, but their folder is full of the host's own, so the
  # cross compiler sees links to them in a folder of their own.
  set(headers ${PROJECT_BINARY_DIR}/portable-headers)
  file(MAKE_DIRECTORY ${headers})
  foreach(library fmt nlohmann)
    if(NOT EXISTS /usr/include/${library})
      message(FATAL_ERROR "No headers in /usr/include/${library}: run tools/install_deps.sh build")
    endif()
    file(CREATE_LINK /usr/include/${library} ${headers}/${library} SYMBOLIC)
  endforeach()
  add_library(fmt::fmt INTERFACE IMPORTED)
  target_include_directories(fmt::fmt INTERFACE ${headers})
  target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY=1)
  add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
  target_include_directories(nlohmann_json::nlohmann_json INTERFACE ${headers})
  return()
endif()
if(NOT CMAKE_CROSSCOMPILING AND NOT SP_STATIC)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
if(SP_STATIC)
  set(Boost_USE_STATIC_LIBS ON)
  set(OPENSSL_USE_STATIC_LIBS ON)
endif()
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS
  atomic chrono date_time filesystem random regex system thread)

# third_party::<name> for a library that brings no CMake package of its own, or one that is wrong for
# static linking: lib<name>, the header that shows where its headers are, and what it needs behind it.
function(sp_third_party name header)
  find_library(SP_LIB_${name} ${name} REQUIRED)
  find_path(SP_INCLUDE_${name} ${header} REQUIRED)
  add_library(third_party::${name} UNKNOWN IMPORTED GLOBAL)
  set_target_properties(third_party::${name} PROPERTIES
    IMPORTED_LOCATION "${SP_LIB_${name}}"
    INTERFACE_INCLUDE_DIRECTORIES "${SP_INCLUDE_${name}}"
    INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()
sp_third_party(blkid blkid/blkid.h)
if(SP_STATIC)
  # What the shared object brings along by itself.
  sp_third_party(uuid uuid/uuid.h)
  sp_third_party(devmapper libdevmapper.h Threads::Threads m)
  sp_third_party(json-c json-c/json.h)
  sp_third_party(argon2 argon2.h Threads::Threads)
  sp_third_party(cryptsetup libcryptsetup.h third_party::devmapper third_party::uuid third_party::blkid
    third_party::json-c third_party::argon2 OpenSSL::Crypto m)
else()
  sp_third_party(cryptsetup libcryptsetup.h)
endif()
sp_third_party(cpprest cpprest/http_client.h
  Boost::filesystem Boost::thread Boost::chrono Boost::date_time Boost::regex Boost::random
  Boost::atomic Boost::system OpenSSL::SSL OpenSSL::Crypto Threads::Threads)
