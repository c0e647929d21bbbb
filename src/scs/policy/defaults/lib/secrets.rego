# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# What looks like a secret.
package scs.secrets

import rego.v1

# Names of files, sizes, methods and lifetimes are no secrets.
named(option) if {
	regex.match(`(?i)(^|[_.-])(password|passwd|passphrase|secret|secret_key|private_key|api_key|access_key|token|auth_key|shared_secret)$`, option)
}

harmless(value) if is_boolean(value)

harmless(value) if is_number(value)

harmless(value) if value == ""

held := {
	`://[^/@:\s]*:[^/@\s{$%][^/@\s]*@`,
	`-----BEGIN [A-Z ]*PRIVATE KEY-----`,
}

# `•` is what stands in the place of a masked secret; `{`, `$` and `%` begin a placeholder.
shown := {
	`^\+.*-----BEGIN [A-Z ]*PRIVATE KEY-----`,
	`^\+.*://[^/@:\s•]*:[^/@\s•{$%][^/@\s•]*@`,
	`(?i)^\+\s*([a-z0-9]+_)*(password|passwd|secret)\s*[=:]\s*[^\s•]+$`,
}
