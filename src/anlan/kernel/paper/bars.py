"""Bar codes as runs of dark and light: EAN-13 for trade numbers, Code 128 for any other ASCII text. Pure.

    bars("6901234567892")  →  EAN-13        bars("F06-261124")  →  Code 128        bars("豆干")  →  None

A run is a width in modules; runs alternate, the first is dark. ISO/IEC 15417 (Code 128), 15420 (EAN-13).
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bars", "bars", "code128", "ean13", "is_ean13"]

# Code 128: six runs a symbol (bar, space, …), by value; the last one is the stop with seven.
_SYMBOLS = ["212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213", "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132", "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211", "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313", "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331", "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111", "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214", "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111", "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141", "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141", "114131", "311141", "411131", "211412", "211214", "211232", "2331112"]
_START_B, _START_C, _STOP = 104, 105, 106
_MODULO = 103

# EAN-13: digits of the left half in set A; set B is the mirror of C, and C the complement of A.
_LEFT = ("3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112")
_PARITY = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")


class Bars(NamedTuple):
    """`runs` as told above, `quiet` the modules that must stay light at both sides, `text` what to print below."""

    runs: tuple[int, ...]
    quiet: int
    text: str


def bars(text: str) -> Bars | None:
    """The code for a text: EAN-13 when it is such a number, Code 128 when it is ASCII, None for anything else."""
    if is_ean13(text):
        return ean13(text)
    if text and len(text) <= 48 and all(" " <= one <= "~" for one in text):
        return code128(text)
    return None


def code128(text: str) -> Bars:
    """Code 128 of printable ASCII: set C for an even number of digits, else set B.

    >>> code128("AB").runs[:12]
    (2, 1, 1, 2, 1, 4, 1, 1, 1, 3, 2, 3)
    """
    if text.isdecimal() and len(text) % 2 == 0:
        values = [_START_C, *(int(text[at : at + 2]) for at in range(0, len(text), 2))]
    else:
        values = [_START_B, *(ord(one) - 32 for one in text)]
    check = (values[0] + sum(place * value for place, value in enumerate(values[1:], 1))) % _MODULO
    runs = "".join(_SYMBOLS[value] for value in (*values, check, _STOP))
    return Bars(tuple(map(int, runs)), 10, text)


def is_ean13(text: str) -> bool:
    """Whether a text is thirteen digits of which the last one checks the others.

    >>> is_ean13("6901234567892"), is_ean13("6901234567893")
    (True, False)
    """
    if len(text) != 13 or not (text.isascii() and text.isdecimal()):
        return False
    return sum(int(one) * (3 if place % 2 else 1) for place, one in enumerate(text)) % 10 == 0


def ean13(text: str) -> Bars:
    """EAN-13 of a text that `is_ean13`."""
    runs = "111"
    for digit, kind in zip(text[1:7], _PARITY[int(text[0])], strict=True):
        # Left symbols begin light. Set B is the right-hand symbol mirrored, which has the same widths reversed.
        widths = _LEFT[int(digit)]
        runs += widths if kind == "A" else widths[::-1]
    runs += "11111"
    for digit in text[7:]:
        runs += _LEFT[int(digit)]
    return Bars(tuple(map(int, runs + "111")), 11, text)
