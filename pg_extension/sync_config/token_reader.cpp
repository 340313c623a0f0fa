#include "sync_config/token_reader.h"

#include <algorithm>

#include "sync_config/query_error.h"

namespace brigade {

namespace {

constexpr int nesting_max = 100;

}  // namespace

std::string upper(std::string_view word) {
  std::string text(word);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

TokenReader::TokenReader(std::string_view query, SourceOffset start)
    : tokens_(tokenize(query, start)) {}

const Token& TokenReader::peek(size_t ahead) const {
  return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
}

Token TokenReader::take() {
  return tokens_[position_ + 1 < tokens_.size() ? position_++ : position_];
}

bool TokenReader::at(std::string_view symbol, size_t ahead) const {
  return peek(ahead).kind == Token::Kind::symbol && peek(ahead).text == symbol;
}

bool TokenReader::at_word(std::string_view word, size_t ahead) const {
  return peek(ahead).kind == Token::Kind::identifier && peek(ahead).text == word;
}

bool TokenReader::at_name() const {
  return peek().kind == Token::Kind::identifier || peek().kind == Token::Kind::quoted_identifier;
}

bool TokenReader::accept(std::string_view symbol) {
  if (!at(symbol)) return false;
  take();
  return true;
}

bool TokenReader::accept_word(std::string_view word) {
  if (!at_word(word)) return false;
  take();
  return true;
}

void TokenReader::expect(std::string_view symbol) {
  if (!accept(symbol)) unexpected("\"" + std::string(symbol) + "\"");
}

void TokenReader::expect_word(std::string_view word) {
  if (!accept_word(word)) unexpected(upper(word));
}

std::string TokenReader::take_name(const std::string& wanted) {
  if (!at_name()) unexpected(wanted);
  return take().text;
}

void TokenReader::reject(std::initializer_list<Unsupported> unsupported) const {
  for (const auto& [text, remedy] : unsupported) {
    if (!at_word(text) && !at(text)) continue;
    throw QueryError(peek().offset, upper(text) + " is not supported", remedy);
  }
}

void TokenReader::unexpected(const std::string& wanted) const {
  const Token& token = peek();
  const std::string found =
      token.kind == Token::Kind::end ? "the query ends" : "found \"" + token.text + "\"";
  throw QueryError(token.offset, "expected " + wanted + ", but " + found, {});
}

TokenReader::Nested::Nested(TokenReader& tokens) : tokens_(tokens) {
  if (tokens.nesting_ == nesting_max) {
    throw QueryError(tokens.peek().offset, "the expression is nested too deeply", "Simplify it.");
  }
  tokens.nesting_++;
}

}  // namespace brigade
