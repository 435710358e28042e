# The kinds of target in this repository. Every CMakeLists.txt uses only these.

# Warnings, hardening and sanitizers: for our own targets only, so third parties are not affected.
add_library(portcullis_options INTERFACE)
target_compile_options(portcullis_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # Designated initialisers name what they set; the rest is meant to have its default.
  -Wno-missing-field-initializers)
if(PORTCULLIS_SANITIZE)
  target_compile_options(portcullis_options INTERFACE
    -fsanitize=${PORTCULLIS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(portcullis_options INTERFACE -fsanitize=${PORTCULLIS_SANITIZE})
  if(PORTCULLIS_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Boost.Asio uses atomic_thread_fence, of which the sanitizer only says that it cannot see it.
    target_compile_options(portcullis_options INTERFACE -Wno-tsan)
  endif()
endif()
if(PORTCULLIS_HARDEN)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  target_compile_options(portcullis_options INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong
    -fstack-clash-protection -fcf-protection -fPIE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC bug 105651: "a" + std::string is taken for an overlapping copy when it is inlined.
    target_compile_options(portcullis_options INTERFACE -Wno-restrict)
  endif()
  target_link_options(portcullis_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()

# portcullis_library(<name> SOURCES <file>... [DEPS <target>...] [THIRD_PARTY <target>...])
# DEPS are seen by users of the library; THIRD_PARTY is hidden behind our headers.
function(portcullis_library name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "" "SOURCES;DEPS;THIRD_PARTY")
  add_library(portcullis_${name} STATIC ${ARG_SOURCES})
  add_library(portcullis::${name} ALIAS portcullis_${name})
  target_include_directories(portcullis_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(portcullis_${name} PUBLIC ${ARG_DEPS} tl::expected
                                           PRIVATE ${ARG_THIRD_PARTY} portcullis_options)
endfunction()

# portcullis_program(<name> MAIN <file> DEPS <target>...): a program in build/<preset>/bin.
function(portcullis_program name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "MAIN" "DEPS")
  add_executable(${name} ${ARG_MAIN})
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} portcullis_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# portcullis_tests(<name> DIR <mirrored directory> DEPS <target>...)
# Takes every *_test.cpp of the directory: a test file cannot be left out of the build.
function(portcullis_tests name)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "" "DIR" "DEPS")
  file(GLOB sources CONFIGURE_DEPENDS ${ARG_DIR}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name}_tests ${sources})
  target_include_directories(${name}_tests PRIVATE ${PROJECT_SOURCE_DIR})
  # Tests run in the checkout's root; a relative path lets the compiler cache serve every checkout.
  target_compile_definitions(${name}_tests PRIVATE PORTCULLIS_SOURCE_DIR=".")
  target_link_libraries(${name}_tests PRIVATE ${ARG_DEPS} GTest::gmock_main portcullis_options)
  gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. DISCOVERY_TIMEOUT 60
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES TIMEOUT 120)
endfunction()
