// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "snapshot/backup.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_held_http.h"
#include "tests/fakes/fake_http_client.h"
#include "tests/fakes/fake_still_point.h"
#include "tests/fakes/journal.h"
#include "tests/unit/transport/sample_request.h"

namespace stillpoint::testing {

/// Two disks with a filesystem each, and two blobs.
inline GuestPlan two_disks() {
    GuestPlan plan;
    plan.hold.filesystems = {
        {.device = {8, 16}, .mount_point = "/data", .type = "xfs", .mount_id = 40, .level = 0},
        {.device = {8, 1}, .mount_point = "/", .type = "ext4", .mount_id = 28, .level = 1}};
    plan.hold.block_devices = {"sda1", "sdb"};
    plan.disks = {"sda", "sdb"};
    return plan;
}

inline Journal operator+(Journal one, const Journal& other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

/// 100 ns since 0001-01-01.
inline std::int64_t ticks_of(WallTime at) {
    return at.time_since_epoch().count() * 10'000 + 621'355'968'000'000'000;
}

/// A backup among fakes. Everything that is not the snapshot itself fails the test when the guest
/// is held meanwhile.
struct RunBackup : ::testing::Test {
    Journal journal;
    FakeClock clock;
    FakeHeldHttp held_http{clock};
    FakeHttpClient http;
    FakeStillPoint still_point{clock, journal};
    Log log{clock};
    std::string logged;
    BackupRequest request = sample_request();
    Result<GuestPlan> plan = two_disks();
    BackupServices services;
    ApplicationHooks* hooks = nullptr;
    std::chrono::seconds passport_takes{0};
    EncryptionTold told;  // when the last hold was planned
    std::function<void(const BackupReport&)> host_asked;
    Result<HttpReply> host_is = http_reply(200, "{}");
    Result<HttpReply> host_took = http_reply(200, R"({"snapshotInfo": [
        {"isSuccessful":"true","snapshotUri":"u0","errorMessage":"","statusCode":200},
        {"isSuccessful":"true","snapshotUri":"u1","errorMessage":"","statusCode":200}]})");
    /// By name, when not taken.
    std::map<std::string, Result<HttpReply>> blob_says;

    RunBackup() {
        request.luns = {-1, 0};
        request.blobs.push_back(sample_blob("os.vhd"));
        request.blobs.push_back(sample_blob("data.vhd"));
        held_http.journal = &journal;
        held_http.answer = [this](const std::string& wire) { return snapshot(wire); };
        http.answer = [this](const FakeHttpClient::Sent& sent) { return outside(sent); };
        log.add_sink([this](const LogLine& line) { logged += line.text + "\n"; });
    }

    BackupReport run() {
        const BackupTools tools{still_point, http, held_http, clock, log, hooks, host_asked};
        return run_backup(request, services, tools,
                          [this](const EncryptionTold& known) -> Result<GuestPlan> {
                              told = known;
                              EXPECT_FALSE(still_point.held()) << "a file is written while held";
                              clock.advance(passport_takes);
                              journal.emplace_back("passport");
                              return plan;
                          });
    }

    void allow_fallback() {
        request.may_be_crash_consistent = true;
        request.backup_retry_count = 1;
    }

    void fail_every_blob() {
        blob_says.emplace("os.vhd", http_reply(403, "no"));
        blob_says.emplace("data.vhd", http_reply(403, "no"));
    }

private:
    Result<HttpReply> outside(const FakeHttpClient::Sent& sent) {
        EXPECT_FALSE(still_point.held()) << sent.line << " while held";
        const std::string path = sent.line.substr(0, sent.line.find('?'));
        journal.push_back(path.substr(path.rfind('/') + 1));
        return path.starts_with("POST ")
                   ? host_is
                   : http_reply(200, {}, {{"x-ms-meta-DiskEncryptionSettings", "of " + path}});
    }

    Result<HttpReply> snapshot(const std::string& wire) {
        if (wire.starts_with("POST ")) {
            return host_took;
        }
        for (const auto& [name, reply] : blob_says) {
            if (wire.starts_with("PUT /vhds/" + name)) {
                return reply;
            }
        }
        return http_reply(201, {}, {{"x-ms-snapshot", "2026-11-22T21:17:33.0000000Z"}});
    }
};

inline const Journal kFrozen = {"freeze /data", "freeze /"};
inline const Journal kThawed = {"thaw /", "thaw /data"};
inline const Journal kHostReady = {"prepare dosnapshot", "passport", "refresh dosnapshot"};
inline const Journal kBlobsReady = {"prepare os.vhd", "prepare data.vhd", "passport",
                                    "refresh os.vhd", "refresh data.vhd"};
inline const Journal kBlobsSent = {"send os.vhd", "send data.vhd"};
inline const Journal kAsked = {"presnapshot"};
inline const Journal kByHost = kHostReady + kFrozen + Journal{"send dosnapshot"} + kThawed;
inline const Journal kByGuest = kBlobsReady + kFrozen + kBlobsSent + kThawed;

}  // namespace stillpoint::testing
