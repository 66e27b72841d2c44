#include "data/http.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rows_server.h"

namespace nibble::data {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

HttpOptions quick() {
  HttpOptions options;
  options.first_pause = milliseconds{1};
  options.longest_pause = milliseconds{20};
  options.timeout = milliseconds{400};
  return options;
}

TEST(Http, GivesTheBody) {
  RowsServer server([](const std::string&, std::size_t) { return ServerReply{200, "hello"}; });
  EXPECT_EQ(HttpClient(quick()).get(server.url() + "/x?y=1").take(), "hello");
  EXPECT_THAT(server.targets(), ::testing::ElementsAre("/x?y=1"));
}

TEST(Http, TriesAgainWhereThatMayHelp) {
  RowsServer server([](const std::string&, std::size_t number) -> ServerReply {
    switch (number) {
      case 0:
        return {429, "slow down", "Retry-After: 1\r\n"};  // more than longest_pause
      case 1:
        return {500, "oops"};
      case 2:
        return {200, "cut short", "", 4};
      case 3:
        return {200, "late", "", 0, milliseconds{900}};  // beyond the time-out
      case 4:
        return {.closes_at_once = true};
      default:
        return {200, "at last"};
    }
  });
  EXPECT_EQ(HttpClient(quick()).get(server.url()).take(), "at last");
  EXPECT_EQ(server.targets().size(), 6U);
}

TEST(Http, GivesUpAfterTheLastAttempt) {
  RowsServer server([](const std::string&, std::size_t) { return ServerReply{503, "busy"}; });
  const auto got = HttpClient(quick()).get(server.url());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.failure().code, ErrorCode::kIo);
  EXPECT_THAT(got.failure().message, HasSubstr("status 503: busy (6 attempts)"));
}

TEST(Http, OtherStatusesEndAtOnceWithWhatTheServerSaid) {
  RowsServer server([](const std::string&, std::size_t) {
    return ServerReply{404, "no such set"};
  });
  const auto got = HttpClient(quick()).get(server.url());
  EXPECT_THAT(got.failure().message, HasSubstr("status 404: no such set"));
  EXPECT_EQ(server.targets().size(), 1U);
}

TEST(Http, ABodyAboveTheBoundIsRefused) {
  RowsServer server([](const std::string&, std::size_t) {
    return ServerReply{200, std::string(5000, 'x')};
  });
  HttpOptions options = quick();
  options.max_bytes = 1000;
  const auto got = HttpClient(options).get(server.url());
  EXPECT_THAT(got.failure().message, HasSubstr("a body above 1000 bytes"));
  EXPECT_EQ(server.targets().size(), 1U);
}

TEST(Http, NothingButHttpIsRead) {
  EXPECT_FALSE(HttpClient(quick()).get("file:///etc/hostname"));
  RowsServer server([](const std::string&, std::size_t) {
    return ServerReply{302, "", "Location: file:///etc/hostname\r\n"};
  });
  EXPECT_FALSE(HttpClient(quick()).get(server.url()));
}

TEST(Http, QueriesAreEncoded) {
  EXPECT_EQ(url_encoded("allenai/ai2_arc"), "allenai%2Fai2_arc");
  EXPECT_EQ(url_encoded("a b&c=\xc3\xa9"), "a%20b%26c%3D%C3%A9");
}

}  // namespace
}  // namespace nibble::data
