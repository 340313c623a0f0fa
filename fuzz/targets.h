#pragma once

#include <string_view>

// What the fuzzers run on arbitrary input. Each returns for any input at all, and aborts where a
// promise is broken; the sanitizers watch for the rest. The unit tests run them on the seed corpus.
namespace brigade::fuzz {

// A whole sync config: compiles it; a plan must survive being stored, and evaluate rows and
// requests.
void sync_config(std::string_view input);

// One query of an edition 3 stream, or of sync rules if it starts with '!'.
void query(std::string_view input);

// A stored plan.
void plan(std::string_view input);

// A PostGIS value.
void geometry(std::string_view input);

// What clients send to the sidecar: HTTP requests in pieces, whose size the first byte chooses,
// with their bodies; bodies alone; RSocket frames; tokens, and sets of keys.
void sidecar_request(std::string_view input);
void sidecar_body(std::string_view input);
void sidecar_rsocket(std::string_view input);
void sidecar_token(std::string_view input);

// What the extension answers the sidecar with: the cursor reads a JSON text as what it is, and goes
// through no other without an error, but for control characters and bytes that are not UTF-8.
void sidecar_json(std::string_view input);

}  // namespace brigade::fuzz
