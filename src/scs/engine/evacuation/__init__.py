# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Guests of a node that is lost are started elsewhere.

`looking` asks several witnesses whether it is; what they add up to is decided in
`scs.plan.evacuation`. `run` ends the node for sure and has Nova move its guests. `watching` does
both by itself. Nothing is noted anywhere: what is left to do is seen in Nova, so that a run that
was killed is gone on with by the next one.
"""
