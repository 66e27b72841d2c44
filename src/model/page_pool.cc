#include "model/page_pool.h"

#include <cstring>

#include "tensor/tensor.h"

namespace nibble::model {
namespace {

class HostPages final : public PageMemory {
 public:
  std::shared_ptr<std::byte[]> allocate(std::size_t n_bytes) override {
    return allocate_aligned(n_bytes);
  }
  void copy(const std::byte* from, std::byte* to, std::size_t n_bytes) override {
    std::memcpy(to, from, n_bytes);
  }
};

}  // namespace

std::shared_ptr<PageMemory> host_page_memory() {
  static const auto kMemory = std::make_shared<HostPages>();
  return kMemory;
}

PageId PagePool::take() {
  PageId id = 0;
  if (free_.empty()) {
    id = static_cast<PageId>(pages_.size());
    pages_.push_back({memory_->allocate(page_bytes_), 0});
  } else {
    id = free_.back();
    free_.pop_back();
  }
  pages_[id].n_users = 1;
  return id;
}

PageId PagePool::take_copy(PageId page) {
  const PageId own = take();
  memory_->copy(bytes(page), bytes(own), page_bytes_);
  return own;
}

void PagePool::release(PageId page) {
  if (--pages_[page].n_users == 0) {
    free_.push_back(page);
  }
}

}  // namespace nibble::model
