#include "report/format.h"

#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"
#include "report/data.h"

namespace nibble::report {
namespace {

/// "-0.0" and "0.0" are the same to a reader.
std::string without_negative_zero(std::string text) {
  if (text.starts_with('-') && text.find_first_of("123456789") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string with_sign(std::string text) {
  if (text.starts_with('-')) {
    return "\u2212" + text.substr(1);
  }
  return text.find_first_of("123456789") == std::string::npos ? text : "+" + text;
}

template <class Replace>
std::string replace_each(std::string_view text, Replace&& replace) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const std::string_view with = replace(c);
    with.empty() ? out.push_back(c) : static_cast<void>(out.append(with));
  }
  return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
    at += to.size();
  }
}

}  // namespace

std::string unit_label(const store::MetricRecord& metric) {
  if (is_fraction(metric)) {
    return "%";
  }
  return metric.name.ends_with(metric.unit) ? "" : metric.unit;  // "perplexity" needs no unit
}

std::string difference_label(const store::MetricRecord& metric) {
  return is_fraction(metric) ? "points" : unit_label(metric);
}

std::string number_text(double value) {
  const double size = std::abs(value);
  std::string text;
  if (!std::isfinite(value) || size >= 1e6) {
    text = fmt::format("{:.3g}", value);
  } else if (size >= 1000) {
    text = fmt::format("{:.0f}", value);
  } else if (size >= 100) {
    text = fmt::format("{:.1f}", value);
  } else {
    text = size >= 1 || size == 0 ? fmt::format("{:.2f}", value) : fmt::format("{:.3f}", value);
  }
  return without_negative_zero(std::move(text));
}

std::string value_text(double value, const store::MetricRecord& metric) {
  return is_fraction(metric) ? without_negative_zero(fmt::format("{:.1f}", value * 100))
                             : number_text(value);
}

std::string loss_text(double loss, const store::MetricRecord& metric) {
  return fmt::format(
      "{} {}", value_text(loss, metric), is_fraction(metric) ? "points" : metric.name);
}

std::string difference_text(double difference, const store::MetricRecord& metric) {
  return with_sign(value_text(difference, metric));
}

std::string p_text(double p) {
  return p < 0.001 ? std::string("< 0.001") : fmt::format("{:.3f}", p);
}

std::string megabytes_text(double bytes) {
  const double megabytes = bytes / kMegabyte;
  return megabytes >= 1000 ? fmt::format("{:.0f}", megabytes) : fmt::format("{:.1f}", megabytes);
}

std::string exact_text(double value) {
  return fmt::format("{}", value);
}

std::string escape_html(std::string_view text) {
  return replace_each(valid_utf8(text), [](char c) -> std::string_view {
    switch (c) {
      case '&':
        return "&amp;";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '"':
        return "&quot;";
      case '\'':
        return "&#39;";
      case '\0':
        return "\uFFFD";
      default:
        return {};
    }
  });
}

std::string escape_latex(std::string_view text) {
  std::string out = replace_each(valid_utf8(text), [](char c) -> std::string_view {
    switch (c) {
      case '\\':
        return "\\textbackslash{}";
      case '{':
        return "\\{";
      case '}':
        return "\\}";
      case '$':
        return "\\$";
      case '&':
        return "\\&";
      case '#':
        return "\\#";
      case '%':
        return "\\%";
      case '_':
        return "\\_";
      case '~':
        return "\\textasciitilde{}";
      case '^':
        return "\\textasciicircum{}";
      case '<':
        return "\\textless{}";
      case '>':
        return "\\textgreater{}";
      default:
        return {};
    }
  });
  replace_all(out, "\u2212", "$-$");
  replace_all(out, "\u2013", "--");
  return out;
}

std::string escape_markdown(std::string_view text) {
  return replace_each(valid_utf8(text), [](char c) -> std::string_view {
    switch (c) {
      case '\\':
        return "\\\\";
      case '|':
        return "\\|";
      case '*':
        return "\\*";
      case '_':
        return "\\_";
      case '`':
        return "\\`";
      case '[':
        return "\\[";
      case ']':
        return "\\]";
      case '<':
        return "&lt;";
      case '>':
        return "&gt;";
      case '&':
        return "&amp;";
      case '\n':
      case '\r':
        return " ";
      default:
        return {};
    }
  });
}

std::string escape_csv(std::string_view text) {
  std::string clean = valid_utf8(text);
  if (clean.find_first_of(",\"\r\n") == std::string::npos) {
    return clean;
  }
  return fmt::format("\"{}\"", replace_each(clean, [](char c) -> std::string_view {
                       return c == '"' ? std::string_view("\"\"") : std::string_view();
                     }));
}

std::string valid_utf8(std::string_view text) {
  if (!utf8::first_invalid(text)) {
    return std::string(text);
  }
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, at);
    utf8::append(out, point.value);
    at += point.n_bytes;
  }
  return out;
}

std::string shorten(std::string_view text, std::size_t n) {
  if (text.size() <= n) {
    return std::string(text);
  }
  const std::size_t head = utf8::complete_prefix(text.substr(0, n / 2));
  std::size_t tail = text.size() - n / 2;
  while (tail < text.size() && (static_cast<unsigned char>(text[tail]) & 0xC0U) == 0x80U) {
    ++tail;
  }
  return fmt::format("{}\n\u2026 {} bytes left out \u2026\n{}",
                     text.substr(0, head),
                     tail - head,
                     text.substr(tail));
}

}  // namespace nibble::report
