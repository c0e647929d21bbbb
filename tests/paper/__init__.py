# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""A cloud on paper that can be changed: fakes at the seam that talks to nodes, and nowhere else.

`cloud` is the state of all nodes and of the API, as plain values. `world` has a real session on
it: only its `hand`, its machine (`machine`) and the connections of its executor (`api`) are fakes.
What a `node` shows is what `scs.resources` would observe on a real one, and what converging does
is what those kinds mean; compare, plan, order and records are real.
"""
