"""Opens the app on a phone in the same network: an https address, and a QR code of it."""

import socket
from urllib.parse import urlsplit

import streamlit as st

HOW = """Browsers give their camera only to **https** pages. Start the app with

    make phone

and open here, on this machine, the address that it prints: this place then shows a QR code for the phone, which must
be in the same network. The certificate is made on this machine, so the phone asks once whether you trust it. The app
has no login: whoever is in that network can open it while it runs.
"""


def show() -> None:
    """Show this part of the page."""
    with st.expander("On your phone", icon=":material/smartphone:"):
        address = address_for_phones()
        if address is None:
            st.markdown(HOW)
            return
        st.markdown(f"Scan this with a phone in the same network, or type **{address}** there.")
        st.html(f'<div class="qr">{_qr(address)}</div>')
        st.caption("The phone asks once whether you trust the certificate of this machine. The app has no login.")


def address_for_phones() -> str | None:
    """The https address of this machine in its network; None if the app does not serve one."""
    if not st.get_option("server.sslCertFile") or st.get_option("server.address") in ("127.0.0.1", "localhost"):
        return None
    port = urlsplit(st.context.url or "").port or st.get_option("server.port")
    return f"https://{network_address()}:{port}"


def network_address() -> str:
    """This machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address that belongs to nobody (RFC 5737)
        except OSError:  # no network
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _qr(address: str) -> str:
    import segno  # only for this

    source = segno.make(address, error="m").svg_data_uri(scale=5, border=3, dark="#000", light="#fff")
    return f'<img alt="QR code of {address}" src="{source}">'  # Streamlit takes an SVG out of a page's HTML
