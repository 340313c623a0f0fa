#include "decoding/value_conversion.h"

#include "pg/compatibility.h"

extern "C" {
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"
}

namespace brigade {

namespace {

// Types that come with the server have fixed ids; what a user or an extension made does not.
bool is_built_in(Oid type) { return type < FirstGenbkiObjectId; }

bool is_array(Oid type) { return OidIsValid(get_element_type(type)); }

// Without custom_postgres_types only domains and arrays of built-in types are more than their text
// form.
const ValueConverter* create_legacy_converter(Oid type, const ValueOptions& options) {
  if (get_typtype(type) == TYPTYPE_DOMAIN)
    return create_value_converter(getBaseType(type), options);
  const Oid element = get_element_type(type);
  if (OidIsValid(element) && is_built_in(element)) return create_array_converter(element, options);
  return create_output_converter(type);
}

const ValueConverter* create_custom_converter(Oid type, const ValueOptions& options) {
  switch (get_typtype(type)) {
    case TYPTYPE_DOMAIN:
      return create_value_converter(getBaseType(type), options);
    case TYPTYPE_COMPOSITE:
      return create_composite_converter(type, options);
    case TYPTYPE_RANGE:
      return create_range_converter(type, options);
    case TYPTYPE_MULTIRANGE:
      return create_multirange_converter(type, options);
    default:
      break;
  }
  if (is_array(type)) return create_array_converter(get_element_type(type), options);
  return create_output_converter(type);
}

}  // namespace

const ValueConverter* create_value_converter(Oid type, const ValueOptions& options) {
  const ValueConverter* converter = create_scalar_converter(type);
  if (converter == nullptr) converter = create_time_converter(type, options);
  if (converter != nullptr) return converter;
  return options.custom_postgres_types ? create_custom_converter(type, options)
                                       : create_legacy_converter(type, options);
}

}  // namespace brigade
