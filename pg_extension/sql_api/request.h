#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "evaluator/resolver.h"
#include "pg/server.h"
#include "storage/serving_plan.h"

namespace brigade {

// A jsonb argument. Throws pg::Error.
nlohmann::json jsonb_argument(FunctionCallInfo fcinfo, int index);

// The request of docs/sidecar-interface.md. Throws pg::Error that names what is wrong with it.
Request read_request(const nlohmann::json& body);
// Empty if it has none.
std::string read_client_id(const nlohmann::json& body);
ResolveLimits read_limits(const nlohmann::json& body);

// Throws pg::Error BR001 if no config is active. REQUIRES: SPI.
std::shared_ptr<const ServingPlan> require_serving_plan();

// Resolves with what is stored at the calling statement's snapshot. Throws pg::Error BR002 where a
// limit is passed. REQUIRES: SPI.
Resolution resolve_with(const ServingPlan& serving, const Request& request,
                        const ResolveLimits& limits, ResolveTrace* trace = nullptr);

}  // namespace brigade
