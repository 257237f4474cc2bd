// SPDX-License-Identifier: Apache-2.0
#include "agent/passport_office.h"

#include <cerrno>

#include "agent/machine_survey.h"
#include "encryption/header_changes.h"
#include "encryption/key_urls.h"
#include "encryption/readiness.h"
#include "platform/linux/directory_store.h"
#include "restore/passport_store.h"

namespace stillpoint {
namespace {

using namespace std::chrono_literals;

/// Reading headers takes milliseconds, on a busy machine seconds, and nothing is held yet; a disk
/// that takes longer than this hangs.
constexpr Instant kSurveyLimit = 30s;

bool is_missing(const Error& error) {
    return error.os() && error.os()->number == ENOENT;
}

/// Where the keys are, by whoever said it.
std::vector<DiskKeyUrls> urls_of(const EncryptionTold& told) {
    std::vector<DiskKeyUrls> urls;
    if (told.host) {
        urls = parse_key_urls(told.host->settings);
    }
    for (DiskKeyUrls& one : parse_blob_key_urls(told.blobs)) {
        urls.push_back(std::move(one));
    }
    return urls;
}

}  // namespace

void PassportOffice::look_at_encryption() {
    const Instant begun = clock_.now();
    Result<EncryptionSurvey> survey = survey_machine_apart(begun + kSurveyLimit);
    const std::string took = std::to_string((clock_.now() - begun) / 1ms);
    if (survey) {
        survey_ = std::move(*survey);
        log_.info("encryption", "looked at",
                  {{"volumes", std::to_string(survey_->volumes.size())}, {"ms", took}});
        for (const std::string& gap : survey_->gaps) {
            log_.warning("encryption", "not read", {{"what", gap}});
        }
    } else {
        log_.warning("encryption", "not looked at, going on without",
                     {{"why", survey.error().describe()}, {"ms", took}});
    }
    Result<Passport> last = read_passport(folder_, kLastPointFile);
    if (last) {
        last_ = std::move(*last);
    } else if (!is_missing(last.error())) {
        log_.warning("encryption", "not compared with the last point",
                     {{"why", last.error().describe()}});
    }
}

void PassportOffice::record(Passport passport, const EncryptionTold& told) {
    passport.surveyed = survey_.has_value();
    if (survey_) {
        passport.encryption = *survey_;
        join_key_urls(passport.encryption, urls_of(told));
        warn(passport);
        Passport kept = passport;
        if (last_) {
            kept.encryption = to_compare_with(last_->encryption, passport.encryption);
        }
        recorded_ = render_passport(kept);
    }
    write(passport);
}

void PassportOffice::note_point() {
    if (recorded_.empty()) {
        return;
    }
    if (const Result<void> written = folder_.replace(kLastPointFile, recorded_); !written) {
        log_.warning("passport", "not kept to compare the next point with",
                     {{"why", written.error().describe()}});
    }
}

void PassportOffice::warn(const Passport& passport) {
    for (const ReadinessWarning& warning : readiness({.now = passport.encryption,
                                           .last = last_ ? &last_->encryption : nullptr,
                                           .last_inventory = last_ ? &last_->inventory : nullptr,
                                           .disks = passport.disks,
                                           .inventory = passport.inventory})) {
        log_.warning("encryption", "noticed", {{"id", warning.id}, {"what", warning.sentence}});
    }
}

void PassportOffice::write(const Passport& passport) {
    if (const Result<void> kept = keep_passport_of_another(folder_, passport); !kept) {
        log_.warning("passport", "the restored machine's is not kept, going on without",
                     {{"why", kept.error().describe()}});
    }
    if (const Result<void> written = write_passport(folder_, passport); !written) {
        log_.warning("passport", "not written, going on without",
                     {{"why", written.error().describe()}});
    }
    if (!belongs_into_boot(passport)) {
        return;
    }
    Result<linux_os::DirectoryStore> boot = linux_os::DirectoryStore::open("/boot");
    const Result<void> written = boot ? boot->replace(kBootPassportFile, render_passport(passport))
                                      : Result<void>(boot.error());
    if (!written) {
        log_.warning("passport", "no copy in /boot, going on without",
                     {{"why", written.error().describe()}});
    }
}

}  // namespace stillpoint
