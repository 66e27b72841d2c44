# Warnings for our own targets only; users who embed the libraries do not inherit them.
add_library(nibble_warnings INTERFACE)
target_compile_options(nibble_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wdouble-promotion>)
if(NIBBLE_WERROR)
  target_compile_options(nibble_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
