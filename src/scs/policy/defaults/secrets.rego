# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# No secret in clear text: neither in cloud.yaml nor in what a plan shows.
package main

import data.scs.secrets
import rego.v1

deny_secret_in_clear_text contains msg if {
	some service, sections in input.spec.config
	some section, options in sections
	some option, value in options
	secrets.named(option)
	not secrets.harmless(value)
	msg := sprintf("config.%s.%s.%s looks like a secret, and cloud.yaml is no secret file", [service, section, option])
}

deny_secret_in_clear_text contains msg if {
	walk(input.spec, [path, value])
	is_string(value)
	some pattern in secrets.held
	regex.match(pattern, value)
	msg := sprintf("%s holds a password or key in its value", [concat(".", [sprintf("%v", [part]) | some part in path])])
}

# scs masks the secrets that it has made itself. What else looks like one is not ours to show.
deny_secret_in_clear_text contains msg if {
	some step in input.plan.changes
	some line in split(step.diff, "\n")
	some pattern in secrets.shown
	regex.match(pattern, line)
	msg := sprintf("%s on %s: its diff would show a secret", [step.step, step.where])
}
