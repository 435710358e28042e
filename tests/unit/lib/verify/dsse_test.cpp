#include "lib/verify/dsse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/json.hpp"

namespace portcullis::verify {
namespace {

using ::testing::HasSubstr;

TEST(DsseTest, ThePreAuthenticationEncodingIsThatOfTheSpecification) {
  // secure-systems-lab/dsse, protocol.md, "Test Vectors".
  EXPECT_EQ(pae("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
  EXPECT_EQ(pae("", ""), "DSSEv1 0  0 ");
  // Lengths count bytes, so that no two pairs encode alike.
  EXPECT_EQ(pae("\xC3\xA9", "1 x"), "DSSEv1 2 \xC3\xA9 3 1 x");
  EXPECT_NE(pae("a", "1 b"), pae("a 3 1", "b"));
}

TEST(DsseTest, AnEnvelopeIsDecoded) {
  const auto envelope = parse_envelope(
      R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[{"keyid":"","sig":"c2ln"}]})");
  ASSERT_TRUE(envelope) << envelope.error().message();
  EXPECT_EQ(envelope->payload, "hello");
  EXPECT_EQ(envelope->payload_type, "t");
  EXPECT_EQ(envelope->signature, "sig");
}

TEST(DsseTest, TheKeyIdMayBeAbsentEmptyOrNull) {
  for (const char* signature :
       {R"({"sig":"c2ln"})", R"({"sig":"c2ln","keyid":"x"})", R"({"sig":"c2ln","keyid":null})"}) {
    const std::string text =
        R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[)" + std::string(signature) + "]}";
    EXPECT_TRUE(parse_envelope(text)) << signature;
  }
}

TEST(DsseTest, WhatIsNotOneStrictEnvelopeIsRefused) {
  struct Case {
    const char* name;
    const char* text;
    const char* says;
  };
  const Case cases[] = {
      {"nothing", "", ""},
      {"no object", "[]", "not a JSON object"},
      {"no payload", R"({"payloadType":"t","signatures":[{"sig":"c2ln"}]})", "payload is missing"},
      {"no type", R"({"payload":"aGVsbG8=","signatures":[{"sig":"c2ln"}]})",
       "payloadType is missing"},
      {"no signatures", R"({"payload":"aGVsbG8=","payloadType":"t"})", "exactly one"},
      {"signatures are no list", R"({"payload":"aGVsbG8=","payloadType":"t","signatures":{}})",
       "not a list"},
      {"signature is no object", R"({"payload":"aGVsbG8=","payloadType":"t","signatures":["x"]})",
       "not a JSON object"},
      {"two signatures",
       R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[{"sig":"c2ln"},{"sig":"c2ln"}]})",
       "exactly one"},
      {"empty signature", R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[{"sig":""}]})",
       "sig is empty"},
      {"key id is a number",
       R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[{"sig":"c2ln","keyid":1}]})",
       "keyid"},
      {"payload twice",
       R"({"payload":"aGVsbG8=","payload":"aGVsbG8=","payloadType":"t","signatures":[{"sig":"c2ln"}]})",
       ""},
      {"unknown member",
       R"({"payload":"aGVsbG8=","payloadType":"t","signatures":[{"sig":"c2ln"}],"Payload":"x"})",
       "unknown field"},
      {"null payload", R"({"payload":null,"payloadType":"t","signatures":[{"sig":"c2ln"}]})",
       "null"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto envelope = parse_envelope(test.text);
    ASSERT_FALSE(envelope);
    EXPECT_EQ(envelope.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(envelope.error().message(), HasSubstr(test.says));
  }
}

}  // namespace
}  // namespace portcullis::verify
