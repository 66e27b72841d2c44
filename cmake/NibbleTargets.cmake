# The sets of kernels of this processor's family, slowest first: a folder each in src/kernels.
set(NIBBLE_ISAS generic)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(APPEND NIBBLE_ISAS avx2 avx512 avx512fma)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  list(APPEND NIBBLE_ISAS neon)
endif()

# With NIBBLE_UNITY up to eight files are compiled as one, but for those whose helpers have names that other
# files use, too, and those with options of their own.
function(nibble_unity target)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${NIBBLE_UNITY} UNITY_BUILD_BATCH_SIZE 8)
  if(NIBBLE_UNITY)  # a type of one file alone is taken for one that all who include that file have
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# nibble_library(quant SOURCES a.cc b.cc DEPS base tensor [LINK PkgConfig::pcre2] [SEPARATE a.cc ...])
#   One static library a folder. DEPS is the folder's row of the include table (scripts/check_includes.py
#   compares it with every #include); LINK names outside libraries that the sources need.
function(nibble_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK;SEPARATE" ${ARGN})
  add_library(nibble_${name} STATIC ${ARG_SOURCES})
  nibble_unity(nibble_${name} ${ARG_SEPARATE})
  add_library(nibble::${name} ALIAS nibble_${name})
  target_include_directories(nibble_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM ARG_DEPS PREPEND nibble::)
  target_link_libraries(nibble_${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_LINK} nibble_warnings)
endfunction()

# nibble_tests(quant SOURCES unit/quant/a_test.cc ... DEPS quant [LABELS slow] [ISA avx2 avx512] [SEPARATE a_test.cc ...])
#   One test program a folder; each test case is a test of its own to ctest. With ISA every case runs once
#   for each instruction set, forced by NIBBLE_ISA.
function(nibble_tests name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LINK;LABELS;ISA;SEPARATE" ${ARGN})
  add_executable(${name}_tests ${ARG_SOURCES})
  target_include_directories(${name}_tests PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  nibble_unity(${name}_tests ${ARG_SEPARATE})
  # What is tested is optimised in full; the tests themselves take half of a build from nothing.
  target_compile_options(${name}_tests PRIVATE $<$<CONFIG:Release>:-O1>)
  list(TRANSFORM ARG_DEPS PREPEND nibble::)
  target_link_libraries(${name}_tests PRIVATE ${ARG_DEPS} nibble_test_support ${ARG_LINK} nibble_warnings
                                              GTest::gmock GTest::gtest_main)
  set_target_properties(${name}_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(discovery DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600)
  if(ARG_LABELS)  # an empty value would be lost, and each later name taken for the value before it
    list(APPEND discovery LABELS "${ARG_LABELS}")
  endif()
  if(NOT ARG_ISA)
    gtest_discover_tests(${name}_tests TEST_PREFIX "${name}." ${discovery})
  endif()
  foreach(isa IN LISTS ARG_ISA)
    gtest_discover_tests(${name}_tests TEST_PREFIX "${name}.${isa}." ${discovery} ENVIRONMENT "NIBBLE_ISA=${isa}")
  endforeach()
endfunction()
