#include "pg/memory.h"

#include <utility>

#include "pg/error.h"
#include "pg/server.h"

namespace brigade::pg {

namespace {

MemoryContextData* create_context(MemoryContext parent, const char* name) {
  return guard([&] {
    // The macro AllocSetContextCreate insists on a literal it can see.
    return AllocSetContextCreateInternal(parent, name, ALLOCSET_DEFAULT_SIZES);
  });
}

}  // namespace

Arena::Arena(const char* name) : context_(create_context(CurrentMemoryContext, name)) {}

Arena Arena::permanent(const char* name) { return Arena(create_context(TopMemoryContext, name)); }

Arena::~Arena() {
  // Deleting a context raises no ERROR: it only frees.
  if (context_ != nullptr) MemoryContextDelete(context_);
}

Arena::Arena(Arena&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}

void Arena::reset() { MemoryContextReset(context_); }

ContextScope::ContextScope(MemoryContextData* context)
    : previous_(MemoryContextSwitchTo(context)) {}

ContextScope::~ContextScope() { MemoryContextSwitchTo(previous_); }

}  // namespace brigade::pg
