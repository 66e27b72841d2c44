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

/// A download into memory.
class TextTarget final : public HttpTarget {
 public:
  [[nodiscard]] std::size_t size() const override { return text.size(); }
  void append(std::string_view bytes) override { text += bytes; }
  void restart() override {
    ++n_restarts;
    text.clear();
  }
  std::string text;
  std::size_t n_restarts = 0;
};

/// The part of the text that the request's range asks for.
ServerReply part_of(const std::string& text, const std::string& range) {
  if (range.empty()) {
    return {200, text};
  }
  const std::size_t begin = std::stoul(range.substr(range.find('=') + 1));
  return {206,
          text.substr(begin),
          fmt::format("Content-Range: bytes {}-{}/{}\r\n", begin, text.size() - 1, text.size())};
}

TEST(HttpDownload, GoesOnBehindWhatCame) {
  const std::string text(100'000, 'x');
  RowsServer* self = nullptr;
  std::vector<std::string> ranges;
  RowsServer server([&](const std::string&, std::size_t number) {
    ranges.push_back(self->header("Range"));
    ServerReply reply = part_of(text, ranges.back());
    reply.n_missing = number < 3 ? reply.body.size() / 2 : 0;
    return reply;
  });
  self = &server;
  TextTarget target;
  const auto got = HttpClient(quick()).download(server.url(), text.size(), target);
  ASSERT_TRUE(got) << got.failure().message;
  EXPECT_EQ(target.text, text);
  EXPECT_EQ(target.n_restarts, 0U);
  EXPECT_THAT(ranges, ::testing::ElementsAre("", "bytes=50000-", "bytes=75000-", "bytes=87500-"));
}

TEST(HttpDownload, BeginsAgainWhereTheServerDoes) {
  RowsServer server([&](const std::string&, std::size_t) { return ServerReply{200, "whole"}; });
  TextTarget target;
  target.text = "old";
  ASSERT_TRUE(HttpClient(quick()).download(server.url(), 5, target));
  EXPECT_EQ(target.text, "whole");
  EXPECT_EQ(target.n_restarts, 1U);

  RowsServer refusing([&](const std::string&, std::size_t number) {
    return number == 0 ? ServerReply{416, ""} : ServerReply{200, "whole"};
  });
  target.text = "old";
  ASSERT_TRUE(HttpClient(quick()).download(refusing.url(), 5, target));
  EXPECT_EQ(target.text, "whole");
}

TEST(HttpDownload, OtherPartsAndOtherSizesAreRefused) {
  const auto failure_of = [](ServerReply reply, std::string there, std::size_t n_bytes) {
    RowsServer server([&reply](const std::string&, std::size_t) { return reply; });
    TextTarget target;
    target.text = std::move(there);
    return HttpClient(quick()).download(server.url(), n_bytes, target).failure().message;
  };
  EXPECT_THAT(failure_of({206, "le", "Content-Range: bytes 1-2/5\r\n"}, "who", 5),
              HasSubstr("another part than 'bytes 3-"));
  EXPECT_THAT(failure_of({200, "longer"}, "", 5), HasSubstr("more than the 5 bytes"));
  EXPECT_THAT(failure_of({200, "four"}, "", 5), HasSubstr("ends at 4 of 5 bytes"));
}

TEST(HttpDownload, AStatusThatIsNoSuccessAddsNothing) {
  RowsServer server([](const std::string&, std::size_t) { return ServerReply{403, "no"}; });
  TextTarget target;
  const HttpReply reply = HttpClient(quick()).download(server.url(), 5, target).take();
  EXPECT_EQ(reply.status, 403);
  EXPECT_EQ(reply.body, "no");
  EXPECT_EQ(target.text, "");
}

TEST(HttpDownload, AServerThatFallsSilentIsLeft) {
  RowsServer* self = nullptr;
  const std::string text(50, 'x');
  RowsServer server([&](const std::string&, std::size_t number) {
    ServerReply reply = part_of(text, self->header("Range"));
    reply.before_body = milliseconds{number == 0 ? 2500 : 0};
    return reply;
  });
  self = &server;
  TextTarget target;
  ASSERT_TRUE(HttpClient(quick()).download(server.url(), text.size(), target));
  EXPECT_EQ(target.text, text);
}

TEST(HttpToken, GoesToTheHostThatIsAskedAndToNoOther) {
  RowsServer* self = nullptr;
  std::string seen = "not asked";
  RowsServer other([&](const std::string&, std::size_t) {
    seen = self->header("Authorization");
    return ServerReply{200, "body"};
  });
  RowsServer* first = nullptr;
  std::string sent;
  RowsServer server([&](const std::string&, std::size_t) {
    sent = first->header("Authorization");
    return ServerReply{302, "", "Location: " + other.url() + "/there\r\n"};
  });
  self = &other;
  first = &server;
  HttpOptions options = quick();
  options.token = "secret";
  EXPECT_EQ(HttpClient(options).get(server.url()).take(), "body");
  EXPECT_EQ(sent, "Bearer secret");
  EXPECT_EQ(seen, "");
}

TEST(HttpFetch, TheNextPageIsNamed) {
  RowsServer server([](const std::string&, std::size_t number) {
    return ServerReply{
        200,
        "[]",
        number == 0 ? "Link: <http://h/first>; rel=\"prev\", <http://h/?cursor=2>; rel=\"next\"\r\n"
                    : ""};
  });
  HttpClient client(quick());
  EXPECT_EQ(client.fetch(server.url()).take().next_url, "http://h/?cursor=2");
  EXPECT_EQ(client.fetch(server.url()).take().next_url, "");
}

}  // namespace
}  // namespace nibble::data
