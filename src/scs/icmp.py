# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""Ping (ICMP echo, RFC 792), as root or where net.ipv4.ping_group_range allows it."""

from __future__ import annotations

import os
import socket
import struct
import time

_ECHO, _ECHO_REPLY = 8, 0
_HEADERS = 28
"""Bytes of IPv4's and ICMP's headers."""
# Of linux/in.h; Python's socket module does not have them.
_IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE = 10, 3


def ping(address: str, size: int = 84, timeout: float = 1.0) -> float | None:
    """Seconds until the answer to one packet of `size` bytes that may not be cut; None: none came.

    Raises PermissionError where neither root nor net.ipv4.ping_group_range allows it.
    """
    cookie = os.urandom(8)
    packet = echo_request(cookie, size - _HEADERS)
    with _icmp_socket() as link:
        link.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_PROBE)
        start = time.monotonic()
        try:
            link.sendto(packet, (address, 0))
            while (left := start + timeout - time.monotonic()) > 0:
                link.settimeout(left)
                if is_reply(link.recv(65535), cookie):
                    return time.monotonic() - start
        except PermissionError:
            raise
        except OSError:  # no route yet, no neighbour, too large, or no answer in time
            time.sleep(max(0.0, start + min(timeout, 0.2) - time.monotonic()))
    return None


def reached(address: str, seconds: float) -> bool:
    """Whether one of several pings is answered in this time; raises PermissionError as `ping`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ping(address) is not None:
            return True
    return False


def _icmp_socket() -> socket.socket:
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except PermissionError:
        return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


def echo_request(cookie: bytes, size: int) -> bytes:
    """An ICMP echo request with so many bytes of payload, the cookie first."""
    payload = cookie.ljust(size, b"\0")
    number = os.getpid() & 0xFFFF
    total = checksum(struct.pack("!BBHHH", _ECHO, 0, 0, number, 1) + payload)
    return struct.pack("!BBHHH", _ECHO, 0, total, number, 1) + payload


def checksum(data: bytes) -> int:
    """The Internet's checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def is_reply(packet: bytes, cookie: bytes) -> bool:
    """Whether a packet answers the request with this cookie; raw sockets give IP's header too."""
    start = (packet[0] & 0x0F) * 4 if packet and packet[0] >> 4 == 4 else 0
    icmp = packet[start:]
    return len(icmp) >= 16 and icmp[0] == _ECHO_REPLY and icmp[8:16] == cookie
