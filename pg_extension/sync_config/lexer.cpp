#include "sync_config/lexer.h"

#include <array>

#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Token::Kind;

constexpr std::array<std::string_view, 13> long_symbols = {
    "->>", "->", "||", "<=", ">=", "<>", "!=", "==", "::", "&&", "<<", ">>", "[]"};

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// All characters beyond ASCII are letters, as for Postgres and SQLite.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || !is_ascii(c);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

const char* remedy_of_character(char c) {
  switch (c) {
    case '`':
      return "Quote identifiers with \"double quotes\".";
    case '$':
    case ':':
      return "Parameters are functions: auth.parameter('name'), subscription.parameter('name').";
    case '#':
    case '@':
    case '?':
      return "The operators on JSON are ->, ->>, IN and &&.";
    default:
      return "Remove it.";
  }
}

class Lexer {
 public:
  Lexer(std::string_view text, SourceOffset start) : text_(text), start_(start) {}

  std::vector<Token> run() {
    for (skip_blank(); position_ < text_.size(); skip_blank()) next();
    add(Kind::end, "", position_);
    return std::move(tokens_);
  }

 private:
  void add(Kind kind, std::string text, size_t start) {
    tokens_.push_back({kind, std::move(text), offset_of(start)});
  }

  SourceOffset offset_of(size_t position) const { return {start_.value + position}; }

  char at(size_t position) const { return position < text_.size() ? text_[position] : '\0'; }

  bool looking_at(std::string_view text) const {
    return text_.substr(position_, text.size()) == text;
  }

  void skip_blank() {
    for (;;) {
      if (is_space(at(position_))) {
        position_++;
      } else if (looking_at("--")) {
        position_ = std::min(text_.find('\n', position_), text_.size());
      } else if (looking_at("/*")) {
        skip_block_comment();
      } else {
        return;
      }
    }
  }

  void skip_block_comment() {
    const size_t end = text_.find("*/", position_ + 2);
    if (end == std::string_view::npos) {
      throw QueryError(offset_of(position_), "a comment is not closed", "End it with */.");
    }
    position_ = end + 2;
  }

  void next() {
    const char c = at(position_);
    if (is_letter(c)) return identifier();
    if (is_digit(c) || (c == '.' && is_digit(at(position_ + 1)))) return number();
    if (c == '\'') return quoted(Kind::string);
    if (c == '"') return quoted(Kind::quoted_identifier);
    symbol();
  }

  void identifier() {
    const size_t start = position_;
    std::string name;
    for (; is_letter(at(position_)) || is_digit(at(position_)); position_++) {
      const char c = text_[position_];
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    add(Kind::identifier, name, start);
  }

  void number() {
    const size_t start = position_;
    while (is_digit(at(position_))) position_++;
    const bool decimal = at(position_) == '.';
    if (decimal) {
      position_++;
      while (is_digit(at(position_))) position_++;
    }
    reject_number_with_letters(start);
    add(decimal ? Kind::decimal : Kind::integer,
        std::string(text_.substr(start, position_ - start)), start);
  }

  // 1e3 would be the number 1, named e3.
  void reject_number_with_letters(size_t start) const {
    if (!is_letter(at(position_))) return;
    size_t end = position_;
    while (is_letter(at(end)) || is_digit(at(end))) end++;
    throw QueryError(offset_of(start),
                     "\"" + std::string(text_.substr(start, end - start)) + "\" is no number",
                     "Write all its digits, as in 1500 or 0.015; put a name that begins with a "
                     "digit in \"double quotes\".");
  }

  // A quote inside is written twice.
  void quoted(Kind kind) {
    const size_t start = position_;
    const char quote = text_[position_++];
    std::string content;
    for (;; position_++) {
      if (position_ >= text_.size()) {
        throw QueryError(offset_of(start), std::string("a ") + quote + " is not closed",
                         std::string("Add the closing ") + quote + ".");
      }
      if (text_[position_] == quote) {
        if (at(position_ + 1) != quote) break;
        position_++;
      }
      content += text_[position_];
    }
    position_++;
    add(kind, content, start);
  }

  void symbol() {
    for (const std::string_view symbol : long_symbols) {
      if (!looking_at(symbol)) continue;
      add(Kind::symbol, std::string(symbol), position_);
      position_ += symbol.size();
      return;
    }
    constexpr std::string_view single = "()[],.*+-/%<>=&|;~";
    const char c = text_[position_];
    if (single.find(c) == std::string_view::npos) {
      throw QueryError(offset_of(position_), std::string("unexpected character \"") + c + "\"",
                       remedy_of_character(c));
    }
    add(Kind::symbol, std::string(1, c), position_++);
  }

  std::string_view text_;
  SourceOffset start_;
  size_t position_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view query, SourceOffset start) {
  return Lexer(query, start).run();
}

}  // namespace brigade
