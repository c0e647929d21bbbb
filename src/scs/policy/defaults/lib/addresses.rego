# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# Addresses in options of services.
package scs.addresses

import rego.v1

of(value) := {value} if is_string(value)

of(value) := {entry | some entry in value; is_string(entry)} if is_array(value)

# What stays within a node needs no TLS.
insecure(address) if {
	regex.match(`^(http|ws|tcp|amqp|ldap)://`, address)
	not regex.match(`^[a-z]+://(127\.|localhost([:/]|$)|\[::1\])`, address)
}
