#pragma once

#include <string>

namespace brigade::sidecar {

/// Logs to standard error from now on. `level`: as service.yaml names it (silly, debug, verbose,
/// http, info, warn, error); `format`: text, or json for one JSON object a line.
void set_up_log(const std::string& level, const std::string& format);

}  // namespace brigade::sidecar
