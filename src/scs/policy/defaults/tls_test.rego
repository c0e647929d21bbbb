# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
package main

import rego.v1

test_an_endpoint_without_tls_is_denied if {
	count(deny_endpoint_without_tls) == 1 with input as with_endpoint(false)
	count(deny_endpoint_without_tls) == 0 with input as with_endpoint(true)
}

test_an_open_port_without_tls_is_denied if {
	count(deny_endpoint_without_tls) == 1 with input as with_port("anywhere", false)
	count(deny_endpoint_without_tls) == 0 with input as with_port("anywhere", true)
	count(deny_endpoint_without_tls) == 0 with input as with_port("management", false)
}

test_names_are_told_in_the_open if {
	count(deny_endpoint_without_tls) == 0 with input as {"components": [{"name": "c", "tls": false, "endpoints": [], "ports": [{"number": 53, "reach": "anywhere"}]}]}
}

test_addresses_without_tls_are_denied if {
	every value in {"http://10.0.0.1:9292", "amqp://mq", ["https://a", "http://b"], "http://localhost.example.org"} {
		count(deny_endpoint_without_tls) == 1 with input as configured_with("endpoint_override", value)
	}
}

test_addresses_with_tls_or_on_the_node_are_free if {
	every value in {"https://10.0.0.1", "http://127.0.0.1:1", "http://localhost:1/", "http://[::1]/", 5, true} {
		count(deny_endpoint_without_tls) == 0 with input as configured_with("endpoint_override", value)
	}
}

test_unchecked_certificates_are_denied if {
	count(deny_endpoint_without_tls) == 1 with input as configured_with("insecure", true)
	count(deny_endpoint_without_tls) == 0 with input as configured_with("insecure", false)
}

configured_with(option, value) := {"spec": {"config": {"nova": {"glance": {option: value}}}}}

with_endpoint(tls) := {"components": [{"name": "c", "endpoints": [{"name": "e", "port": 1, "tls": tls}], "ports": []}]}

with_port(reach, tls) := {"components": [{"name": "c", "tls": tls, "endpoints": [], "ports": [{"number": 1, "reach": reach}]}]}
