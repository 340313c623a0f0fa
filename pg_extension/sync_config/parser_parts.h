#pragma once

#include <string>

#include "sync_config/token_reader.h"

// The parts of the parser, which call each other. All throw QueryError.
namespace brigade {

// parser.cpp: from SELECT to the end of its last clause.
Select parse_select(TokenReader& tokens);

// expression_parser.cpp: an expression with all its operators; and one with those only that bind
// tighter than = and the other predicates.
Expression parse_expression(TokenReader& tokens);
Expression parse_operand(TokenReader& tokens);

// predicate_parser.cpp: what may follow an operand: IS, BETWEEN, IN, and && after it was taken.
// False, without having read anything: there is none.
bool parse_predicate(TokenReader& tokens, Expression& left);
Expression parse_in(TokenReader& tokens, Expression left, const std::string& name,
                    SourceOffset offset);

// primary_parser.cpp: what has no operators outside parentheses; and a cast's type.
Expression parse_primary(TokenReader& tokens);
Expression parse_cast_type(TokenReader& tokens, Expression operand, SourceOffset offset);

Expression make_literal(nlohmann::json value, SourceOffset offset);
Expression make_unary(Expression operand, const std::string& name, SourceOffset offset);
Expression make_binary(Expression left, const std::string& name, Expression right,
                       SourceOffset offset);

}  // namespace brigade
