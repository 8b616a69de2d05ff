"""A QR code as SVG, for what a phone's camera should read.

    svg("otpauth://totp/…", label="…")     → '<svg …><path d="M4 4h1v1h-1z…"/></svg>'
"""

from __future__ import annotations

from markupsafe import Markup

from anlan.kernel.paper.qr import matrix

__all__ = ["svg"]

_QUIET = 4  # modules around the code that stay white


def svg(text: str, *, label: str) -> Markup:
    """The code as an SVG element that is black on white in every theme (a camera needs that).
    Raises TooLong."""
    rows = matrix(text)
    side = len(rows) + 2 * _QUIET
    path = "".join(
        f"M{c + _QUIET} {r + _QUIET}h1v1h-1z"
        for r, row in enumerate(rows)
        for c, dark in enumerate(row)
        if dark
    )
    return Markup(
        '<svg class="qr" viewBox="0 0 {0} {0}" role="img" aria-label="{1}" shape-rendering="crispEdges">'
        '<rect width="{0}" height="{0}" fill="#fff"/><path d="{2}" fill="#000"/></svg>'
    ).format(side, label, path)
