#include <gumbo.h>

#include <memory>
#include <vector>

#include "base/utf8.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

struct Destroy {
  void operator()(GumboOutput* output) const noexcept {
    gumbo_destroy_output(&kGumboDefaultOptions, output);
  }
};

bool is_hidden(GumboTag tag) noexcept {
  return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_NOSCRIPT ||
         tag == GUMBO_TAG_TEMPLATE || tag == GUMBO_TAG_HEAD;
}

bool is_block(GumboTag tag) noexcept {
  switch (tag) {
    case GUMBO_TAG_P:
    case GUMBO_TAG_DIV:
    case GUMBO_TAG_SECTION:
    case GUMBO_TAG_ARTICLE:
    case GUMBO_TAG_HEADER:
    case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_MAIN:
    case GUMBO_TAG_NAV:
    case GUMBO_TAG_ASIDE:
    case GUMBO_TAG_H1:
    case GUMBO_TAG_H2:
    case GUMBO_TAG_H3:
    case GUMBO_TAG_H4:
    case GUMBO_TAG_H5:
    case GUMBO_TAG_H6:
    case GUMBO_TAG_LI:
    case GUMBO_TAG_TR:
    case GUMBO_TAG_PRE:
    case GUMBO_TAG_BLOCKQUOTE:
    case GUMBO_TAG_FIGCAPTION:
    case GUMBO_TAG_DT:
    case GUMBO_TAG_DD:
      return true;
    default:
      return false;
  }
}

/// Collects the text as a reader sees it: runs of white space are one blank, blocks end with an
/// empty line.
class Collector {
 public:
  void text(std::string_view piece) {
    std::size_t at = 0;
    while (at < piece.size()) {
      const utf8::CodePoint point = utf8::decode(piece, at);
      if (utf8::is_space(point.value)) {
        blank_ = true;
      } else {
        if (blank_ && !out_.empty() && out_.back() != '\n') {
          out_ += ' ';
        }
        blank_ = false;
        out_ += piece.substr(at, point.n_bytes);
      }
      at += point.n_bytes;
    }
  }
  void end_block() {
    blank_ = false;
    if (!out_.empty() && out_.back() != '\n') {
      out_ += "\n\n";
    }
  }
  void blank() { blank_ = true; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  bool blank_ = false;
};

/// What stands to be done in the walk; a stack of our own, because pages nest as deep as they like.
struct Step {
  const GumboNode* node;
  bool leaving;
};

void push_children(const GumboNode& node, std::vector<Step>& steps) {
  const GumboVector& children = node.v.element.children;
  for (unsigned i = children.length; i-- > 0;) {
    steps.push_back({static_cast<const GumboNode*>(children.data[i]), false});
  }
}

std::string visible_text(const GumboNode* root) {
  Collector out;
  std::vector<Step> steps = {{root, false}};
  while (!steps.empty()) {
    const Step step = steps.back();
    steps.pop_back();
    const GumboNode& node = *step.node;
    if (node.type == GUMBO_NODE_TEXT || node.type == GUMBO_NODE_CDATA) {
      out.text(node.v.text.text);
    } else if (node.type == GUMBO_NODE_WHITESPACE) {
      out.blank();
    } else if (node.type == GUMBO_NODE_ELEMENT) {
      const GumboTag tag = node.v.element.tag;
      if (is_hidden(tag)) {
        continue;
      }
      if (is_block(tag)) {
        out.end_block();
      } else if (tag == GUMBO_TAG_BR || tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
        out.blank();
      }
      if (!step.leaving) {
        steps.push_back({&node, true});
        push_children(node, steps);
      }
    }
  }
  return out.take();
}

const GumboNode* find_title(const GumboNode* root) {
  std::vector<Step> steps = {{root, false}};
  while (!steps.empty()) {
    const GumboNode* node = steps.back().node;
    steps.pop_back();
    if (node->type != GUMBO_NODE_ELEMENT) {
      continue;
    }
    if (node->v.element.tag == GUMBO_TAG_TITLE) {
      return node;
    }
    push_children(*node, steps);
  }
  return nullptr;
}

}  // namespace

Document read_html(std::string_view bytes) {
  const std::string page = read_plain(bytes).text;
  if (const auto at = utf8::first_invalid(page)) {
    raise(ErrorCode::kCorruptData, "not UTF-8 at byte {}", *at);
  }
  const std::unique_ptr<GumboOutput, Destroy> output(
      gumbo_parse_with_options(&kGumboDefaultOptions, page.data(), page.size()));
  if (output == nullptr) {
    raise(ErrorCode::kOutOfMemory, "no memory for the HTML parser");
  }
  Document out;
  if (const GumboNode* title = find_title(output->root)) {
    out.title = std::string(utf8::strip(visible_text(title)));
  }
  out.text = visible_text(output->root);
  return out;
}

}  // namespace nibble::rag
