# What NIBBLE_KERNELS_ONLY needs, as headers and sources of this machine: they fit every processor.
# Behind the system's folders (-idirafter), because beside them lie the headers of this machine's C library.
function(nibble_header_library target header)
  string(MAKE_C_IDENTIFIER NIBBLE_${header} variable)
  find_path(${variable} ${header} PATHS /usr/include REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_compile_options(${target} INTERFACE -idirafter ${${variable}})
endfunction()
find_package(Threads REQUIRED)
nibble_header_library(fmt::fmt fmt/format.h)
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
nibble_header_library(nlohmann_json::nlohmann_json nlohmann/json.hpp)
if(NIBBLE_TESTS)
  find_path(NIBBLE_GOOGLETEST_DIR googletest/include/gtest/gtest.h PATHS /usr/src/googletest
            REQUIRED NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
  set(INSTALL_GTEST OFF)
  add_subdirectory(${NIBBLE_GOOGLETEST_DIR} ${CMAKE_BINARY_DIR}/googletest EXCLUDE_FROM_ALL SYSTEM)
  include(GoogleTest)
endif()
