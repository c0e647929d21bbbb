# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
package main

import rego.v1

test_a_step_that_destroys_is_denied if {
	count(deny_data_loss) == 1 with input as {"plan": {"changes": [losing]}, "consent": {"delete_data": []}}
}

test_who_agrees_may_lose if {
	count(deny_data_loss) == 0 with input as {"plan": {"changes": [losing]}, "consent": {"delete_data": ["db"]}}
}

test_who_agrees_to_something_else_has_not_agreed if {
	count(deny_data_loss) == 1 with input as {"plan": {"changes": [losing]}, "consent": {"delete_data": ["web"]}}
}

test_other_steps_are_free if {
	step := {"step": "unit:db", "where": "n", "component": "db", "destroys": []}
	count(deny_data_loss) == 0 with input as {"plan": {"changes": [step]}, "consent": {"delete_data": []}}
}

test_no_plan_loses_nothing if {
	count(deny_data_loss) == 0 with input as {"plan": null, "consent": {"delete_data": []}}
}

test_a_node_left_out_is_told if {
	count(warn_node_left_out) == 1 with input as {"left_out": ["node-2"]}
}

losing := {"step": "directory:/var/lib/db", "where": "n", "component": "db", "destroys": ["its databases"]}
