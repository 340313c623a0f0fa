#include "evaluator/querier_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "evaluator/json_value.h"
#include "evaluator/value_text.h"

namespace brigade {

std::vector<std::vector<std::string>> RequestLookups::find(uint32_t definition,
                                                           std::vector<std::string> keys) {
  for (const std::string& key : keys) dependencies_.emplace(definition, key);
  auto values = reader_.find(definition, keys);
  for (const auto& entry : values) result_count_ += entry.size();
  if (result_count_ > limits_.parameter_results_max) {
    throw ResolveError("Too many parameter query results: over " +
                       std::to_string(limits_.parameter_results_max));
  }
  return values;
}

std::vector<LookupDependency> RequestLookups::take_dependencies() {
  std::vector<LookupDependency> dependencies;
  for (const auto& [definition, key] : dependencies_) dependencies.push_back({definition, key});
  return dependencies;
}

namespace {

using nlohmann::json;

// The values of a querier's variables, as elements of keys; empty means not yet known.
struct Tuple {
  std::vector<std::string> values;
  std::vector<LookupUse> lookups;  // only if there is a trace

  bool operator<(const Tuple& other) const { return values < other.values; }
  bool operator==(const Tuple& other) const { return values == other.values; }
};

// Of equal elements the first stays.
template <typename Element>
void sort_and_deduplicate(std::vector<Element>& elements) {
  if (!std::is_sorted(elements.begin(), elements.end())) {
    std::stable_sort(elements.begin(), elements.end());
  }
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
}

class QuerierRun {
 public:
  QuerierRun(const Querier& querier, RequestValues& values, RequestLookups& lookups,
             QuerierTrace* trace)
      : querier_(querier), values_(values), lookups_(lookups), trace_(trace) {
    tuples_.push_back({std::vector<std::string>(querier.variable_count), {}});
  }

  std::vector<std::string> run() {
    for (uint32_t i = 0; i < querier_.steps.size(); i++) {
      take(querier_.steps[i]);
      if (!tuples_.empty()) continue;
      if (trace_ != nullptr) trace_->stopped_at = i;
      return {};
    }
    std::vector<std::string> parameters;
    parameters.reserve(tuples_.size());
    for (Tuple& tuple : tuples_) {
      parameters.push_back(join(tuple, querier_.parameters, querier_.parameters.size()));
      if (trace_ == nullptr) continue;
      trace_->paths.push_back({parameters.back(), std::move(tuple.lookups)});
    }
    sort_and_deduplicate(parameters);
    return parameters;
  }

 private:
  void take(const Step& step) {
    switch (step.kind) {
      case Step::Kind::condition:
        if (!is_true(values_.evaluate(step.expression))) tuples_.clear();
        return;
      case Step::Kind::bind:
        return bind(step);
      case Step::Kind::expand:
        return expand(step);
      case Step::Kind::lookup:
        return look_up(step);
    }
  }

  static std::string join(const Tuple& tuple, const std::vector<uint32_t>& variables,
                          size_t count) {
    std::string key = "[";
    for (size_t i = 0; i < count; i++) {
      if (i > 0) key += ',';
      key += tuple.values[variables[i]];
    }
    return key + "]";
  }

  // False if the variable has another value already.
  static bool assign(Tuple& tuple, uint32_t variable, std::string_view value) {
    std::string& known = tuple.values[variable];
    if (known.empty()) known = value;
    return known == value;
  }

  void bind(const Step& step) {
    std::string text;
    if (!append_key_value(text, values_.evaluate(step.expression))) return tuples_.clear();
    std::erase_if(tuples_, [&](Tuple& tuple) { return !assign(tuple, step.variables[0], text); });
  }

  std::set<std::string> elements_of(const Expression& expression) {
    std::set<std::string> texts;
    std::string storage;
    for (const json& element : json_elements(values_.evaluate(expression))) {
      std::string text;
      if (append_key_value(text, value_of_json(element, storage))) texts.insert(std::move(text));
    }
    return texts;
  }

  void expand(const Step& step) {
    const std::set<std::string> elements = elements_of(step.expression);
    std::vector<Tuple> expanded;
    for (const Tuple& tuple : tuples_) {
      for (const std::string& element : elements) {
        Tuple next = tuple;
        if (assign(next, step.variables[0], element)) expanded.push_back(std::move(next));
      }
    }
    tuples_ = std::move(expanded);
  }

  void look_up(const Step& step) {
    std::vector<std::string> keys;
    for (const Tuple& tuple : tuples_) keys.push_back(join(tuple, step.variables, step.keys));
    std::vector<std::string> distinct = keys;
    sort_and_deduplicate(distinct);
    const auto found = lookups_.find(step.definition, distinct);
    std::vector<Tuple> joined;
    for (size_t i = 0; i < tuples_.size(); i++) {
      const size_t key =
          std::lower_bound(distinct.begin(), distinct.end(), keys[i]) - distinct.begin();
      for (const std::string& value : found[key]) {
        add_value(step, tuples_[i], keys[i], value, joined);
      }
    }
    sort_and_deduplicate(joined);
    tuples_ = std::move(joined);
    if (tuples_.empty() && trace_ != nullptr) trace_->unknown_keys = std::move(distinct);
  }

  void add_value(const Step& step, const Tuple& tuple, const std::string& key,
                 const std::string& value, std::vector<Tuple>& joined) const {
    const std::vector<std::string_view> elements = split_key(value);
    Tuple next = tuple;
    if (trace_ != nullptr) next.lookups.push_back({step.definition, key, value});
    for (size_t i = 0; i < elements.size() && step.keys + i < step.variables.size(); i++) {
      if (!assign(next, step.variables[step.keys + i], elements[i])) return;
    }
    joined.push_back(std::move(next));
  }

  const Querier& querier_;
  RequestValues& values_;
  RequestLookups& lookups_;
  QuerierTrace* trace_;
  std::vector<Tuple> tuples_;
};

}  // namespace

std::vector<std::string> run_querier(const Querier& querier, RequestValues& values,
                                     RequestLookups& lookups, QuerierTrace* trace) {
  return QuerierRun(querier, values, lookups, trace).run();
}

}  // namespace brigade
