#include "evaluator/resolver.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>

#include "pg/index_lookup.h"
#include "pg/spi.h"
#include "sql_api/request.h"
#include "sql_api/text_function.h"
#include "storage/hash.h"
#include "sync_config/json_text.h"

namespace brigade {

namespace {

using nlohmann::json;

// With thousands of buckets, building a tree of JSON values takes longer than all the rest: what
// there may be many of is written as text, and has no names of fields.
void append_number(std::string& text, int64_t number) {
  std::array<char, 24> digits;
  text.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
}

std::string reasons_text(const std::vector<BucketReason>& reasons) {
  std::string text = "[";
  for (const BucketReason& reason : reasons) {
    text += text.back() == '[' ? "" : ",";
    text += reason.is_default ? "{\"default\":" : "{\"sub\":";
    append_number(text, reason.index);
    text += '}';
  }
  return text + "]";
}

// Most buckets are there for the same few reasons: each list of reasons is written once.
class ReasonLists {
 public:
  size_t index_of(const std::vector<BucketReason>& reasons) {
    if (!lists_.empty() && reasons == *lists_[last_]) return last_;
    const auto [known, added] = indices_.try_emplace(reasons_text(reasons), lists_.size());
    if (added) lists_.push_back(&reasons);
    return last_ = known->second;
  }

  std::string text() const {
    std::string text = "[";
    for (const auto* reasons : lists_) {
      if (text.size() > 1) text += ',';
      text += reasons_text(*reasons);
    }
    return text + "]";
  }

 private:
  std::vector<const std::vector<BucketReason>*> lists_;
  std::unordered_map<std::string, size_t> indices_;
  size_t last_ = 0;
};

// What is stored of a bucket; nothing is of one that never held a row.
struct BucketState {
  int64_t id = 0;
  int64_t count = 0;
  int32_t checksum = 0;
  int64_t last_op_id = 0;
};

// Of brigade.bucket.
constexpr int column_id = 0;
constexpr int column_definition = 1;
constexpr int column_parameters = 2;
constexpr int column_operation_count = 3;
constexpr int column_checksum = 4;
constexpr int column_last_op_id = 5;

// In the order of the index, so that neighbours are found on pages that are at hand.
std::vector<BucketState> bucket_states(const ServingPlan& serving, const Resolution& resolution) {
  std::vector<std::pair<int64_t, size_t>> wanted;
  for (const ResolvedBucket& bucket : resolution.buckets) {
    wanted.emplace_back(key_hash(serving.definition_ids[bucket.definition], bucket.parameters),
                        wanted.size());
  }
  std::ranges::sort(wanted);
  std::vector<BucketState> states(wanted.size());
  pg::IndexLookup rows("bucket", "bucket_key", 1);
  for (const auto& [hash, i] : wanted) {
    const ResolvedBucket& bucket = resolution.buckets[i];
    const int32_t definition = serving.definition_ids[bucket.definition];
    for (rows.start({hash}); rows.next();) {
      const bool same = rows.integer(column_definition) == definition &&
                        rows.text(column_parameters) == bucket.parameters;
      if (!same) continue;
      states[i] = {rows.bigint(column_id), rows.bigint(column_operation_count),
                   static_cast<int32_t>(rows.bigint(column_checksum)),
                   rows.bigint(column_last_op_id)};
    }
  }
  return states;
}

void append_bucket(std::string& text, std::string_view name, const BucketState& state, int priority,
                   size_t reasons) {
  text += '[';
  append_number(text, state.id);
  text += ',';
  append_json_string(text, name);
  for (const int64_t number : {int64_t{state.checksum}, state.count, state.last_op_id,
                               int64_t{priority}, static_cast<int64_t>(reasons)}) {
    text += ',';
    append_number(text, number);
  }
  text += ']';
}

std::string describe_buckets(const ServingPlan& serving, const Resolution& resolution) {
  const std::vector<BucketState> states = bucket_states(serving, resolution);
  ReasonLists reasons;
  std::string text = "[";
  text.reserve(100 * states.size());
  for (size_t i = 0; i < states.size(); i++) {
    const ResolvedBucket& bucket = resolution.buckets[i];
    if (i > 0) text += ',';
    append_bucket(text, serving.bucket_names[bucket.definition] + bucket.parameters, states[i],
                  bucket.priority, reasons.index_of(bucket.reasons));
  }
  return text + "],\"reasons\":" + reasons.text();
}

json describe_streams(const Resolution& resolution) {
  auto streams = json::array();
  for (const ResolvedStream& stream : resolution.streams) {
    auto errors = json::array();
    for (const ResolvedStream::Error& error : stream.errors) {
      const json subscription = error.subscription ? json(*error.subscription) : json("default");
      errors.push_back({{"subscription", subscription}, {"message", error.message}});
    }
    streams.push_back(
        {{"name", stream.name}, {"is_default", stream.is_default}, {"errors", errors}});
  }
  return streams;
}

std::string describe_dependencies(const ServingPlan& serving, const Resolution& resolution) {
  std::string text = "[";
  for (const LookupDependency& dependency : resolution.dependencies) {
    if (text.size() > 1) text += ',';
    text += std::to_string(key_hash(serving.definition_ids[dependency.definition], dependency.key));
  }
  return text + "]";
}

json describe_position(const std::string& user_id, const std::string& client_id) {
  const pg::Rows head = pg::query(
      "SELECT c.commit_id, c.op_id, a.request_id FROM brigade.checkpoint c"
      " LEFT JOIN brigade.acknowledged_write_checkpoint a"
      " ON a.user_id = $1 AND a.client_id = $2",
      pg::Parameters().add(user_id).add(client_id));
  return {{"commit", head.bigint(0, 0)},
          {"op_id", std::to_string(head.bigint(0, 1))},
          {"write_checkpoint",
           head.is_null(0, 2) ? json(nullptr) : json(std::to_string(head.bigint(0, 2)))}};
}

std::string resolve_request(const json& body) {
  const pg::SqlScope sql;
  const std::shared_ptr<const ServingPlan> serving = require_serving_plan();
  const Request request = read_request(body);
  const Resolution resolution = resolve_with(*serving, request, read_limits(body));
  std::string answer = describe_position(request.user_id, read_client_id(body)).dump();
  answer.pop_back();  // The object goes on.
  answer += ",\"buckets\":" + describe_buckets(*serving, resolution);
  answer += ",\"streams\":" + describe_streams(resolution).dump();
  answer += ",\"dependencies\":" + describe_dependencies(*serving, resolution);
  return answer + "}";
}

}  // namespace

}  // namespace brigade

extern "C" {
PG_FUNCTION_INFO_V1(brigade_resolve);

PGDLLEXPORT Datum brigade_resolve(PG_FUNCTION_ARGS) {
  return brigade::pg::edge([&] {
    return brigade::text_result(brigade::resolve_request(brigade::jsonb_argument(fcinfo, 0)));
  });
}
}
