#include "model/device/page_memory.h"

#include <utility>

namespace nibble::model {
namespace {

class DevicePages final : public PageMemory {
 public:
  explicit DevicePages(std::shared_ptr<ops::Device> device) : device_(std::move(device)) {}

  std::shared_ptr<std::byte[]> allocate(std::size_t n_bytes) override {
    const ops::DeviceBuffer buffer = device_->allocate(n_bytes);
    device_->clear(buffer.data(), n_bytes);
    return {buffer.data(), [buffer](std::byte* /*bytes*/) {}};
  }
  void copy(const std::byte* from, std::byte* to, std::size_t n_bytes) override {
    device_->copy(from, to, n_bytes);
  }

 private:
  std::shared_ptr<ops::Device> device_;
};

}  // namespace

std::shared_ptr<PageMemory> device_page_memory(std::shared_ptr<ops::Device> device) {
  return std::make_shared<DevicePages>(std::move(device));
}

}  // namespace nibble::model
