# The program, its manual page, its completion, guide, examples and recipes as a Debian package: scripts/package. (Recipes are in the program, too.)
set(NIBBLE_HELP_TEXTS nibble.1 nibble.bash _nibble)
add_custom_command(
  OUTPUT ${NIBBLE_HELP_TEXTS}
  COMMAND nibble manual > nibble.1
  COMMAND nibble completion bash > nibble.bash
  COMMAND nibble completion zsh > _nibble
  DEPENDS nibble VERBATIM)
add_custom_target(nibble_help_texts ALL DEPENDS ${NIBBLE_HELP_TEXTS})

install(TARGETS nibble RUNTIME DESTINATION bin)
install(FILES ${CMAKE_BINARY_DIR}/nibble.1 DESTINATION share/man/man1)
install(FILES ${CMAKE_BINARY_DIR}/nibble.bash DESTINATION share/bash-completion/completions RENAME nibble)
install(FILES ${CMAKE_BINARY_DIR}/_nibble DESTINATION share/zsh/vendor-completions)
install(FILES LICENSE DESTINATION share/doc/nibble RENAME copyright)
install(FILES README.md CHANGELOG.md DESTINATION share/doc/nibble)
install(DIRECTORY examples recipes DESTINATION share/doc/nibble)
install(DIRECTORY docs DESTINATION share/doc/nibble PATTERN decisions EXCLUDE PATTERN raw EXCLUDE)

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)  # the tests are not packaged
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the nibble maintainers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "quantizes, runs and judges language models, and advises what to deploy")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS libopenblas0-pthread)  # loaded when a calibrated method wants it
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS bubblewrap)
set(CPACK_STRIP_FILES ON)
include(CPack)
