# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# No endpoint without TLS, and no service that is told to use one.
package main

import data.scs.addresses
import rego.v1

deny_endpoint_without_tls contains msg if {
	some component in input.components
	some endpoint in component.endpoints
	not endpoint.tls
	msg := sprintf("endpoint %s of %s (port %v) does not speak TLS", [endpoint.name, component.name, endpoint.port])
}

deny_endpoint_without_tls contains msg if {
	some component in input.components
	some port in component.ports
	port.reach == "anywhere"
	not component.tls
	not port.number in in_the_open
	msg := sprintf("port %v of %s is open to everybody and does not speak TLS", [port.number, component.name])
}

deny_endpoint_without_tls contains msg if {
	some service, sections in input.spec.config
	some section, options in sections
	some option, value in options
	some address in addresses.of(value)
	addresses.insecure(address)
	msg := sprintf("config.%s.%s.%s leads to %s, without TLS", [service, section, option, address])
}

# Resolvers all over the world ask name servers without TLS: there is no other way to be found.
in_the_open := {53}

# Options that switch off what makes TLS worth having.
deny_endpoint_without_tls contains msg if {
	some service, sections in input.spec.config
	some section, options in sections
	options.insecure in {true, "true", "True"}
	msg := sprintf("config.%s.%s.insecure: certificates would not be checked", [service, section])
}
