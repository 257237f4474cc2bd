// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>

#include "restore/plan.h"

namespace stillpoint {

/// Does the steps of plans, and takes them back in reverse order when one fails.
class RestoreRun {
public:
    explicit RestoreRun(RestoreSystem& system) : system_(system) {}

    /// An earlier run that was killed may have left open what it looked into.
    void end_stale_look();

    /// Success when it was done already. After a step that cannot be undone nothing before it is
    /// taken back either: it would not fit any more. Errors: restore_step_failed, file_unwritable.
    Result<void> run(const RestoreStep& step);

    /// Waits until the system has seen what was opened: it assembles RAIDs by itself.
    void settle();

    /// After all was done: what the system began at its start with the volumes comes to its end.
    void finish();

    /// What LookInside found, by the device.
    const std::map<std::string, KeptLines>& kept_lines() const { return kept_lines_; }

    /// What could not be put back; afterwards there is nothing left to take back.
    std::vector<Error> roll_back();
    /// The same for the steps of these volumes; the new name of a volume group stays.
    std::vector<Error> roll_back(const std::set<std::string>& volumes);

    /// The files in which something is kept.
    const std::vector<std::string>& copies() const { return copies_; }

private:
    struct Undo {
        std::string volume;
        std::string what;  // "cannot ...", if it fails
        std::function<Result<void>()> run;
    };

    Result<void> act(const MountKeyVolume& action);
    Result<void> act(const RepairHeader& action);
    Result<void> act(const OpenVolume& action);
    Result<void> act(const LookInside& action);
    Result<void> act(const RenameVolumeGroup& action);
    Result<void> act(const ActivateVolumeGroup& action);
    Result<void> act(const ReplaceTable& action);
    Result<void> act(const MountFilesystem& action);
    Result<void> act(const ResetState& action);

    void end_waiting_for_passphrase(const std::string& name);
    void remember(std::string what, std::function<Result<void>()> undo);
    Result<void> close_volume(const std::string& name);
    Result<void> release(const RestoreDevice& device, const std::vector<RestoreDevice>& devices);
    Result<void> unmount(const std::string& source, const std::string& mount_point);
    Result<void> tool(const std::vector<std::string>& command);
    Result<void> mount(const std::string& source, const std::string& place, const std::string& type,
                       const std::string& options);
    Result<void> make_folder(const std::string& path);
    Result<bool> is_mounted(const std::string& source, const std::string& mount_point);
    Result<void> keep(const std::string& path, const Result<std::string>& copy);
    Result<void> read_kept_lines(const LookInside& action, const std::string& folder);

    RestoreSystem& system_;
    std::vector<Undo> undos_;
    std::string volume_;  // whose step is done now
    std::vector<std::string> opened_;
    std::map<std::string, KeptLines> kept_lines_;
    std::vector<std::string> copies_;
};

}  // namespace stillpoint
