#include "base/toml.h"

#include <toml++/toml.h>

#include <algorithm>

#include "base/suggest.h"

namespace nibble {

struct TomlDocument::Storage {
  std::string where;
  toml::table root;
};

struct TomlTable::State {
  std::shared_ptr<const TomlDocument::Storage> document;
  const toml::table* table;
  std::set<std::string, std::less<>> asked;

  [[nodiscard]] std::string position(const toml::source_region& at) const {
    return fmt::format("{}:{}:{}", document->where, at.begin.line, at.begin.column);
  }

  const toml::node* find(std::string_view key) {
    asked.emplace(key);
    return table->get(key);
  }
};

namespace {

std::optional<std::string> read_value(const toml::node& node, const std::string*) {
  const auto* value = node.as_string();
  return value != nullptr ? std::optional(value->get()) : std::nullopt;
}
std::optional<std::int64_t> read_value(const toml::node& node, const std::int64_t*) {
  const auto* value = node.as_integer();
  return value != nullptr ? std::optional(value->get()) : std::nullopt;
}
std::optional<double> read_value(const toml::node& node, const double*) {
  if (const auto* value = node.as_floating_point()) {
    return value->get();
  }
  const auto* value = node.as_integer();
  return value != nullptr ? std::optional(static_cast<double>(value->get())) : std::nullopt;
}
std::optional<bool> read_value(const toml::node& node, const bool*) {
  const auto* value = node.as_boolean();
  return value != nullptr ? std::optional(value->get()) : std::nullopt;
}
template <class T>
std::optional<std::vector<T>> read_value(const toml::node& node, const std::vector<T>*) {
  const auto* array = node.as_array();
  if (array == nullptr) {
    return std::nullopt;
  }
  std::vector<T> out;
  for (const toml::node& item : *array) {
    auto value = read_value(item, static_cast<const T*>(nullptr));
    if (!value) {
      return std::nullopt;
    }
    out.push_back(std::move(*value));
  }
  return out;
}

constexpr std::string_view wanted(const std::string*) {
  return "a string";
}
constexpr std::string_view wanted(const std::int64_t*) {
  return "an integer";
}
constexpr std::string_view wanted(const double*) {
  return "a number";
}
constexpr std::string_view wanted(const bool*) {
  return "true or false";
}
constexpr std::string_view wanted(const std::vector<std::string>*) {
  return "a list of strings";
}
constexpr std::string_view wanted(const std::vector<std::int64_t>*) {
  return "a list of integers";
}

}  // namespace

template <class T>
std::optional<T> TomlTable::optional(std::string_view key) {
  const toml::node* node = state_->find(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  const T* type = nullptr;
  auto value = read_value(*node, type);
  if (!value) {
    reject(key, fmt::format("expected {}", wanted(type)));
  }
  return value;
}

template <class T>
T TomlTable::required(std::string_view key) {
  auto value = optional<T>(key);
  if (!value) {
    refuse_misspelling_of(key);
    reject(key, fmt::format("missing, expected {}", wanted(static_cast<const T*>(nullptr))));
  }
  return std::move(*value);
}

template std::optional<std::string> TomlTable::optional(std::string_view);
template std::optional<std::int64_t> TomlTable::optional(std::string_view);
template std::optional<double> TomlTable::optional(std::string_view);
template std::optional<bool> TomlTable::optional(std::string_view);
template std::optional<std::vector<std::string>> TomlTable::optional(std::string_view);
template std::optional<std::vector<std::int64_t>> TomlTable::optional(std::string_view);
template std::string TomlTable::required(std::string_view);
template std::int64_t TomlTable::required(std::string_view);
template double TomlTable::required(std::string_view);
template bool TomlTable::required(std::string_view);
template std::vector<std::string> TomlTable::required(std::string_view);
template std::vector<std::int64_t> TomlTable::required(std::string_view);

bool TomlTable::has(std::string_view key) const {
  return state_->table->contains(key);
}

std::optional<TomlTable> TomlTable::table(std::string_view key) {
  const toml::node* node = state_->find(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  if (!node->is_table()) {
    reject(key, "expected a table");
  }
  return TomlTable(std::make_shared<State>(State{state_->document, node->as_table(), {}}));
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) {
  const toml::node* node = state_->find(key);
  if (node == nullptr) {
    return {};
  }
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    reject(key, "expected an array of tables");
  }
  std::vector<TomlTable> out;
  for (const toml::node& item : *array) {
    if (!item.is_table()) {
      reject(key, "expected an array of tables");
    }
    out.push_back(TomlTable(std::make_shared<State>(State{state_->document, item.as_table(), {}})));
  }
  return out;
}

std::vector<std::string> TomlTable::keys() const {
  std::vector<std::pair<toml::source_position, std::string>> found;
  for (const auto& [key, node] : *state_->table) {
    found.emplace_back(key.source().begin, key.str());
  }
  std::ranges::stable_sort(found, [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (auto& [position, key] : found) {
    out.push_back(std::move(key));
  }
  return out;
}

void TomlTable::refuse_misspelling_of(std::string_view key) const {
  std::vector<std::string_view> unknown;
  for (const auto& [name, node] : *state_->table) {
    if (!state_->asked.contains(name.str())) {
      unknown.push_back(name.str());
    }
  }
  const std::string near = nearest_name(key, unknown);
  if (!near.empty()) {
    raise(ErrorCode::kCorruptData,
          "{}: unknown key '{}' (did you mean '{}'?)",
          state_->position(state_->table->find(near)->first.source()),
          near,
          key);
  }
}

void TomlTable::finish() const {
  for (const auto& [key, node] : *state_->table) {
    if (!state_->asked.contains(key.str())) {
      const std::vector<std::string_view> known(state_->asked.begin(), state_->asked.end());
      raise(ErrorCode::kCorruptData,
            "{}: unknown key '{}'{}",
            state_->position(key.source()),
            key.str(),
            did_you_mean(key.str(), known));
    }
  }
}

void TomlTable::reject(std::string_view key, std::string_view reason) const {
  const toml::node* node = state_->table->get(key);
  const toml::source_region& at = node != nullptr ? node->source() : state_->table->source();
  raise(ErrorCode::kCorruptData, "{}: '{}': {}", state_->position(at), key, reason);
}

TomlDocument::TomlDocument(std::shared_ptr<Storage> storage) : storage_(std::move(storage)) {}
TomlDocument::TomlDocument(TomlDocument&&) noexcept = default;
TomlDocument& TomlDocument::operator=(TomlDocument&&) noexcept = default;
TomlDocument::~TomlDocument() = default;

Result<TomlDocument> TomlDocument::parse(std::string_view text, std::string_view where) {
  try {
    auto storage = std::make_shared<Storage>();
    storage->where = where;
    storage->root = toml::parse(text, where);
    return TomlDocument(std::move(storage));
  } catch (const toml::parse_error& error) {
    return fail(ErrorCode::kCorruptData,
                "{}:{}:{}: {}",
                where,
                error.source().begin.line,
                error.source().begin.column,
                error.description());
  }
}

Result<TomlDocument> TomlDocument::read(const std::filesystem::path& path) {
  auto text = read_text_file(path, std::size_t{16} << 20);
  if (!text) {
    return text.failure();
  }
  return parse(*text, path.string());
}

TomlTable TomlDocument::root() const {
  return TomlTable(
      std::make_shared<TomlTable::State>(TomlTable::State{storage_, &storage_->root, {}}));
}

}  // namespace nibble
