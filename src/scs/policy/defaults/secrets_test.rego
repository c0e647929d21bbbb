# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
package main

import rego.v1

test_secret_options_are_denied if {
	every option in {"password", "admin_password", "secret", "auth_token", "private_key", "Password"} {
		count(deny_secret_in_clear_text) == 1 with input as configured(option, "hunter2")
	}
}

test_options_about_secrets_are_free if {
	every option in {"token_ttl", "password_hash_rounds", "secret_file", "expiration", "key_repository"} {
		count(deny_secret_in_clear_text) == 0 with input as configured(option, "x")
	}
}

test_truth_values_and_numbers_are_no_secrets if {
	every value in {true, false, 3600, ""} {
		count(deny_secret_in_clear_text) == 0 with input as configured("token", value)
	}
}

test_a_password_in_an_address_is_denied if {
	count(deny_secret_in_clear_text) == 1 with input as configured("connection", "mysql://nova:hunter2@db/nova")
	count(deny_secret_in_clear_text) == 0 with input as configured("connection", "mysql://db/nova")
}

test_a_private_key_is_denied_wherever_it_is if {
	count(deny_secret_in_clear_text) == 1 with input as {"spec": {"a": ["-----BEGIN RSA PRIVATE KEY-----"]}}
}

test_a_diff_that_would_show_a_secret_is_denied if {
	every line in {
		"+password = hunter2", "+admin_password=hunter2", "+connection = mysql://nova:hunter2@db/nova",
		"+-----BEGIN PRIVATE KEY-----",
	} {
		count(deny_secret_in_clear_text) == 1 with input as shown(line)
	}
}

test_masked_diffs_are_free if {
	every line in {
		"+password = ••••••", "+connection = mysql://nova:••••••@db/nova", "+password_hash_rounds = 4",
		"+url = mysql://{username}:{password}@{host}", "-password = gone", " password = unchanged",
	} {
		count(deny_secret_in_clear_text) == 0 with input as shown(line)
	}
}

configured(option, value) := {"spec": {"config": {"nova": {"DEFAULT": {option: value}}}}}

shown(line) := {"plan": {"changes": [{"step": "file:/etc/x", "where": "n", "diff": line}]}}
