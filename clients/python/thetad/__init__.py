# SPDX-License-Identifier: Apache-2.0
"""Client of thetad, the adaptive assessment engine."""

from .client import Client, NoReply, Session, ThetadError

__all__ = ["Client", "NoReply", "Session", "ThetadError"]
