#include "model/page_pool.h"

#include "tensor/tensor.h"

namespace nibble::model {

PageId PagePool::take() {
  PageId id = 0;
  if (free_.empty()) {
    id = static_cast<PageId>(pages_.size());
    pages_.push_back({allocate_aligned(page_bytes_), 0});
  } else {
    id = free_.back();
    free_.pop_back();
  }
  pages_[id].n_users = 1;
  return id;
}

void PagePool::release(PageId page) {
  if (--pages_[page].n_users == 0) {
    free_.push_back(page);
  }
}

}  // namespace nibble::model
