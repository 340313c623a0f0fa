#pragma once

#include <type_traits>
#include <utility>
#include <variant>

namespace brigade::sidecar {

/// The value of an operation that may fail in an expected way, or why it failed.
/// Client bytes and the database's answers are handled with results, never with exceptions.
template <class T, class E>
class Result {
 public:
  template <class U = T>
  requires(!std::is_same_v<U, E>) Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}              // NOLINT: implicit
  Result(E error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  /// For results whose value and error are of one type.
  static Result success(T value) { return Result(std::in_place_index<0>, std::move(value)); }

  explicit operator bool() const { return state_.index() == 0; }
  T& operator*() { return std::get<0>(state_); }
  const T& operator*() const { return std::get<0>(state_); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  /// REQUIRES: the result is an error.
  E& error() { return std::get<1>(state_); }
  const E& error() const { return std::get<1>(state_); }

 private:
  Result(std::in_place_index_t<0> index, T value) : state_(index, std::move(value)) {}

  std::variant<T, E> state_;
};

}  // namespace brigade::sidecar
