# nibble_embed(target NAME vega FILES a.js b.js)
#   Builds the files' bytes into the target. Declares, in "embedded/<NAME>.h",
#   std::span<const EmbeddedFile> nibble::<NAME>_files() in the order given.
function(nibble_embed target)
  cmake_parse_arguments(ARG "" "NAME" "FILES" ${ARGN})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(script ${CMAKE_SOURCE_DIR}/cmake/write_embedded.cmake)
  list(JOIN ARG_FILES "|" files)
  add_custom_command(
    OUTPUT ${folder}/${ARG_NAME}.cc ${folder}/${ARG_NAME}.h
    COMMAND ${CMAKE_COMMAND} "-DNAME=${ARG_NAME}" "-DFOLDER=${folder}" "-DFILES=${files}" -P ${script}
    DEPENDS ${ARG_FILES} ${script}
    VERBATIM)
  target_sources(${target} PRIVATE ${folder}/${ARG_NAME}.cc ${folder}/${ARG_NAME}.h)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
