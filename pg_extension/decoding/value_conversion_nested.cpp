#include "decoding/live_attribute.h"
#include "decoding/value_conversion.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/typcache.h"
}

// Arrays, composites, ranges and multiranges: JSON texts, whose parts are converted as columns are.
namespace brigade {

namespace {

// The SQLite value is the JSON text.
class StructureConverter : public ValueConverter {
 public:
  Value to_value(Datum datum) const override {
    StringInfoData text;
    initStringInfo(&text);
    append_json(datum, &text);
    return text_of(text);
  }
};

void append_json_or_null(const ValueConverter& converter, Datum datum, bool is_null,
                         StringInfo target) {
  if (is_null) {
    append_text(target, "null");
  } else {
    converter.append_json(datum, target);
  }
}

// ---- Arrays
// --------------------------------------------------------------------------------------

class ArrayConverter final : public StructureConverter {
 public:
  ArrayConverter(Oid element_type, const ValueOptions& options)
      : element_type_(element_type), element_(create_value_converter(element_type, options)) {
    get_typlenbyvalalign(element_type, &length_, &by_value_, &alignment_);
  }

  void append_json(Datum datum, StringInfo target) const override {
    ArrayType* array = DatumGetArrayTypeP(datum);
    Elements elements{};
    deconstruct_array(array, element_type_, length_, by_value_, alignment_, &elements.datums,
                      &elements.nulls, &elements.count);
    // An empty array has no dimensions.
    if (elements.count == 0) return append_text(target, "[]");
    append_dimension(elements, ARR_DIMS(array), ARR_NDIM(array), target);
  }

 private:
  struct Elements {
    Datum* datums;
    bool* nulls;
    int count;
    int next;
  };

  // Elements are in row-major order; there are at most MAXDIM dimensions. Lower bounds are lost.
  void append_dimension(Elements& elements, const int* sizes, int dimensions,
                        StringInfo target) const {
    for (int i = 0; i < sizes[0]; i++) {
      appendStringInfoChar(target, i == 0 ? '[' : ',');
      if (dimensions > 1) {
        append_dimension(elements, sizes + 1, dimensions - 1, target);
      } else {
        append_json_or_null(*element_, elements.datums[elements.next],
                            elements.nulls[elements.next], target);
        elements.next++;
      }
    }
    appendStringInfoChar(target, ']');
  }

  Oid element_type_;
  const ValueConverter* element_;
  int16 length_ = 0;
  bool by_value_ = false;
  char alignment_ = 0;
};

// ---- Composites
// ----------------------------------------------------------------------------------

class CompositeConverter final : public StructureConverter {
 public:
  CompositeConverter(Oid type, const ValueOptions& options)
      : type_(type),
        options_(options),
        memory_(AllocSetContextCreate(CurrentMemoryContext, "pg_brigade composite type",
                                      ALLOCSET_SMALL_SIZES)) {}

  void append_json(Datum datum, StringInfo target) const override {
    check_stack_depth();
    HeapTupleHeader header = DatumGetHeapTupleHeader(datum);
    HeapTupleData tuple{};
    tuple.t_len = HeapTupleHeaderGetDatumLength(header);
    tuple.t_data = header;
    TupleDesc descriptor = current_descriptor();
    auto* datums = static_cast<Datum*>(palloc(sizeof(Datum) * descriptor->natts));
    auto* nulls = static_cast<bool*>(palloc(sizeof(bool) * descriptor->natts));
    heap_deform_tuple(&tuple, descriptor, datums, nulls);
    append_fields(datums, nulls, target);
  }

 private:
  struct Field {
    int index;
    const char* label;  // "name": with quotes and colon
    const ValueConverter* converter;
  };

  // ALTER TYPE changes a composite type without a word to the tables that use it, so the fields are
  // checked against the type cache every time.
  TupleDesc current_descriptor() const {
    TypeCacheEntry* entry = lookup_type_cache(type_, TYPECACHE_TUPDESC);
    if (entry->tupDesc == nullptr) {
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
                      errmsg("type %s is not a composite type", format_type_be(type_))));
    }
    if (entry->tupDesc_identifier != descriptor_identifier_) {
      read_fields(entry->tupDesc);
      descriptor_identifier_ = entry->tupDesc_identifier;
    }
    return entry->tupDesc;
  }

  void read_fields(TupleDesc descriptor) const {
    field_count_ = 0;
    MemoryContextReset(memory_);
    const MemoryContext caller = MemoryContextSwitchTo(memory_);
    fields_ = static_cast<Field*>(palloc(sizeof(Field) * (descriptor->natts + 1)));
    for (int i = 0; i < descriptor->natts; i++) {
      const FormData_pg_attribute* attribute = TupleDescAttr(descriptor, i);
      if (!is_live(*attribute)) continue;
      fields_[field_count_] = {i, label_of(NameStr(attribute->attname)),
                               create_value_converter(attribute->atttypid, options_)};
      field_count_++;
    }
    MemoryContextSwitchTo(caller);
  }

  static const char* label_of(const char* name) {
    StringInfoData label;
    initStringInfo(&label);
    append_value_json(utf8_value(name), &label);
    appendStringInfoChar(&label, ':');
    return label.data;
  }

  void append_fields(const Datum* datums, const bool* nulls, StringInfo target) const {
    appendStringInfoChar(target, '{');
    for (int i = 0; i < field_count_; i++) {
      const Field& field = fields_[i];
      if (i > 0) appendStringInfoChar(target, ',');
      appendStringInfoString(target, field.label);
      append_json_or_null(*field.converter, datums[field.index], nulls[field.index], target);
    }
    appendStringInfoChar(target, '}');
  }

  Oid type_;
  ValueOptions options_;
  MemoryContext memory_;  // of the fields
  mutable uint64 descriptor_identifier_ = 0;
  mutable Field* fields_ = nullptr;
  mutable int field_count_ = 0;
};

// ---- Ranges
// --------------------------------------------------------------------------------------

class RangeConverter final : public StructureConverter {
 public:
  // `cache` is an entry of the type cache; they live as long as the process.
  RangeConverter(TypeCacheEntry* cache, const ValueOptions& options)
      : cache_(cache), bound_(create_value_converter(cache->rngelemtype->type_id, options)) {}

  // The one structure that can be something else than JSON.
  Value to_value(Datum datum) const override {
    const RangeType* range = DatumGetRangeTypeP(datum);
    if (RangeIsEmpty(range)) return Value::of_text("empty");
    return StructureConverter::to_value(RangeTypePGetDatum(range));
  }

  void append_json(Datum datum, StringInfo target) const override {
    RangeBound lower;
    RangeBound upper;
    bool is_empty = false;
    range_deserialize(cache_, DatumGetRangeTypeP(datum), &lower, &upper, &is_empty);
    if (is_empty) return append_text(target, "\"empty\"");
    append_text(target, "{\"lower\":");
    append_json_or_null(*bound_, lower.val, lower.infinite, target);
    append_text(target, ",\"upper\":");
    append_json_or_null(*bound_, upper.val, upper.infinite, target);
    appendStringInfo(target, ",\"lower_exclusive\":%d,\"upper_exclusive\":%d}",
                     lower.inclusive ? 0 : 1, upper.inclusive ? 0 : 1);
  }

 private:
  TypeCacheEntry* cache_;
  const ValueConverter* bound_;
};

TypeCacheEntry* range_cache(Oid type) {
  TypeCacheEntry* cache = lookup_type_cache(type, TYPECACHE_RANGE_INFO);
  if (cache->rngelemtype == nullptr) elog(ERROR, "type %u is not a range type", type);
  return cache;
}

class MultirangeConverter final : public StructureConverter {
 public:
  MultirangeConverter(Oid range_type, const ValueOptions& options)
      : cache_(range_cache(range_type)), range_(cache_, options) {}

  void append_json(Datum datum, StringInfo target) const override {
    RangeType** ranges = nullptr;
    int32 count = 0;
    multirange_deserialize(cache_, DatumGetMultirangeTypeP(datum), &count, &ranges);
    appendStringInfoChar(target, '[');
    for (int32 i = 0; i < count; i++) {
      if (i > 0) appendStringInfoChar(target, ',');
      range_.append_json(RangeTypePGetDatum(ranges[i]), target);
    }
    appendStringInfoChar(target, ']');
  }

 private:
  TypeCacheEntry* cache_;
  RangeConverter range_;
};

}  // namespace

const ValueConverter* create_array_converter(Oid element_type, const ValueOptions& options) {
  return create_in_context<ArrayConverter>(element_type, options);
}

const ValueConverter* create_composite_converter(Oid type, const ValueOptions& options) {
  return create_in_context<CompositeConverter>(type, options);
}

const ValueConverter* create_range_converter(Oid type, const ValueOptions& options) {
  return create_in_context<RangeConverter>(range_cache(type), options);
}

const ValueConverter* create_multirange_converter(Oid type, const ValueOptions& options) {
  return create_in_context<MultirangeConverter>(get_multirange_range(type), options);
}

}  // namespace brigade
