#pragma once

#include <cstddef>
#include <string_view>

// JSON text as clients of the protocol expect it: strings and numbers look as JavaScript's
// JSON.stringify (ECMA-262, "QuoteJSONString" and "Number::toString") writes them, except that a
// real is always told apart from an integer.
namespace brigade {

// Enough for the longest text write_real() makes, 25 characters.
inline constexpr size_t real_text_size_max = 32;

// Writes a real to `target`, which has room for real_text_size_max, and returns how many
// characters: the shortest digits that read back as the same number, with ".0" if it would look
// like an integer. JSON has no NaN and no infinity: NaN is null, as SQLite stores it, and infinity
// is 9e999, which SQLite reads as infinity. Negative zero is zero.
size_t write_real(double value, char* target);

// Where the next character that JSON wants escaped is, or text.size().
size_t find_json_escape(std::string_view text, size_t from);

// Writes the escape of one character to `target`, which has room for 6, and returns its size.
size_t write_json_escape(char character, char* target);

// Appends `text`, which is UTF-8, as a JSON string with its quotes. A Sink has
// append(const char*, size_t), as std::string does. It is a template so that the server's string
// buffers can be written to as well.
template <typename Sink>
void append_json_string(Sink& sink, std::string_view text) {
  sink.append("\"", 1);
  size_t start = 0;
  for (size_t end = find_json_escape(text, 0); end < text.size();
       end = find_json_escape(text, start)) {
    char escape[6];
    sink.append(text.data() + start, end - start);
    sink.append(escape, write_json_escape(text[end], escape));
    start = end + 1;
  }
  sink.append(text.data() + start, text.size() - start);
  sink.append("\"", 1);
}

// Appends what write_real() writes.
template <typename Sink>
void append_json_real(Sink& sink, double value) {
  char text[real_text_size_max];
  sink.append(text, write_real(value, text));
}

}  // namespace brigade
