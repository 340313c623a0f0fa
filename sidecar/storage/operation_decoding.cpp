#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "storage/answer_decoding.h"

namespace brigade::sidecar {

namespace {

/// Takes an answer of `brigade.read_operations` apart; its texts stay where they are.
class OperationReader {
 public:
  explicit OperationReader(std::string_view rest) : rest_(rest) {}

  bool at_end() const { return rest_.empty(); }

  OperationRows read_range() {
    OperationRows rows;
    while (char op = number<char>()) rows.operations.push_back(read_operation(op));
    rows.cleared_until = number<int64_t>();
    return rows;
  }

 private:
  Operation read_operation(char op) {
    Operation operation;
    operation.kind = static_cast<OperationKind>(op);
    operation.op_id = number<int64_t>();
    operation.target_op_id = number<int64_t>();
    operation.checksum = number<uint32_t>();
    operation.object_type = text().value_or("");
    operation.object_id = text().value_or("");
    operation.subkey = text().value_or("");
    operation.data = text();
    return operation;
  }

  std::string_view take(size_t size) {
    if (size > rest_.size()) throw std::runtime_error("it ends too soon");
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  template <class Number>
  Number number() {
    char bytes[sizeof(Number)];
    std::ranges::copy(take(sizeof bytes), bytes);
    if constexpr (std::endian::native == std::endian::little) std::ranges::reverse(bytes);
    Number number;
    std::memcpy(&number, bytes, sizeof number);
    return number;
  }

  std::optional<std::string_view> text() {
    auto size = number<int32_t>();
    if (size < 0) return {};
    return take(static_cast<size_t>(size));
  }

  std::string_view rest_;
};

}  // namespace

Result<std::vector<OperationRows>, StorageError> decode_operations(
    std::string_view answer, const std::shared_ptr<const void>& owner) {
  try {
    std::vector<OperationRows> ranges;
    for (OperationReader reader(answer); !reader.at_end();) {
      ranges.push_back(reader.read_range());
      ranges.back().owner = owner;
    }
    return ranges;
  } catch (const std::exception& error) {
    return unknown_form("brigade.read_operations", error.what());
  }
}

}  // namespace brigade::sidecar
