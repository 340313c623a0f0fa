#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sync_config/lexer.h"

namespace brigade {

// The tokens of one query, as the parser goes through them.
class TokenReader {
 public:
  // Throws QueryError, as do all functions below that expect something.
  TokenReader(std::string_view query, SourceOffset start);

  const Token& peek(size_t ahead = 0) const;
  Token take();

  bool at(std::string_view symbol, size_t ahead = 0) const;
  bool at_word(std::string_view word, size_t ahead = 0) const;  // an unquoted word, in lower case
  bool at_name() const;
  bool accept(std::string_view symbol);
  bool accept_word(std::string_view word);
  void expect(std::string_view symbol);
  void expect_word(std::string_view word);
  // `wanted` is what an error says was expected.
  std::string take_name(const std::string& wanted);
  // Throws if one of them, which other databases know, is next.
  struct Unsupported {
    std::string_view text;  // a word, or a symbol
    const char* remedy;
  };
  void reject(std::initializer_list<Unsupported> unsupported) const;
  [[noreturn]] void unexpected(const std::string& wanted) const;

  // One level of nesting, while it lives: the parser's own stack is finite too.
  class Nested {
   public:
    explicit Nested(TokenReader& tokens);
    ~Nested() { tokens_.nesting_--; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

   private:
    TokenReader& tokens_;
  };

 private:
  std::vector<Token> tokens_;
  size_t position_ = 0;
  int nesting_ = 0;
};

std::string upper(std::string_view word);

}  // namespace brigade
