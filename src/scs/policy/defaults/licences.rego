# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# Only software under licences that the Open Source Initiative has approved.
package main

import data.scs.licences
import rego.v1

deny_licence_not_osi contains msg if {
	some component in input.components
	component.license != ""
	not licences.free(component.license)
	msg := sprintf("%s is under %s, which is not approved by the OSI", [component.name, component.license])
}

# What comes from elsewhere has a licence; what has no source is scs's own.
deny_licence_not_osi contains msg if {
	some component in input.components
	component.source != ""
	component.license == ""
	msg := sprintf("%s comes from %s and does not say under which licence", [component.name, component.source])
}

deny_licence_not_osi contains msg if {
	some component in input.components
	some item in component.packages
	is_string(item.license)
	item.license != ""
	not licences.free(item.license)
	msg := sprintf("%s brings %s under %s, which is not approved by the OSI", [component.name, item.name, item.license])
}
