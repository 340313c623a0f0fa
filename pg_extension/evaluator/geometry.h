#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace brigade {

// A geometry as PostGIS stores it and shows it as text: well-known binary (OGC 06-103r4, 8.2), with
// PostGIS's flags for Z, M and an SRID, as bytes or in hexadecimal.
struct Geometry {
  enum class Type : uint32_t {
    point = 1,
    line_string = 2,
    polygon = 3,
    multi_point = 4,
    multi_line_string = 5,
    multi_polygon = 6,
    collection = 7,
  };
  using Position = std::vector<double>;  // 2 to 4 coordinates

  Type type = Type::point;
  bool has_z = false;
  bool has_m = false;
  std::vector<std::vector<Position>> rings;  // of a polygon; others have one at most
  std::vector<Geometry> parts;               // of the types that consist of others

  bool empty() const { return rings.empty() && parts.empty(); }
};

// Nothing if the bytes are no geometry.
std::optional<Geometry> parse_geometry(std::string_view bytes_or_hex);

// Well-known text, as ST_AsText() of PostGIS: POINT(1 2), LINESTRING Z (0 0 1,1 1 1).
std::string well_known_text(const Geometry& geometry);

// GeoJSON (RFC 7946): {"type":"Point","coordinates":[1,2]}.
std::string geo_json(const Geometry& geometry);

}  // namespace brigade
