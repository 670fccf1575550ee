"""On the path of the tested server alone: WebRTC offers the loopback address, which it leaves out otherwise."""

import importlib.util

if importlib.util.find_spec("aioice"):
    from aioice import ice

    ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
