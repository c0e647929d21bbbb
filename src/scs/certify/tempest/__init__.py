# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""tempest, OpenStack's own end-to-end tests, run against a cloud as checks of a standard.

`people` says whom it tests as, `guests` what it boots, `config` writes its configuration from what
the cloud answers, `worker` is the program in its environment, `crew` runs several of these, `suite`
puts it all together, and `sweep` removes what tests leave behind.
"""
