#include "base/progress.h"

namespace nibble {
namespace {

class Silent final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t /*steps*/) override {}
  void end() override {}
  void note(std::string_view /*line*/) override {}
};

}  // namespace

ProgressSink& silent_progress() noexcept {
  static Silent sink;
  return sink;
}

}  // namespace nibble
