// SPDX-License-Identifier: Apache-2.0
#include "snapshot/host_service.h"

namespace stillpoint {

PreSnapshot HostService::presnapshot(const BackupRequest& request, bool with_settings) {
    return read_presnapshot(http_.send(
        host_request(endpoint_, "presnapshot", presnapshot_body(request, with_settings)), limit_));
}

}  // namespace stillpoint
