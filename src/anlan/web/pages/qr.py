"""QR codes as SVG, for what a phone's camera should read: ISO/IEC 18004, bytes, error correction M, versions 1 to 10.

    svg("otpauth://totp/…")     → '<svg …><path d="M4 4h1v1h-1z…"/></svg>'

Steps, named as in the standard: bits of the text → codewords with Reed-Solomon remainders, interleaved → placed in
zigzag around the fixed patterns → the mask of the eight that gives the calmest picture → format information.
Up to 213 bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from markupsafe import Markup

__all__ = ["TooLong", "matrix", "svg"]

# By version: codewords of error correction a block, data codewords of each block, centres of alignment patterns.
_VERSIONS: tuple[tuple[int, tuple[int, ...], tuple[int, ...]], ...] = (
    (10, (16,), ()),
    (16, (28,), (6, 18)),
    (26, (44,), (6, 22)),
    (18, (32, 32), (6, 26)),
    (24, (43, 43), (6, 30)),
    (16, (27, 27, 27, 27), (6, 34)),
    (18, (31, 31, 31, 31), (6, 22, 38)),
    (22, (38, 38, 39, 39), (6, 24, 42)),
    (22, (36, 36, 36, 37, 37), (6, 26, 46)),
    (26, (43, 43, 43, 43, 44), (6, 28, 50)),
)
_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
_QUIET = 4
Grid = list[list[bool | None]]


class TooLong(ValueError):
    """More than 213 bytes do not fit; shorten the text."""


def svg(text: str, *, label: str) -> Markup:
    """The code as an SVG element that is black on white in every theme (a camera needs that)."""
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


def matrix(text: str, *, mask: int | None = None) -> list[list[bool]]:
    """The modules of the code, True is dark; `mask` instead of the best one. Raises TooLong."""
    content = text.encode()
    fitting = (
        number for number, (_, blocks, _) in enumerate(_VERSIONS, 1)
        if len(content) + (2 if number < 10 else 3) <= sum(blocks)
    )  # fmt: skip
    number = next(fitting, None)
    if number is None:
        raise TooLong(f"{len(content)} bytes")
    correction, blocks, centres = _VERSIONS[number - 1]
    words = _interleaved(_codewords(content, number, sum(blocks)), blocks, correction)
    fixed = _patterns(number, centres)
    plain = _placed(fixed, words)
    made = [_masked(plain, fixed, one) for one in (range(len(_MASKS)) if mask is None else (mask,))]
    return min(made, key=_unrest)


def _codewords(content: bytes, number: int, capacity: int) -> list[int]:
    """Mode 0100, the length, the bytes, four zero bits, padding."""
    width = 8 if number < 10 else 16
    bits = f"0100{len(content):0{width}b}" + "".join(f"{one:08b}" for one in content)
    bits += "0" * min(4, capacity * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    words = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    return words + [(0xEC, 0x11)[n % 2] for n in range(capacity - len(words))]


def _interleaved(words: list[int], blocks: tuple[int, ...], correction: int) -> list[int]:
    parts, at = [], 0
    for size in blocks:
        parts.append(words[at : at + size])
        at += size
    remainders = [_remainder(part, correction) for part in parts]
    found = [part[n] for n in range(max(blocks)) for part in parts if n < len(part)]
    return found + [part[n] for n in range(correction) for part in remainders]


def _times(a: int, b: int) -> int:
    """Multiplication in GF(256) with x^8 + x^4 + x^3 + x^2 + 1."""
    found = 0
    while b:
        if b & 1:
            found ^= a
        a = a << 1 ^ (0x11D if a & 0x80 else 0)
        b >>= 1
    return found


def _remainder(data: list[int], count: int) -> list[int]:
    generator, root = [1], 1
    for _ in range(count):
        generator = [
            high ^ _times(low, root) for high, low in zip([*generator, 0], [0, *generator], strict=True)
        ]
        root = _times(root, 2)
    rest = [0] * count
    for one in data:
        factor = one ^ rest[0]
        rest = [old ^ _times(part, factor) for old, part in zip([*rest[1:], 0], generator[1:], strict=True)]
    return rest


def _patterns(number: int, centres: tuple[int, ...]) -> Grid:
    """What does not depend on the text; None where text goes. Places of the format are held with False."""
    size = 17 + 4 * number
    grid: Grid = [[None] * size for _ in range(size)]
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for r in range(-1, 8):
            for c in range(-1, 8):
                if 0 <= top + r < size and 0 <= left + c < size:
                    ring = max(abs(r - 3), abs(c - 3))
                    grid[top + r][left + c] = ring in (0, 1, 3)
    for r in centres:
        for c in centres:
            if not _in_finder(r, c, size):
                for dr in range(-2, 3):
                    for dc in range(-2, 3):
                        grid[r + dr][c + dc] = max(abs(dr), abs(dc)) != 1
    for at in range(8, size - 8):
        grid[6][at] = grid[at][6] = at % 2 == 0
    for at in range(9):
        for r, c in ((8, at), (at, 8)):
            if grid[r][c] is None:
                grid[r][c] = False
    for at in range(8):
        grid[8][size - 1 - at] = grid[size - 1 - at][8] = False
    grid[size - 8][8] = True
    if number >= 7:
        told = number << 12 | _rest(number, 0x1F25, 12)
        for at in range(18):
            dark = bool(told >> at & 1)
            grid[at // 3][size - 11 + at % 3] = grid[size - 11 + at % 3][at // 3] = dark
    return grid


def _in_finder(r: int, c: int, size: int) -> bool:
    return (r < 9 and c < 9) or (r < 9 and c > size - 9) or (r > size - 9 and c < 9)


def _rest(value: int, generator: int, bits: int) -> int:
    """The remainder of a BCH code."""
    value <<= bits
    while value.bit_length() > bits:
        value ^= generator << value.bit_length() - generator.bit_length()
    return value


def _zigzag(fixed: Grid) -> Iterator[tuple[int, int]]:
    """The free places, two columns at a time from the right, up and down by turns."""
    size = len(fixed)
    up = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for step in range(size):
            r = size - 1 - step if up else step
            for c in (right, right - 1):
                if fixed[r][c] is None:
                    yield r, c
        up = not up


def _placed(fixed: Grid, words: list[int]) -> list[list[bool]]:
    grid = [[bool(one) for one in row] for row in fixed]
    bits = (bool(word >> at & 1) for word in words for at in range(7, -1, -1))
    for (r, c), bit in zip(_zigzag(fixed), bits, strict=False):
        grid[r][c] = bit
    return grid


def _masked(plain: list[list[bool]], fixed: Grid, mask: int) -> list[list[bool]]:
    flips, size = _MASKS[mask], len(plain)
    grid = [
        [one != (fixed[r][c] is None and flips(r, c)) for c, one in enumerate(row)]
        for r, row in enumerate(plain)
    ]
    told = (mask << 10 | _rest(mask, 0x537, 10)) ^ 0x5412  # correction M is 00
    for at in range(15):
        dark = bool(told >> at & 1)
        grid[at if at < 6 else at + 1 if at < 8 else size - 15 + at][8] = dark
        grid[8][size - 1 - at if at < 8 else 7 if at == 8 else 14 - at] = dark
    return grid


def _unrest(grid: list[list[bool]]) -> int:
    """The standard's penalty: long runs, blocks of one colour, false finders, too dark or too light."""
    size = len(grid)
    lines = [*grid, *map(list, zip(*grid, strict=True))]
    total = 0
    finders = ([True, False, True, True, True, False, True, False, False, False, False],
               [False, False, False, False, True, False, True, True, True, False, True])  # fmt: skip
    for line in lines:
        run = 1
        for before, now in zip(line, [*line[1:], None], strict=True):
            if now == before:
                run += 1
            else:
                total += run - 2 if run >= 5 else 0
                run = 1
        total += 40 * sum(line[at : at + 11] in finders for at in range(size - 10))
    for r in range(size - 1):
        for c in range(size - 1):
            total += 3 * (grid[r][c] == grid[r][c + 1] == grid[r + 1][c] == grid[r + 1][c + 1])
    dark = sum(map(sum, grid)) * 100 // (size * size)
    return total + 10 * (abs(dark - 50) // 5)
