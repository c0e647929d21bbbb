# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Updates of the nodes' operating system, one node after the other, while the cloud serves.

`looking` sees what each node would get, `scs.plan.updates` decides what that means, `run` does it.
The way back into the cloud is a plan's: what was taken out of it is not as wanted, and `up` puts
it back. So a run that was killed is mended by `up`, and gone on with by the next one: `note` has
what can't be seen.
"""
