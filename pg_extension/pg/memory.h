#pragma once

// Server memory contexts as scopes. Includes no server header, so that C++ code can use it.
struct MemoryContextData;

namespace brigade::pg {

// A memory context of our own that can be entered and emptied again and again.
class Arena {
 public:
  // Child of the current context. `name` must be a literal: the server keeps the pointer.
  explicit Arena(const char* name);
  // Child of TopMemoryContext: survives transactions.
  static Arena permanent(const char* name);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena& operator=(Arena&&) = delete;

  // Frees all that was allocated in it.
  void reset();
  MemoryContextData* context() const { return context_; }

 private:
  explicit Arena(MemoryContextData* context) : context_(context) {}
  MemoryContextData* context_;
};

// Makes a context the current one while in scope.
class ContextScope {
 public:
  explicit ContextScope(const Arena& arena) : ContextScope(arena.context()) {}
  explicit ContextScope(MemoryContextData* context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  MemoryContextData* previous_;
};

}  // namespace brigade::pg
