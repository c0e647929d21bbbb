# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# No data is lost unless somebody has said so.
package main

import data.scs.consent
import rego.v1

deny_data_loss contains msg if {
	some step in input.plan.changes
	count(step.destroys) > 0
	not consent.agreed(step)
	msg := sprintf("%s on %s would destroy %s", [step.step, step.where, concat(", ", step.destroys)])
}

# A node that cloud.yaml no longer names still has its data.
warn_node_left_out contains msg if {
	some name in input.left_out
	msg := sprintf("node %s exists with its data, but is not in cloud.yaml", [name])
}
