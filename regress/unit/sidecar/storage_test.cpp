#include <gtest/gtest.h>

#include "storage/answer_decoding.h"

namespace brigade::sidecar {
namespace {

TEST(AnswerDecoding, ResolutionOfTheInterface) {
  auto resolution = decode_resolution(R"({"commit":42,"op_id":"15","write_checkpoint":"3",
    "buckets":[[7,"1#lists|0[\"u1\"]",-708496331,2,12,1,1],[0,"b",0,0,0,3,0]],
    "reasons":[[],[{"default":0},{"sub":1}]],
    "streams":[{"name":"lists","is_default":true,
                "errors":[{"subscription":"default","message":"m"},
                          {"subscription":2,"message":"n"}]}],
    "dependencies":[-8123,77]})");
  ASSERT_TRUE(resolution) << resolution.error().message;
  EXPECT_EQ(resolution->commit, 42);
  EXPECT_EQ(resolution->write_checkpoint, 3);
  EXPECT_EQ(resolution->op_id, 15);
  EXPECT_EQ(resolution->buckets[0].id, 7);
  EXPECT_EQ(resolution->buckets[0].name, "1#lists|0[\"u1\"]");
  EXPECT_EQ(resolution->buckets[0].priority, 1);
  EXPECT_EQ(resolution->buckets[0].state, (BucketState{12, 2, -708496331}));
  EXPECT_EQ(resolution->buckets[0].reasons, (std::vector<Reason>{{true, 0}, {false, 1}}));
  EXPECT_FALSE(resolution->buckets[1].id);
  EXPECT_TRUE(resolution->buckets[1].reasons.empty());
  EXPECT_FALSE(resolution->streams[0].errors[0].subscription);
  EXPECT_EQ(resolution->streams[0].errors[1].subscription, 2U);
  EXPECT_EQ(resolution->dependencies, (std::vector<int64_t>{-8123, 77}));
}

TEST(AnswerDecoding, ChangesOfTheInterface) {
  auto changes = decode_changes(R"({"commit":45,"op_id":"23","complete":true,
    "buckets":[{"id":7,"name":"n","checksum":1,"count":3,"last_op_id":"23"},
               {"id":8,"checksum":1,"count":3,"last_op_id":"23"}],
    "dependencies":[5],"config_changed":false,
    "write_checkpoints":[{"user_id":"u1","client_id":null,"id":"7"}]})",
                                41);
  ASSERT_TRUE(changes) << changes.error().message;
  EXPECT_EQ(changes->after, 41);
  EXPECT_EQ(changes->buckets[0].name, "n");
  EXPECT_FALSE(changes->buckets[1].name);
  EXPECT_EQ(changes->write_checkpoints[0].client_id, "");
}

TEST(AnswerDecoding, StatusOfTheInterface) {
  auto status = decode_status(R"({"state":"running","active_config":2,"processing_config":null,
    "lag_bytes":5,"lag_seconds":0.5,"operations_per_second":null,"tables_to_copy":1,
    "row_errors":0,"operation_bytes":32768,"lookup_bytes":1,"row_bytes":2,
    "compaction":{"compactions":3,"examined":900,"moved":20,"deleted":500,"reappended":4,
                  "buckets_due":1,"behind_seconds":0.5}})");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(status->has_active_config);
  EXPECT_EQ(status->lag_bytes, 5);
  EXPECT_EQ(status->lag_seconds, 0.5);
  EXPECT_EQ(status->operations_per_second, 0);
  EXPECT_EQ(status->operation_bytes, 32768);
  EXPECT_EQ(status->compaction.deleted, 500);
  EXPECT_EQ(status->compaction.reappended, 4);
  EXPECT_EQ(status->compaction.behind_seconds, 0.5);
}

TEST(AnswerDecoding, ResolutionsOfOtherForms) {
  auto with = [](const std::string& buckets, const std::string& rest) {
    return R"({"commit":1,"op_id":"1","write_checkpoint":null,"streams":[],"reasons":[[]],)" +
           rest + R"("buckets":)" + buckets + "}";
  };
  const std::string dependencies = R"("dependencies":[],)";
  EXPECT_TRUE(decode_resolution(with(R"([[7,"a",1,1,1,3,0]])", dependencies)));
  EXPECT_FALSE(decode_resolution(with(R"([[7,"a",1,1,1,3,0]])", "")));
  for (const char* buckets :
       {R"([[7,"a",1,1,1,3]])", R"([[7,"a",1,1,1,3,0,0]])", R"([[7,"a",1,1,1,3,1]])",
        R"([[7,8,1,1,1,3,0]])", R"([["7","a",1,1,1,3,0]])", R"([[7,"a",1,1,1,3,[]]])", "[{}]",
        "[7]", R"([[7,"a",1,1,1.5,3,0]])", R"([[null,"a",1,1,1,3,0]])", "null", "{}", "[[7"}) {
    EXPECT_FALSE(decode_resolution(with(buckets, dependencies))) << buckets;
  }
}

TEST(AnswerDecoding, NamesOfBucketsHaveAnyCharacters) {
  auto resolution = decode_resolution(
      R"({"streams":[],"reasons":[[]],"commit":1,"op_id":"1","write_checkpoint":null,
      "dependencies":[],"buckets":[[1,"",1,1,1,3,0],[2,"\"\\",1,1,1,3,0],
      [3,"[,\n\u00e9\"]",1,1,1,3,0],[4,"é \"a\",\"b\"",1,1,1,3,0]]})");
  ASSERT_TRUE(resolution) << resolution.error().message;
  std::vector<std::string> names;
  for (const ResolvedBucket& bucket : resolution->buckets) names.push_back(bucket.name);
  EXPECT_EQ(names, (std::vector<std::string>{"", R"("\)", "[,\né\"]", R"(é "a","b")"}));
}

TEST(AnswerDecoding, ResolutionsThatEndTooSoon) {
  const std::string whole =
      R"({"commit":1,"op_id":"1","write_checkpoint":null,"reasons":[[{"sub":1}]],"streams":)"
      R"([{"name":"a\\","is_default":true,"errors":[]}],"dependencies":[-1,2],"buckets":)"
      R"([[7,"a\"",1,1,1,3,0]]})";
  EXPECT_TRUE(decode_resolution(whole));
  for (size_t size = 0; size < whole.size(); size++) {
    EXPECT_FALSE(decode_resolution(whole.substr(0, size))) << size;
  }
}

/// An answer of brigade.read_operations: a range with two operations, and a cleared one.
std::string answer_with_operations() {
  using namespace std::string_literals;
  return "P\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\0\xff\0\0\1"s + "\0\0\0\5lists\0\0\0\2id\0\0\0\3key"s +
         "\0\0\0\2{}"s + "M\0\0\0\0\0\0\1\3\0\0\0\0\0\0\0\7\0\0\0\2"s + std::string(16, '\xff') +
         std::string(9, '\0') + std::string(8, '\0') + '\x09';
}

TEST(AnswerDecoding, OperationsOfTheInterface) {
  const std::string answer = answer_with_operations();
  auto ranges = decode_operations(answer, nullptr);
  ASSERT_TRUE(ranges) << ranges.error().message;
  ASSERT_EQ(ranges->size(), 2U);
  const std::vector<Operation>& operations = (*ranges)[0].operations;
  ASSERT_EQ(operations.size(), 2U);
  EXPECT_EQ(operations[0].kind, OperationKind::put);
  EXPECT_EQ(operations[0].op_id, 258);
  EXPECT_EQ(operations[0].target_op_id, 0);
  EXPECT_EQ(operations[0].checksum, 0xff000001U);
  EXPECT_EQ(operations[0].object_type, "lists");
  EXPECT_EQ(operations[0].object_id, "id");
  EXPECT_EQ(operations[0].subkey, "key");
  EXPECT_EQ(operations[0].data, "{}");
  EXPECT_EQ(operations[1].kind, OperationKind::move);
  EXPECT_EQ(operations[1].target_op_id, 7);
  EXPECT_EQ(operations[1].object_id, "");
  EXPECT_FALSE(operations[1].data);
  EXPECT_EQ((*ranges)[0].cleared_until, 0);
  EXPECT_TRUE((*ranges)[1].operations.empty());
  EXPECT_EQ((*ranges)[1].cleared_until, 9);
}

TEST(AnswerDecoding, OperationsThatEndTooSoon) {
  const std::string whole = answer_with_operations();
  const size_t first_range = whole.size() - 9;
  for (size_t size = 1; size < whole.size(); size++) {
    // In memory of its own, so that a sanitizer sees what is read beyond the end.
    const std::vector<char> part(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size));
    const bool complete = size == first_range;
    EXPECT_EQ(static_cast<bool>(decode_operations({part.data(), size}, nullptr)), complete) << size;
  }
}

TEST(AnswerDecoding, OtherFormsAreErrors) {
  for (const char* text : {"", "null", "[]", "{}", R"({"commit":"x"})", R"({"commit":1})"}) {
    EXPECT_FALSE(decode_resolution(text)) << text;
    EXPECT_FALSE(decode_changes(text, 0)) << text;
    EXPECT_FALSE(decode_status(text)) << text;
  }
}

}  // namespace
}  // namespace brigade::sidecar
