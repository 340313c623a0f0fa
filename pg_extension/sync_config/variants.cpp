#include "sync_config/variants.h"

#include "sync_config/query_error.h"

namespace brigade {

namespace {

using Kind = Expression::Kind;

constexpr size_t variants_max = 100;

class Expander {
 public:
  explicit Expander(const GraphBuilder& builder) : builder_(builder) {}

  std::vector<Variant> all_of(const std::vector<Expression>& conditions,
                              const std::vector<int>& tables) {
    std::vector<Variant> variants = {{{}, tables}};
    for (const Expression& condition : conditions) {
      variants = both(variants, expand(condition, false), condition.offset);
    }
    return variants;
  }

 private:
  static std::vector<Variant> both(const std::vector<Variant>& left,
                                   const std::vector<Variant>& right, SourceOffset offset) {
    if (left.size() * right.size() > variants_max) {
      throw QueryError(
          offset,
          "the conditions combine to more than " + std::to_string(variants_max) + " alternatives",
          "Use fewer ORs, or several queries.");
    }
    std::vector<Variant> result;
    for (const Variant& a : left) {
      for (const Variant& b : right) {
        Variant joined = a;
        joined.conditions.insert(joined.conditions.end(), b.conditions.begin(), b.conditions.end());
        joined.tables.insert(joined.tables.end(), b.tables.begin(), b.tables.end());
        result.push_back(std::move(joined));
      }
    }
    return result;
  }

  static std::vector<Variant> either(std::vector<Variant> left, std::vector<Variant> right) {
    std::move(right.begin(), right.end(), std::back_inserter(left));
    return left;
  }

  static std::vector<Variant> leaf(const Expression& expression, bool negated) {
    if (!negated) return {{{expression}, {}}};
    Expression negation;
    negation.kind = Kind::unary;
    negation.name = "NOT";
    negation.offset = expression.offset;
    negation.arguments.push_back(expression);
    return {{{std::move(negation)}, {}}};
  }

  std::vector<Variant> expand(const Expression& expression, bool negated) {
    if (scope_of(expression).single()) return leaf(expression, negated);
    if (expression.kind == Kind::unary && expression.name == "NOT") {
      return expand(expression.arguments[0], !negated);
    }
    if (expression.kind == Kind::query_in) return expand_subquery(expression, negated);
    if (expression.kind == Kind::list_in) return expand_list(expression, negated);
    const bool logical =
        expression.kind == Kind::binary && (expression.name == "AND" || expression.name == "OR");
    if (!logical) return leaf(expression, negated);
    std::vector<Variant> left = expand(expression.arguments[0], negated);
    std::vector<Variant> right = expand(expression.arguments[1], negated);
    if ((expression.name == "AND") != negated) return both(left, right, expression.offset);
    return either(std::move(left), std::move(right));
  }

  // x IN (a, b) with elements of the request is x = a OR x = b.
  std::vector<Variant> expand_list(const Expression& expression, bool negated) {
    if (negated || expression.name != "IN") {
      throw QueryError(expression.offset, "NOT IN cannot be used with request parameters",
                       "Compare with a fixed list, or select what should be synced with IN.");
    }
    std::vector<Variant> variants;
    for (size_t i = 1; i < expression.arguments.size(); i++) {
      variants = either(std::move(variants),
                        leaf(equality(expression.arguments[0], expression.arguments[i]), false));
    }
    return variants;
  }

  static Expression equality(Expression left, Expression right) {
    Expression result;
    result.kind = Kind::binary;
    result.name = "=";
    result.offset = left.offset;
    result.arguments.push_back(std::move(left));
    result.arguments.push_back(std::move(right));
    return result;
  }

  std::vector<Variant> expand_subquery(const Expression& expression, bool negated) {
    if (negated || expression.name == "NOT IN") {
      throw QueryError(expression.offset, "a subquery cannot be negated",
                       "Select what should be synced with IN, or keep a column in the table that "
                       "says so.");
    }
    const ResolvedSubquery& subquery = builder_.resolved_subquery(expression);
    Expression left = expression.arguments[0];
    if (expression.name == "&&") left = element_of(std::move(left));
    std::vector<Variant> variants = all_of(subquery.conditions, subquery.from);
    return both(variants, expand(equality(std::move(left), subquery.column), false),
                expression.offset);
  }

  const GraphBuilder& builder_;
};

}  // namespace

std::vector<Variant> expand_variants(const QueryGraph& graph, const GraphBuilder& builder) {
  return Expander(builder).all_of(graph.conditions, graph.from);
}

}  // namespace brigade
