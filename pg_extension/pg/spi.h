#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// SQL from C++ inside the server (SPI), without the server's headers. Statements are string
// literals with $n parameters; nothing a user supplies ever becomes part of a statement's text.
namespace brigade::pg {

// The parameters of one statement, in order. Values are copied into the current memory context.
class Parameters {
 public:
  Parameters& add(int32_t value);
  Parameters& add(int64_t value);
  Parameters& add(std::string_view text);
  Parameters& add(bool value);
  Parameters& add_lsn(uint64_t lsn);
  Parameters& add_null(uint32_t type);
  Parameters& add(std::span<const int64_t> values);
  Parameters& add(std::span<const int32_t> values);
  Parameters& add(std::span<const std::string_view> texts);
  // Texts cast to uuid by the statement are slow; this takes 16 bytes each.
  Parameters& add_uuids(std::span<const std::string_view> uuids);
  Parameters& add_blobs(std::span<const std::string_view> blobs);

  // Without these overloads a literal would become a bool, and a vector would not convert.
  Parameters& add(const char* text) { return add(std::string_view(text)); }
  Parameters& add(const std::string& text) { return add(std::string_view(text)); }
  template <typename Element>
  Parameters& add(const std::vector<Element>& values) {
    return add(std::span<const Element>(values));
  }

 private:
  friend class Statement;
  Parameters& append(uint32_t type, uintptr_t datum, bool null = false);
  Parameters& append_blobs(uint32_t element_type, std::span<const std::string_view> blobs);

  std::vector<uint32_t> types_;
  std::vector<uintptr_t> values_;
  std::string nulls_;  // SPI's form: 'n' for null, ' ' otherwise
};

// The result of a statement. Lives in the current memory context's SPI procedure: use it before the
// SqlScope ends.
class Rows {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool is_null(size_t row, int column) const;
  int32_t integer(size_t row, int column) const;
  int64_t bigint(size_t row, int column) const;
  bool boolean(size_t row, int column) const;
  uint64_t lsn(size_t row, int column) const;
  // Text, json, bytea (cast a name to text): the bytes, valid as long as the result.
  std::string_view bytes(size_t row, int column) const;
  // The 16 bytes of a uuid.
  std::string_view uuid(size_t row, int column) const;
  std::vector<int64_t> bigints(size_t row, int column) const;
  std::vector<int32_t> integers(size_t row, int column) const;
  std::vector<std::string> texts(size_t row, int column) const;

 private:
  friend class Statement;
  uintptr_t datum(size_t row, int column, bool* null) const;
  uintptr_t datum_not_null(size_t row, int column) const;

  void* table_ = nullptr;
  size_t size_ = 0;
};

// An SPI connection. Nest scopes freely; everything a statement returned goes when it ends.
class SqlScope {
 public:
  SqlScope();
  ~SqlScope();
  SqlScope(const SqlScope&) = delete;
  SqlScope& operator=(const SqlScope&) = delete;

 private:
  int exceptions_;
};

// Runs `sql`, whose plan is kept for the life of the process.
// REQUIRES: an SqlScope; `sql` is a literal (its address names the kept plan).
Rows execute(const char* sql, const Parameters& parameters = {});

// As execute, but gives the rows to `use` in parts, each of which is gone when the next comes. They
// do not show what `use` writes.
void execute_in_parts(const char* sql, const Parameters& parameters,
                      const std::function<void(const Rows&)>& use);

// As execute, for statements that only read: they use the calling statement's snapshot.
Rows query(const char* sql, const Parameters& parameters = {});

}  // namespace brigade::pg
