// SPDX-License-Identifier: Apache-2.0
#include "handlers/status_document.h"

#include <gtest/gtest.h>

#include "tests/unit/handlers/golden.h"

namespace stillpoint {
namespace {

using testing::golden;

constexpr char kDisk[] = "https://md-one.z1.blob.storage.azure.net:443/container/abcd";

/// The golden documents were recorded from the extension that we replace (ids exchanged).
StatusDocument recorded() {
    StatusDocument document;
    document.handler_name = "Microsoft.Azure.RecoveryServices.VMSnapshotLinux";
    document.time = WallTime(std::chrono::milliseconds(1'795'382'252'480));
    document.request = {"5c1e9f70-2a64-4b0e-9d4e-6f0b6d0a7e11", "639309790381354880", false};
    document.message =
        "snapshotCreator=backupHostService, hostStatusCodePreSnapshot=200, "
        "hostStatusCodeDoSnapshot=200, ";
    document.storage = {2, 55'562'240, false};
    document.telemetry = {{"platformArchitecture", "64bit"},
                          {"osVersion", "Debian GNU/Linux-12 (bookworm)"}};
    document.machine_id = "9e107d9d-3721-4f6a-8d4c-2b4fd3a8c7b0";
    return document;
}

SnapshotInfo host_disk(const std::string& disk) {
    SnapshotInfo info;
    info.successful = info.by_host = true;
    info.blob_uri = "https://" + disk + ".z1.blob.storage.azure.net:443/container/abcd";
    info.snapshot_uri = *info.blob_uri + "?snapshot=2026-11-22T21:17:29.4674800Z";
    info.error_message = "";
    return info;
}

void expect_golden(const StatusDocument& document, const std::string& name) {
    EXPECT_EQ(render_status_blob(document), golden("status/" + name + ".blob")) << name;
    EXPECT_EQ(render_status_file(document), golden("status/" + name + ".status")) << name;
}

TEST(StatusDocument, IsTheRecordedOneWhenTheHostSucceeded) {
    StatusDocument document = recorded();
    document.snapshots = {host_disk("md-one"), host_disk("md-two"), host_disk("md-os")};
    expect_golden(document, "host_success");
}

TEST(StatusDocument, IsTheRecordedOneWhileTheRunGoesOn) {
    StatusDocument document = recorded();
    document.code = 4;
    document.message = "Transitioning state in extension";
    document.storage = {};
    document.machine_id = "";
    expect_golden(document, "transition");
}

TEST(StatusDocument, IsTheRecordedOneWithApplicationsQuiesced) {
    StatusDocument document = recorded();
    document.code = document.health_code = 0;
    document.message = "Enable Succeeded with App Consistent Snapshot" + document.message;
    document.snapshots = {host_disk("md-one"), host_disk("md-two"), host_disk("md-os")};
    expect_golden(document, "applications_quiesced");
}

TEST(StatusDocument, IsTheRecordedOneForDirectDriveDisks) {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::host;
    DiskOutcome plain;
    plain.successful = true;
    plain.snapshot_uri =
        "https://md-a.z1.blob.storage.azure.net:443/c/abcd?snapshot=2025-01-01T00:00:00.0000000Z";
    DiskOutcome direct;
    direct.successful = true;
    direct.snapshot_uri =
        "https://md-dd-0f0e0d0c0b0a09080706050403020100.z48.disk.storage.azure.net/disks/"
        "0f0e0d0c-0b0a-0908-0706-050403020100/snapshots?snapshotId=2F1B7C34";
    direct.direct_drive = DirectDriveSnapshot{
        1'735'689'600'123, "2F1B7C34-55AA-4E0D-9C0E-1D2C3B4A5968", Secret("TOKEN=="), 300};
    outcome.disks.push_back(std::move(plain));
    outcome.disks.push_back(std::move(direct));

    StatusDocument document = recorded();
    document.snapshots = list_snapshots(outcome);
    expect_golden(document, "direct_drive");
}

TEST(ListSnapshots, RepeatsAMessageOfNull) {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::host;
    outcome.disks.resize(2);
    outcome.disks[1].service_message_null = true;

    const std::vector<SnapshotInfo> list = list_snapshots(outcome);

    EXPECT_EQ(list.at(0).error_message, "");
    EXPECT_EQ(list.at(1).error_message, std::nullopt);
}

TEST(StatusDocument, IsTheRecordedOneWhenOneOfTwoBlobsWasRefused) {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::guest;
    outcome.disks.resize(2);
    outcome.disks[0].successful = true;
    outcome.disks[0].snapshot_uri =
        "https://acct.blob.core.windows.net/vhds/disk0.vhd?snapshot=2026-11-22T21:17:29.4674800Z";
    outcome.disks[1].service_message =
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code>"
        "<Message>Server failed to authenticate the request. Make sure the value of Authorization "
        "header is formed correctly including the signature.\nRequestId:"
        "00000000-0000-0000-0000-000000000000\nTime:2025-01-01T00:00:00.0000000Z</Message></Error>";
    outcome.disks[1].status_code = 403;

    StatusDocument document = recorded();
    document.status = "error";
    document.code = 76;
    document.message = "snapshotCreator=guestExtension, hostStatusCodePreSnapshot=200, ";
    document.snapshots = list_snapshots(outcome);
    document.health_state = 256;
    document.health_code = 761;
    expect_golden(document, "guest_one_of_two_refused");
}

TEST(StatusDocument, IsTheRecordedOneWhenTheCommandCameTooLate) {
    StatusDocument document = recorded();
    document.status = "error";
    document.code = document.health_code = 402;
    document.health_state = 256;
    document.storage.used_bytes = 0;
    document.message =
        "CRP timeout limit has reached, will not take snapshot.hostStatusCodePreSnapshot=200, ";
    expect_golden(document, "too_late");
}

TEST(StatusDocument, IsTheRecordedOneWhenNothingCouldBeFrozen) {
    StatusDocument document = recorded();
    document.status = "error";
    document.code = document.health_code = 121;
    document.health_state = 128;
    document.storage.used_bytes = 50'589'696;
    document.message = "snapshotCreator=backupHostService, hostStatusCodePreSnapshot=200, ";
    document.snapshots.emplace();
    expect_golden(document, "already_frozen");
}

TEST(StatusDocument, IsTheRecordedOneForACrashConsistentPoint) {
    StatusDocument document = recorded();
    document.health_code = 121;
    document.health_state = 128;
    document.consistency = 3;
    document.storage.used_bytes = 50'769'920;
    document.snapshots = {host_disk("md-os")};
    expect_golden(document, "crash_consistent");
}

TEST(StatusDocument, TellsAClassicMachinesFailureOutside) {
    StatusDocument document = recorded();
    document.status = "error";
    EXPECT_NE(render_status_file(document).find(R"("operation": "Enable", "status": "success")"),
              std::string::npos);
    document.request.classic_vm = true;
    EXPECT_EQ(render_status_file(document).find(R"("operation": "Enable", "status": "success")"),
              std::string::npos);
}

TEST(StatusDocument, SaysNullForADiskThatNeverAnswered) {
    SnapshotOutcome outcome;
    outcome.by = SnapshotOutcome::By::guest;
    outcome.disks.resize(1);
    outcome.disks[0].error = fail(Code::blob_unreachable, "no reply");
    StatusDocument document = recorded();
    document.snapshots = list_snapshots(outcome);
    EXPECT_NE(render_status_blob(document).find(
                  R"([{"isSuccessful": false, "snapshotUri": null, "errorMessage": null, )"
                  R"("blobUri": null, "directDriveSnapshotIdentifier": null}])"),
              std::string::npos);
}

TEST(StatusDocument, StaysBelowTheLimitWithoutLosingADisk) {
    StatusDocument document = recorded();
    document.message = std::string(40'000, '"');
    document.telemetry.assign(5, {"key", std::string(20'000, '\\')});
    document.snapshots.emplace();
    for (int i = 0; i < 64; ++i) {
        SnapshotInfo info = host_disk("md-" + std::to_string(i));
        info.error_message = std::string(600, '\x01');
        document.snapshots->push_back(info);
    }
    const std::string text = render_status_file(document);
    EXPECT_LE(text.size(), kStatusLimitBytes);
    EXPECT_NE(text.find("https://md-63.z1"), std::string::npos);
    EXPECT_NE(text.find(" ...[cut]"), std::string::npos);
}

TEST(StatusDocument, HidesSecretsInTextsButNotTheSnapshotItself) {
    StatusDocument document = recorded();
    document.message = "failed at " + std::string(kDisk) + "?sig=SECRET";
    document.snapshots = {host_disk("md-one")};
    document.snapshots->front().error_message = "sig=SECRET";
    const std::string text = render_status_file(document);
    EXPECT_EQ(text.find("SECRET"), std::string::npos);
    EXPECT_NE(text.find("?snapshot=2026"), std::string::npos);
}

}  // namespace
}  // namespace stillpoint
