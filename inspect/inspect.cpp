// SPDX-License-Identifier: Apache-2.0
#include "inspect/inspect.h"

#include <algorithm>

#include "base/format.h"
#include "inspect/gpt.h"
#include "inspect/moved_head.h"
#include "inspect/table_faults.h"

namespace stillpoint {
namespace {

/// One volume, and what is needed to look at it.
class VolumeInspection {
public:
    VolumeInspection(const ByteSource& image, const InspectRequest& request,
                     const InspectTools& tools, VolumeReport& report)
        : request_(request),
          tools_(tools),
          report_(report),
          volume_(image, report.partition.offset_bytes, report.bytes_there),
          place_{.path = request.path,
                 .offset_bytes = report.partition.offset_bytes,
                 .size_bytes = report.bytes_there},
          header_place_(request.header_file.empty() ? place_
                                                    : VolumePlace{.path = request.header_file}) {}

    Result<void> run();

private:
    void note_missing_data();
    void try_keys();
    const GivenKey* key_that_opens() const;
    void look_inside();
    Result<Content> content_inside(const GivenKey& key) const;
    Result<void> look_at_plain_volume();

    const InspectRequest& request_;
    const InspectTools& tools_;
    VolumeReport& report_;
    ByteStretch volume_;
    VolumePlace place_;
    VolumePlace header_place_;
};

Result<void> VolumeInspection::run() {
    if (report_.bytes_there == 0) {
        report_.not_looked_at = "none of it is in the image";
        return {};
    }
    report_.detached_header = !request_.header_file.empty();
    Result<std::optional<EncryptionHeader>> header = tools_.headers.read(header_place_);
    if (!header) {
        return header.error();
    }
    report_.encryption = std::move(*header);
    note_missing_data();
    if (!report_.encryption) {
        if (report_.detached_header) {
            return fail(Code::header_damaged,
                        fmt::format("there is no encryption header in '{}'", request_.header_file));
        }
        return look_at_plain_volume();
    }
    try_keys();
    look_inside();
    return {};
}

bool applies(KeyKind kind, EncryptionFormat format) {
    switch (format) {
        case EncryptionFormat::luks1:
        case EncryptionFormat::luks2:
            return kind == KeyKind::passphrase;
        case EncryptionFormat::bitlk:
            return true;
        case EncryptionFormat::integrity:
        case EncryptionFormat::plain:
            return false;
    }
    return false;
}

/// A header that is whole says nothing of the data behind it.
void VolumeInspection::note_missing_data() {
    if (report_.encryption && !report_.detached_header && report_.problem.empty() &&
        report_.encryption->state != HeaderState::damaged &&
        report_.encryption->payload_offset_bytes >= report_.bytes_there) {
        report_.problem = fmt::format(
            "the image ends before its encrypted data begins: {} bytes are there, it begins at {}",
            report_.bytes_there, report_.encryption->payload_offset_bytes);
    }
}

void VolumeInspection::try_keys() {
    for (const GivenKey& key : request_.keys) {
        if (!applies(key.kind, report_.encryption->format)) {
            continue;
        }
        KeyTrial trial{.key = key.name, .keyslot = {}, .mismatch = false, .problem = {}};
        const Result<int> slot = tools_.headers.try_key(header_place_, key.kind, key.key);
        if (slot) {
            trial.keyslot = *slot;
        } else if (slot.error().code() == Code::key_mismatch) {
            trial.mismatch = true;
        } else {
            trial.problem = slot.error().sentence();
        }
        report_.keys.push_back(std::move(trial));
    }
}

const GivenKey* VolumeInspection::key_that_opens() const {
    for (const KeyTrial& trial : report_.keys) {
        if (trial.keyslot) {
            return &*std::ranges::find(request_.keys, trial.key, &GivenKey::name);
        }
    }
    return nullptr;
}

void VolumeInspection::look_inside() {
    const EncryptionHeader& header = *report_.encryption;
    const GivenKey* key = key_that_opens();
    if (header.format == EncryptionFormat::integrity || header.format == EncryptionFormat::plain) {
        report_.not_looked_at = "header only: what is behind it is not decrypted here";
    } else if (header.state == HeaderState::damaged ||
               header.state == HeaderState::not_understood) {
        report_.not_looked_at = "header only: nothing opens it here";
    } else if (!tools_.decryptor.knows(header.cipher, header.sector_bytes)) {
        report_.not_looked_at =
            fmt::format("header and key only: '{}' is not decrypted here", header.cipher);
    } else if (header.reencrypting) {
        report_.not_looked_at = "header and key only: its encryption is being changed";
    } else if (key == nullptr) {
        report_.not_looked_at = report_.keys.empty() ? "no key was given" : "no key opens it";
    } else if (Result<Content> content = content_inside(*key)) {
        report_.opened = true;
        report_.content = std::move(*content);
    } else {
        report_.not_looked_at = "header and key only: " + content.error().sentence();
    }
}

Result<Content> VolumeInspection::content_inside(const GivenKey& key) const {
    const Result<VolumeKey> volume_key = tools_.headers.unlock(header_place_, key.kind, key.key);
    if (!volume_key) {
        return volume_key.error();
    }
    const bool bitlk = report_.encryption->format == EncryptionFormat::bitlk;
    // BitLocker counts sectors in their own size, LUKS always in 512 bytes.
    Result<std::unique_ptr<ByteSource>> plain =
        tools_.decryptor.decrypt(volume_, *volume_key, bitlk ? volume_key->sector_bytes : 512);
    if (!plain) {
        return plain.error();
    }
    if (volume_key->head_bytes == 0) {
        return content_of(**plain);
    }
    return content_of(
        MovedHead(std::move(*plain), volume_key->head_bytes, volume_key->head_offset_bytes));
}

Result<void> VolumeInspection::look_at_plain_volume() {
    Result<Content> content = content_of(volume_);
    if (!content) {
        return content.error();
    }
    if (content->kind == ContentKind::nothing_recognised) {
        const auto probed = tools_.probe.recognise(place_);
        if (probed && *probed) {
            content->kind = ContentKind::other;
            content->name = (*probed)->type.empty() ? "several things at once" : (*probed)->type;
        }
    }
    report_.content = std::move(*content);
    return {};
}

VolumeReport volume_of(Partition partition, std::uint64_t disk_bytes) {
    VolumeReport report;
    const std::uint64_t begin = std::min(partition.offset_bytes, disk_bytes);
    report.bytes_there = std::min(partition.size_bytes, disk_bytes - begin);
    if (report.bytes_there < partition.size_bytes) {
        report.problem =
            fmt::format("the image ends before it does: {} of its {} bytes are missing",
                        partition.size_bytes - report.bytes_there, partition.size_bytes);
    }
    report.partition = std::move(partition);
    return report;
}

/// Those to look at.
Result<std::vector<VolumeReport>> volumes_of(const std::optional<PartitionTable>& table,
                                             std::uint64_t disk_bytes,
                                             const InspectRequest& request) {
    std::vector<VolumeReport> volumes;
    if (!table) {
        if (request.partition) {
            return fail(Code::usage, "--partition: there is no partition table");
        }
        volumes.push_back(volume_of({.number = 0,
                                     .offset_bytes = 0,
                                     .size_bytes = disk_bytes,
                                     .type = {},
                                     .name = {},
                                     .uuid = {}},
                                    disk_bytes));
        return volumes;
    }
    if (!request.header_file.empty() && !request.partition) {
        return fail(Code::usage, "--header: say with --partition which partition it belongs to");
    }
    for (const Partition& partition : table->partitions) {
        if (!request.partition || partition.number == *request.partition) {
            volumes.push_back(volume_of(partition, disk_bytes));
        }
    }
    if (request.partition && volumes.empty()) {
        return fail(Code::usage, fmt::format("--partition {}: there is none of this number",
                                             *request.partition));
    }
    return volumes;
}

bool opened_something(const ImageReport& report, const std::string& key) {
    return std::ranges::any_of(report.volumes, [&](const VolumeReport& volume) {
        return std::ranges::any_of(volume.keys, [&](const KeyTrial& trial) {
            return trial.key == key && trial.keyslot.has_value();
        });
    });
}

}  // namespace

Result<ImageReport> inspect_image(const ByteSource& image, const InspectRequest& request,
                                  const InspectTools& tools) {
    ImageReport report;
    report.path = request.path;
    report.image_bytes = image.size();
    Result<ImageForm> form = image_form_of(image);
    if (!form) {
        return form.error();
    }
    report.form = std::move(*form);
    const std::uint64_t disk_bytes = report.form.disk_bytes;
    auto table =
        tools.probe.partitions({.path = request.path, .offset_bytes = 0, .size_bytes = disk_bytes});
    if (!table) {
        return table.error();
    }
    report.table = std::move(*table);
    if (!report.table) {
        if (auto gpt = cut_off_gpt(ByteStretch(image, 0, disk_bytes))) {
            report.table = std::move(gpt->table);
            report.table_problems.push_back(fmt::format(
                "the image's end is missing: the disk had more than {} bytes, there are {}",
                gpt->disk_bytes, disk_bytes));
        }
    } else {
        report.table_problems = faults_of(*report.table, ByteStretch(image, 0, disk_bytes));
    }
    Result<std::vector<VolumeReport>> volumes = volumes_of(report.table, disk_bytes, request);
    if (!volumes) {
        return volumes.error();
    }
    report.volumes = std::move(*volumes);
    for (VolumeReport& volume : report.volumes) {
        const Result<void> looked = VolumeInspection(image, request, tools, volume).run();
        if (!looked && volume.detached_header) {
            return looked.error();  // the header's file: that is no verdict on the image
        }
        if (!looked) {
            volume.problem = looked.error().sentence();
            volume.not_looked_at = "it cannot be read";
        }
    }
    for (const GivenKey& key : request.keys) {
        if (!opened_something(report, key.name)) {
            report.unused_keys.push_back(key.name);
        }
    }
    return report;
}

}  // namespace stillpoint
