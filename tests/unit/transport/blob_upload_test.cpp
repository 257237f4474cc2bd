// SPDX-License-Identifier: Apache-2.0
#include "snapshot/blob_upload.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_http_client.h"
#include "tests/unit/transport/sample_request.h"

namespace stillpoint::testing {
namespace {

using Sent = FakeHttpClient::Sent;

/// One blob of a store: knows its kind and its size, and applies what is written.
struct FakeBlob {
    bool readable = true;
    bool page_blob = false;
    std::string content;

    Result<HttpReply> answer(const Sent& sent) {
        if (sent.line.starts_with("HEAD")) {
            return !readable ? http_reply(403)
                             : http_reply(200, "",
                                          {{"x-ms-blob-type", page_blob ? "PageBlob" : "BlockBlob"},
                                           {"Content-Length", std::to_string(content.size())}});
        }
        if (sent.line.ends_with("comp=properties")) {
            content.resize(std::stoul(sent.header("x-ms-blob-content-length")));
            return http_reply(200);
        }
        if (sent.line.ends_with("comp=page")) {
            return write_pages(sent);
        }
        if (page_blob) {
            return http_reply(409, "<Code>InvalidBlobType</Code>");
        }
        content = sent.body;
        return http_reply(201);
    }

    Result<HttpReply> write_pages(const Sent& sent) {
        const std::string range = sent.header("x-ms-range").substr(6);
        const std::size_t first = std::stoul(range);
        const std::size_t last = std::stoul(range.substr(range.find('-') + 1));
        const bool clears = sent.header("x-ms-page-write") == "clear";
        const std::size_t size = last - first + 1;
        if (first % 512 != 0 || size % 512 != 0 || last >= content.size() ||
            (!clears && (sent.body.size() != size || size > 4 * 1024 * 1024))) {
            return http_reply(416);
        }
        content.replace(first, size, clears ? std::string(size, '\0') : sent.body);
        return http_reply(201);
    }
};

struct BlobUploadTest : ::testing::Test {
    FakeHttpClient http;
    FakeBlob blob;
    std::vector<std::chrono::milliseconds> pauses;
    BlobUpload upload{http, BlobUpload::Settings{.pause = [this](std::chrono::milliseconds time) {
                          pauses.push_back(time);
                      }}};

    BlobUploadTest() {
        http.answer = [this](const Sent& sent) { return blob.answer(sent); };
    }
    Result<void> put(std::string_view text) { return upload.put(sample_blob("vm1.status"), text); }
};

TEST_F(BlobUploadTest, ReplacesABlockBlobWithWhateverItHeld) {
    blob.content = "an earlier status";

    const Result<void> done = put("[{\"version\"}]");

    EXPECT_TRUE(done);
    EXPECT_EQ(blob.content, "[{\"version\"}]");
    ASSERT_EQ(http.sent.size(), 2u);
    EXPECT_EQ(http.sent[1].line,
              "PUT /vhds/vm1.status?sv=2018-03-28&sr=b&sig=SECRETSIGNATURE%2Babc%3D&sp=rw");
    EXPECT_EQ(http.sent[1].header("x-ms-blob-type"), "BlockBlob");
    EXPECT_TRUE(pauses.empty());
}

TEST_F(BlobUploadTest, NeedsNoRightToRead) {
    blob.readable = false;

    EXPECT_TRUE(put("text"));
    EXPECT_EQ(blob.content, "text");
}

TEST_F(BlobUploadTest, FillsAPageBlobWithWholePages) {
    blob.page_blob = true;
    blob.content = std::string(1024, 'x');

    EXPECT_TRUE(put("text"));

    EXPECT_EQ(blob.content, "text" + std::string(508, ' ') + std::string(512, '\0'));
}

TEST_F(BlobUploadTest, EnlargesAPageBlobThatIsTooSmall) {
    blob.page_blob = true;
    blob.content = std::string(512, 'x');

    EXPECT_TRUE(put(std::string(600, 'y')));

    EXPECT_EQ(blob.content, std::string(600, 'y') + std::string(424, ' '));
}

TEST_F(BlobUploadTest, FindsOutByWritingThatItIsAPageBlob) {
    blob.page_blob = true;
    blob.readable = false;

    EXPECT_TRUE(put("text"));

    EXPECT_EQ(blob.content, "text" + std::string(508, ' '));
}

TEST_F(BlobUploadTest, WritesPagesInPiecesOfFourMebibytes) {
    blob.page_blob = true;

    EXPECT_TRUE(put(std::string(9'000'000, 'z')));

    EXPECT_EQ(blob.content.substr(0, 9'000'000), std::string(9'000'000, 'z'));
    EXPECT_EQ(blob.content.size(), 9'000'448u);
    EXPECT_EQ(http.sent.size(), 5u);  // HEAD, properties, three pieces
}

TEST_F(BlobUploadTest, KeepsTheEndOfATextThatIsTooLongForPages) {
    blob.page_blob = true;

    EXPECT_TRUE(put(std::string(1'000'000, 'a') + std::string(10 * 1024 * 1024, 'b')));

    EXPECT_TRUE(blob.content == std::string(10 * 1024 * 1024, 'b'));
}

TEST_F(BlobUploadTest, TriesThreeTimesWithGrowingPauses) {
    int writes = 0;
    http.answer = [&](const Sent& sent) -> Result<HttpReply> {
        if (sent.line.starts_with("PUT") && ++writes < 3) {
            return writes == 1 ? Result<HttpReply>(fail(Code::http_failed, "reset"))
                               : Result<HttpReply>(http_reply(503));
        }
        return blob.answer(sent);
    };

    EXPECT_TRUE(put("text"));

    EXPECT_EQ(writes, 3);
    EXPECT_EQ(pauses,
              (std::vector{std::chrono::milliseconds(500), std::chrono::milliseconds(1000)}));
}

TEST_F(BlobUploadTest, GivesUpAfterTheThirdTry) {
    http.answer = [](const Sent&) -> Result<HttpReply> { return fail(Code::http_failed, "reset"); };

    const Result<void> done = put("text");

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::upload_failed);
    EXPECT_NE(done.error().message().find("/vhds/vm1.status"), std::string::npos);
    EXPECT_EQ(done.error().describe().find("SECRET"), std::string::npos);
    EXPECT_EQ(http.sent.size(), 4u);  // HEAD once, PUT three times
}

TEST_F(BlobUploadTest, DoesNotRepeatWhatTheServiceRefused) {
    http.answer = [](const Sent&) -> Result<HttpReply> { return http_reply(403); };

    const Result<void> done = put("text");

    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().os()->number, 403);
    EXPECT_EQ(http.sent.size(), 2u);
    EXPECT_TRUE(pauses.empty());
}

TEST_F(BlobUploadTest, WritesUtf8AsItIs) {
    EXPECT_TRUE(put("snapshot of '\u0431\u0430\u0437\u0430'"));

    EXPECT_EQ(blob.content, "snapshot of '\u0431\u0430\u0437\u0430'");
}

}  // namespace
}  // namespace stillpoint::testing
