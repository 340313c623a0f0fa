#include "evaluator/geometry.h"

#include <array>
#include <cmath>
#include <cstring>

#include "sync_config/json_text.h"

namespace brigade {

namespace {

using Type = Geometry::Type;

constexpr int depth_max = 16;
constexpr std::array<const char*, 8> geo_json_names = {
    "",           "Point",           "LineString",   "Polygon",
    "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"};
constexpr std::array<const char*, 8> text_names = {
    "",           "POINT",           "LINESTRING",   "POLYGON",
    "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"};

// Reads one geometry from bytes; any failure is remembered, and everything after reads as zero.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::optional<Geometry> run() {
    Geometry geometry = read_geometry(0);
    if (failed_ || position_ != bytes_.size()) return std::nullopt;
    return geometry;
  }

 private:
  template <typename Number>
  Number read() {
    std::array<char, sizeof(Number)> raw{};
    if (bytes_.size() - position_ < sizeof(Number)) {
      failed_ = true;
      return 0;
    }
    for (size_t i = 0; i < sizeof(Number); i++) {
      raw[little_endian_ ? i : sizeof(Number) - 1 - i] = bytes_[position_ + i];
    }
    position_ += sizeof(Number);
    Number number;
    std::memcpy(&number, raw.data(), sizeof(Number));
    return number;
  }

  // A count of things that take at least `size` bytes each, so that it cannot ask for much memory.
  uint32_t read_count(size_t size) {
    const auto count = read<uint32_t>();
    if (count > (bytes_.size() - position_) / size) failed_ = true;
    return failed_ ? 0 : count;
  }

  Geometry read_geometry(int depth) {
    Geometry geometry;
    little_endian_ = read<uint8_t>() == 1;
    read_type(geometry);
    if (depth > depth_max) failed_ = true;
    if (failed_) return geometry;
    switch (geometry.type) {
      case Type::point:
        read_point(geometry);
        break;
      case Type::line_string:
        geometry.rings.push_back(read_positions(geometry));
        if (geometry.rings.front().empty()) geometry.rings.clear();
        break;
      case Type::polygon:
        for (uint32_t left = read_count(4); left > 0 && !failed_; left--) {
          geometry.rings.push_back(read_positions(geometry));
        }
        break;
      default:
        for (uint32_t left = read_count(9); left > 0 && !failed_; left--) {
          geometry.parts.push_back(read_geometry(depth + 1));
        }
    }
    return geometry;
  }

  // PostGIS marks dimensions by flags, ISO by thousands.
  void read_type(Geometry& geometry) {
    constexpr uint32_t z_flag = 0x80000000;
    constexpr uint32_t m_flag = 0x40000000;
    constexpr uint32_t srid_flag = 0x20000000;
    const auto code = read<uint32_t>();
    const uint32_t plain = code & 0x0fffffff;
    const uint32_t dimensions = plain / 1000;
    geometry.has_z = (code & z_flag) != 0 || dimensions == 1 || dimensions == 3;
    geometry.has_m = (code & m_flag) != 0 || dimensions == 2 || dimensions == 3;
    if ((code & srid_flag) != 0) read<uint32_t>();
    if (dimensions > 3 || plain % 1000 < 1 || plain % 1000 > 7) failed_ = true;
    if (!failed_) geometry.type = static_cast<Type>(plain % 1000);
  }

  Geometry::Position read_position(const Geometry& geometry) {
    Geometry::Position position;
    const int count = 2 + (geometry.has_z ? 1 : 0) + (geometry.has_m ? 1 : 0);
    for (int i = 0; i < count; i++) position.push_back(read<double>());
    return position;
  }

  // An empty point has NaN coordinates.
  void read_point(Geometry& geometry) {
    Geometry::Position position = read_position(geometry);
    if (!std::isnan(position[0])) geometry.rings.push_back({std::move(position)});
  }

  std::vector<Geometry::Position> read_positions(const Geometry& geometry) {
    std::vector<Geometry::Position> positions;
    for (uint32_t left = read_count(16); left > 0 && !failed_; left--) {
      positions.push_back(read_position(geometry));
    }
    return positions;
  }

  std::string_view bytes_;
  size_t position_ = 0;
  bool little_endian_ = true;
  bool failed_ = false;
};

int hex_digit(char character) {
  constexpr std::string_view digits = "0123456789abcdef";
  const size_t digit = digits.find(static_cast<char>(character | ('A' <= character ? 0x20 : 0)));
  return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
}

std::string decode_hex(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

void append_number(std::string& target, double number) {
  append_json_real(target, number);
  if (target.ends_with(".0")) target.resize(target.size() - 2);
}

// Appends the items with commas between, each by `append`.
template <typename Items, typename Append>
void append_list(std::string& target, const Items& items, const Append& append) {
  bool first = true;
  for (const auto& item : items) {
    if (!first) target += ',';
    first = false;
    append(item);
  }
}

class TextWriter {
 public:
  std::string run(const Geometry& geometry) {
    text_ += text_names[static_cast<size_t>(geometry.type)];
    if (geometry.has_z || geometry.has_m) {
      text_ += geometry.has_z ? (geometry.has_m ? " ZM " : " Z ") : " M ";
    }
    if (geometry.empty()) {
      if (!text_.ends_with(' ')) text_ += ' ';
      text_ += "EMPTY";
    } else {
      append_body(geometry);
    }
    return std::move(text_);
  }

 private:
  void append_body(const Geometry& geometry) {
    if (geometry.empty()) {
      text_ += "EMPTY";
    } else if (geometry.type == Type::polygon) {
      text_ += '(';
      append_list(text_, geometry.rings, [&](const auto& ring) { append_positions(ring); });
      text_ += ')';
    } else if (geometry.parts.empty()) {
      append_positions(geometry.rings.front());
    } else {
      text_ += '(';
      append_list(text_, geometry.parts, [&](const Geometry& part) {
        if (geometry.type == Type::collection) {
          text_ += TextWriter().run(part);
        } else {
          append_body(part);
        }
      });
      text_ += ')';
    }
  }

  void append_positions(const std::vector<Geometry::Position>& positions) {
    text_ += '(';
    append_list(text_, positions, [&](const Geometry::Position& position) {
      for (size_t i = 0; i < position.size(); i++) {
        if (i > 0) text_ += ' ';
        append_number(text_, position[i]);
      }
    });
    text_ += ')';
  }

  std::string text_;
};

class JsonWriter {
 public:
  std::string run(const Geometry& geometry) {
    const bool is_collection = geometry.type == Type::collection;
    text_ += "{\"type\":\"";
    text_ += geo_json_names[static_cast<size_t>(geometry.type)];
    text_ += is_collection ? "\",\"geometries\":" : "\",\"coordinates\":";
    if (is_collection) {
      text_ += '[';
      append_list(text_, geometry.parts,
                  [&](const Geometry& part) { text_ += JsonWriter().run(part); });
      text_ += ']';
    } else {
      append_coordinates(geometry);
    }
    return std::move(text_) + "}";
  }

 private:
  void append_coordinates(const Geometry& geometry) {
    if (geometry.type == Type::point && !geometry.empty()) {
      append_position(geometry.rings.front().front(), geometry.has_z);
    } else if (geometry.type == Type::line_string && !geometry.empty()) {
      append_ring(geometry.rings.front(), geometry.has_z);
    } else {
      text_ += '[';
      append_list(text_, geometry.rings,
                  [&](const auto& ring) { append_ring(ring, geometry.has_z); });
      append_list(text_, geometry.parts, [&](const Geometry& part) { append_coordinates(part); });
      text_ += ']';
    }
  }

  void append_ring(const std::vector<Geometry::Position>& ring, bool has_z) {
    text_ += '[';
    append_list(text_, ring,
                [&](const Geometry::Position& position) { append_position(position, has_z); });
    text_ += ']';
  }

  // GeoJSON has no M, and no number that is not finite.
  void append_position(const Geometry::Position& position, bool has_z) {
    text_ += '[';
    for (size_t i = 0; i < (has_z ? 3 : 2); i++) {
      if (i > 0) text_ += ',';
      if (std::isfinite(position[i])) {
        append_number(text_, position[i]);
      } else {
        text_ += "null";
      }
    }
    text_ += ']';
  }

  std::string text_;
};

}  // namespace

// Binary starts with its byte order, 0 or 1, which is no character of hexadecimal text.
std::optional<Geometry> parse_geometry(std::string_view bytes_or_hex) {
  if (bytes_or_hex.empty()) return std::nullopt;
  if (bytes_or_hex.front() <= 1) return Reader(bytes_or_hex).run();
  return Reader(decode_hex(bytes_or_hex)).run();
}

std::string well_known_text(const Geometry& geometry) { return TextWriter().run(geometry); }

std::string geo_json(const Geometry& geometry) { return JsonWriter().run(geometry); }

}  // namespace brigade
