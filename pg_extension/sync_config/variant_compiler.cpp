#include "sync_config/variant_compiler.h"

#include <algorithm>
#include <map>

#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

constexpr int request_scope = -1;

std::string text_of(const Expression& expression) { return to_json(expression).dump(); }

void sort(std::vector<Expression>& expressions) {
  std::sort(expressions.begin(), expressions.end(),
            [](const Expression& a, const Expression& b) { return text_of(a) < text_of(b); });
  const auto equal = [](const Expression& a, const Expression& b) {
    return text_of(a) == text_of(b);
  };
  expressions.erase(std::unique(expressions.begin(), expressions.end(), equal), expressions.end());
}

bool is_element(const Expression& expression) {
  return expression.kind == Kind::metadata && expression.name == "element";
}

bool contains_element(const Expression& expression) {
  return is_element(expression) ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(), contains_element);
}

void note_request(const Expression& expression, CompiledVariant& compiled) {
  if (expression.kind == Kind::request) {
    const bool auth = expression.name == "auth" || expression.name == "user_id";
    (auth ? compiled.reads_auth : compiled.reads_client_parameters) = true;
  }
  for (const Expression& argument : expression.arguments) note_request(argument, compiled);
}

// One side of an equality: an expression of one table, or of the request.
struct Term {
  int scope;
  Expression expression;
  std::string text;
  size_t parent;  // union-find
};

class VariantCompiler {
 public:
  VariantCompiler(const QueryGraph& graph, const Variant& variant)
      : graph_(graph), variant_(variant) {}

  CompiledVariant run() {
    for (const Expression& condition : variant_.conditions) classify(condition);
    number_variables();
    bind_request_terms();
    resolve_tables();
    make_source();
    compiled_.querier.variable_count = static_cast<uint32_t>(variables_.size());
    return std::move(compiled_);
  }

 private:
  // ---- conditions

  void classify(const Expression& condition) {
    note_request(condition, compiled_);
    const ExpressionScope scope = scope_of(condition);
    if (scope.single()) {
      if (scope.tables.empty()) {
        add_request_condition(condition);
      } else {
        filters_[*scope.tables.begin()].push_back(condition);
      }
    } else if (condition.kind == Kind::binary && condition.name == "=") {
      unite(condition.arguments[0], condition.arguments[1], condition);
    } else if (condition.kind == Kind::array_in && condition.name == "IN") {
      unite(condition.arguments[0], element_of(condition.arguments[1]), condition);
    } else if (condition.kind == Kind::overlap) {
      unite(element_of(condition.arguments[0]), element_of(condition.arguments[1]), condition);
    } else {
      reject(condition);
    }
  }

  void add_request_condition(const Expression& condition) {
    if (contains_element(condition)) {
      throw QueryError(condition.offset,
                       "a value of json_each() over a request parameter is not compared with a "
                       "column",
                       "Compare it with a column by =.");
    }
    Step step;
    step.kind = Step::Kind::condition;
    step.expression = condition;
    compiled_.querier.steps.push_back(std::move(step));
  }

  [[noreturn]] static void reject(const Expression& condition) {
    const bool request = scope_of(condition).request;
    throw QueryError(
        condition.offset,
        request ? "a column is compared with a request parameter in a way that cannot be looked up"
                : "columns of two tables are compared in a way that cannot be looked up",
        "Use = or IN, with an expression of one table on one side, and of the other table or the "
        "request on the other.");
  }

  // ---- variables: classes of terms that must be equal

  size_t root(size_t term) const {
    while (terms_[term].parent != term) term = terms_[term].parent;
    return term;
  }

  size_t add_term(const Expression& expression, const Expression& condition) {
    const ExpressionScope scope = scope_of(expression);
    if (!scope.single()) reject(condition);
    const int owner = scope.tables.empty() ? request_scope : *scope.tables.begin();
    std::string text = text_of(expression);
    for (size_t i = 0; i < terms_.size(); i++) {
      if (terms_[i].scope == owner && terms_[i].text == text) return i;
    }
    terms_.push_back({owner, expression, std::move(text), terms_.size()});
    return terms_.size() - 1;
  }

  void unite(const Expression& left, const Expression& right, const Expression& condition) {
    const size_t a = root(add_term(left, condition));
    const size_t b = root(add_term(right, condition));
    terms_[std::max(a, b)].parent = std::min(a, b);
  }

  // Numbers do not depend on the order in which the conditions are written.
  void number_variables() {
    std::map<std::string, size_t> by_text;
    for (size_t i = 0; i < terms_.size(); i++) {
      by_text.emplace(std::to_string(terms_[i].scope) + terms_[i].text, i);
    }
    for (const auto& [text, term] : by_text) {
      variables_.emplace(root(term), static_cast<uint32_t>(variables_.size()));
    }
    known_.assign(variables_.size(), false);
  }

  uint32_t variable(size_t term) const { return variables_.at(root(term)); }

  // Terms of a scope by variable. Two of a table's terms in one class must be equal in the row.
  std::map<uint32_t, Expression> terms_of(int scope) {
    std::map<uint32_t, Expression> result;
    for (size_t i = 0; i < terms_.size(); i++) {
      if (terms_[i].scope != scope) continue;
      const auto [entry, added] = result.try_emplace(variable(i), terms_[i].expression);
      if (!added) add_row_equality(scope, entry->second, terms_[i].expression);
    }
    return result;
  }

  void add_row_equality(int table, Expression left, Expression right) {
    Expression equality;
    equality.kind = Kind::binary;
    equality.name = "=";
    if (text_of(right) < text_of(left)) std::swap(left, right);
    equality.arguments = {std::move(left), std::move(right)};
    filters_[table].push_back(std::move(equality));
  }

  // ---- steps

  void bind_request_terms() {
    std::vector<size_t> order;
    for (size_t i = 0; i < terms_.size(); i++) {
      if (terms_[i].scope == request_scope) order.push_back(i);
    }
    // Single values first: an array then only has to contain the value.
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const bool a_expands = is_element(terms_[a].expression);
      const bool b_expands = is_element(terms_[b].expression);
      return std::tie(a_expands, terms_[a].text) < std::tie(b_expands, terms_[b].text);
    });
    for (const size_t term : order) bind_request_term(term);
  }

  void bind_request_term(size_t term) {
    const Expression& expression = terms_[term].expression;
    Step step;
    step.kind = is_element(expression) ? Step::Kind::expand : Step::Kind::bind;
    step.expression = is_element(expression) ? expression.arguments[0] : expression;
    if (contains_element(step.expression)) {
      throw QueryError(expression.offset, "a value of json_each() cannot be part of an expression",
                       "Compare the value itself.");
    }
    step.variables = {variable(term)};
    known_[variable(term)] = true;
    compiled_.querier.steps.push_back(std::move(step));
  }

  // Tables whose values are known best come first; ties keep the order of the query.
  void resolve_tables() {
    std::vector<int> left = variant_.tables;
    std::sort(left.begin(), left.end());
    left.erase(std::unique(left.begin(), left.end()), left.end());
    left.erase(std::remove(left.begin(), left.end(), graph_.result), left.end());
    while (!left.empty()) {
      const auto best = std::max_element(
          left.begin(), left.end(), [&](int a, int b) { return known_count(a) < known_count(b); });
      add_lookup(*best);
      left.erase(best);
    }
  }

  size_t known_count(int table) const {
    size_t count = 0;
    for (size_t i = 0; i < terms_.size(); i++) {
      if (terms_[i].scope == table && known_[variable(i)]) count++;
    }
    return count;
  }

  void add_lookup(int table) {
    Step step;
    step.kind = Step::Kind::lookup;
    step.definition = static_cast<uint32_t>(compiled_.lookups.size());
    Definition lookup;
    lookup.kind = Definition::Kind::lookup_index;
    lookup.table = graph_.tables[table].pattern;
    std::map<std::string, std::pair<uint32_t, Expression>> keys;
    std::map<std::string, std::pair<uint32_t, Expression>> values;
    for (const auto& [variable, expression] : terms_of(table)) {
      (known_[variable] ? keys : values)[text_of(expression)] = {variable, expression};
    }
    for (const auto& [text, entry] : keys) {
      step.variables.push_back(entry.first);
      lookup.key.push_back(entry.second);
    }
    step.keys = static_cast<uint32_t>(keys.size());
    for (const auto& [text, entry] : values) {
      step.variables.push_back(entry.first);
      lookup.values.push_back(entry.second);
      known_[entry.first] = true;
    }
    lookup.filters = take_filters(table);
    compiled_.lookups.push_back(std::move(lookup));
    compiled_.querier.steps.push_back(std::move(step));
  }

  std::vector<Expression> take_filters(int table) {
    std::vector<Expression> filters = std::move(filters_[table]);
    sort(filters);
    return filters;
  }

  void make_source() {
    Definition& source = compiled_.source;
    source.kind = Definition::Kind::bucket_source;
    const QueryGraph::Table& table = graph_.tables[graph_.result];
    source.table = table.pattern;
    source.output_table = table.alias;
    source.columns = graph_.columns;
    std::map<std::string, std::pair<uint32_t, Expression>> key;
    for (const auto& [variable, expression] : terms_of(graph_.result)) {
      key[text_of(expression)] = {variable, expression};
    }
    for (const auto& [text, entry] : key) {
      compiled_.querier.parameters.push_back(entry.first);
      source.key.push_back(entry.second);
    }
    source.filters = take_filters(graph_.result);
  }

  const QueryGraph& graph_;
  const Variant& variant_;
  CompiledVariant compiled_;
  std::map<int, std::vector<Expression>> filters_;
  std::vector<Term> terms_;
  std::map<size_t, uint32_t> variables_;  // root term → variable
  std::vector<bool> known_;
};

}  // namespace

CompiledVariant compile_variant(const QueryGraph& graph, const Variant& variant) {
  return VariantCompiler(graph, variant).run();
}

}  // namespace brigade
