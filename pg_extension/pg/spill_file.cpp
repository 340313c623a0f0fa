#include "pg/spill_file.h"

#include <cstdint>
#include <cstdio>

#include "pg/error.h"
#include "pg/server.h"

extern "C" {
#include "storage/buffile.h"
}

#include "pg/compatibility.h"

namespace brigade::pg {

namespace {

BufFile* create_file() {
  return guard([] {
    // Its buffer must live as long as the file, across transactions.
    const MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
    BufFile* file = BufFileCreateTemp(true);
    MemoryContextSwitchTo(caller);
    return file;
  });
}

}  // namespace

SpillFile::~SpillFile() { clear(); }

void SpillFile::append(std::string_view part) {
  if (file_ == nullptr) file_ = create_file();
  const uint64_t size = part.size();
  guard([&] {
    write_file(file_, &size, sizeof(size));
    write_file(file_, part.data(), part.size());
  });
  parts_++;
}

bool SpillFile::read(std::string& part) {
  if (read_ == parts_) return false;
  uint64_t size = 0;
  guard([&] {
    if (read_ == 0 && BufFileSeek(file_, 0, 0, SEEK_SET) != 0) elog(ERROR, "cannot rewind");
    read_file_exactly(file_, &size, sizeof(size));
  });
  part.resize(size);
  char* bytes = part.data();
  guard([&] { read_file_exactly(file_, bytes, size); });
  read_++;
  return true;
}

void SpillFile::clear() {
  // Closing frees memory and descriptors; it raises nothing for a temporary file.
  if (file_ != nullptr) BufFileClose(file_);
  file_ = nullptr;
  parts_ = 0;
  read_ = 0;
}

}  // namespace brigade::pg
