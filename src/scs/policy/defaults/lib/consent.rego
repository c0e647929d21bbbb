# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later

# What the operator agreed to lose.
package scs.consent

import rego.v1

agreed(step) if step.component in input.consent.delete_data

agreed(step) if step.step in input.consent.delete_data
