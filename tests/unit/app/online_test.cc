#include "app/online.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace nibble::app {
namespace {

TEST(Online, AVariableThatIsSetForbidsTheNetwork) {
  unsetenv("NIBBLE_TEST_OFFLINE");
  check_online({"NIBBLE_TEST_OFFLINE"});
  for (const char* no : {"", "0"}) {
    setenv("NIBBLE_TEST_OFFLINE", no, 1);
    check_online({"NIBBLE_TEST_OFFLINE"});
  }
  setenv("NIBBLE_TEST_OFFLINE", "1", 1);
  EXPECT_THROW(check_online({"NIBBLE_TEST_OFFLINE"}), Error);
  unsetenv("NIBBLE_TEST_OFFLINE");
}

}  // namespace
}  // namespace nibble::app
