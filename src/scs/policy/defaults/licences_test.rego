# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
package main

import rego.v1

test_free_licences_pass if {
	every expression in {
		"Apache-2.0", "GPL-2.0-only", "GPL-2.0+", "GPL-2.0-only WITH Classpath-exception-2.0",
		"MIT OR LicenseRef-paid", "MIT AND Apache-2.0", "(MIT OR Apache-2.0)",
		"MIT AND (Apache-2.0 OR ISC)",
	} {
		count(deny_licence_not_osi) == 0 with input as {"components": [licensed(expression)]}
	}
}

test_other_licences_are_denied if {
	every expression in {
		"BUSL-1.1", "SSPL-1.0", "Elastic-2.0", "LicenseRef-paid", "MIT AND SSPL-1.0",
		"BUSL-1.1 OR SSPL-1.0", "MIT AND (SSPL-1.0 OR ISC)",
	} {
		count(deny_licence_not_osi) == 1 with input as {"components": [licensed(expression)]}
	}
}

test_no_licence_is_denied if {
	count(deny_licence_not_osi) == 1 with input as {"components": [licensed("")]}
}

test_own_parts_need_none if {
	own := {"name": "own", "source": "", "license": "", "packages": []}
	count(deny_licence_not_osi) == 0 with input as {"components": [own]}
}

test_a_package_counts_where_its_licence_is_known if {
	bad := object.union(licensed("MIT"), {"packages": [{"name": "p", "license": "SSPL-1.0"}]})
	count(deny_licence_not_osi) == 1 with input as {"components": [bad]}
	unknown := object.union(licensed("MIT"), {"packages": [{"name": "p", "license": null}]})
	count(deny_licence_not_osi) == 0 with input as {"components": [unknown]}
}

licensed(expression) := {"name": "x", "source": "pypi:x", "license": expression, "packages": []}
