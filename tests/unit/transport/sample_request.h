// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "snapshot/request.h"

namespace stillpoint::testing {

/// The request of the recorded runs.
inline BackupRequest sample_request() {
    BackupRequest request;
    request.task_id = "0a0b0c0d-0000-4000-8000-000000000001";
    request.backup_task_id = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    request.task_token = Secret(std::string("TASKTOKEN-0001"));
    request.luns = {0, 1, -1};
    request.host_settings = {{"isSnapshotTtlEnabled", "true"},
                             {"useMccfToFetchDsasForAllDisks", "false"},
                             {"useMccfForLad", "false"},
                             {"EnableVMSnapshotExtensionPolling", "false"},
                             {"isVmmdBlobIncluded", "false"}};
    request.metadata_json = R"([{"Key":"BackupId","Value":"11112222-3333-4444-5555-666677778888"},)"
                            R"({"Key":"DeploymentType","Value":"IaaS"}])";
    request.metadata = {{"BackupId", "11112222-3333-4444-5555-666677778888"},
                        {"DeploymentType", "IaaS"}};
    return request;
}

inline HttpTarget sample_blob(const std::string& name) {
    return HttpTarget{true, "mockacct.blob.core.windows.net", 443, "/vhds/" + name,
                      Secret(std::string("sv=2018-03-28&sr=b&sig=SECRETSIGNATURE%2Babc%3D&sp=rw"))};
}

}  // namespace stillpoint::testing
