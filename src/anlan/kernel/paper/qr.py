"""QR codes (ISO/IEC 18004): bytes of UTF-8, error correction M, versions 1 to 10. Pure.

    modules("https://example.org/F06")   →   a square of booleans, True is dark, without the quiet zone

Steps: 1. text → bits with their length, filled up to the version's capacity. 2. bytes → blocks, each with its
Reed-Solomon bytes, interleaved. 3. fixed patterns, then the bits in two columns at a time from the lower right.
4. of the eight masks the one with the fewest penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

__all__ = ["LONGEST", "TooLong", "correction", "format_bits", "matrix", "modules", "version_bits"]

Square = list[list[bool]]

# By version: bytes of correction a block, then the bytes of data of each block (table 9, level M).
_BLOCKS: tuple[tuple[int, tuple[int, ...]], ...] = (
    (10, (16,)),
    (16, (28,)),
    (26, (44,)),
    (18, (32, 32)),
    (24, (43, 43)),
    (16, (27,) * 4),
    (18, (31,) * 4),
    (22, (38, 38, 39, 39)),
    (22, (36, 36, 36, 37, 37)),
    (26, (43, 43, 43, 43, 44)),
)
# Centres of the alignment patterns (annex E).
_CENTRES = (
    (),
    (6, 18),
    (6, 22),
    (6, 26),
    (6, 30),
    (6, 34),
    (6, 22, 38),
    (6, 24, 42),
    (6, 26, 46),
    (6, 28, 50),
)
LONGEST = sum(_BLOCKS[-1][1]) - 3  # bytes of UTF-8

_MASKS: tuple[Callable[[int, int], bool], ...] = (
    lambda y, x: (y + x) % 2 == 0,
    lambda y, x: y % 2 == 0,
    lambda y, x: x % 3 == 0,
    lambda y, x: (y + x) % 3 == 0,
    lambda y, x: (y // 2 + x // 3) % 2 == 0,
    lambda y, x: y * x % 2 + y * x % 3 == 0,
    lambda y, x: (y * x % 2 + y * x % 3) % 2 == 0,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2 == 0,
)


class TooLong(ValueError):
    """More than LONGEST bytes do not fit; shorten the text."""


def modules(text: str) -> Square:
    """The code of a text, or of as much of it as fits into LONGEST bytes."""
    return matrix(text.encode()[:LONGEST].decode(errors="ignore"))


def matrix(text: str, *, mask: int | None = None) -> Square:
    """The code of a whole text; `mask` instead of the one with the fewest penalties. Raises TooLong."""
    content = text.encode()
    if len(content) > LONGEST:
        raise TooLong(f"{len(content)} bytes")
    version = next(n for n in range(1, 11) if sum(_BLOCKS[n - 1][1]) >= len(content) + (2 if n < 10 else 3))
    square, fixed = _patterns(version)
    _lay(square, fixed, _interleaved(_data(content, version), version))
    made = [_masked(square, fixed, one) for one in (range(len(_MASKS)) if mask is None else (mask,))]
    return min(made, key=_penalty)


def _data(content: bytes, version: int) -> list[int]:
    """Mode, length, bytes, end, and the filling that the standard asks for."""
    capacity = sum(_BLOCKS[version - 1][1])
    bits = f"0100{len(content):0{8 if version < 10 else 16}b}" + "".join(f"{one:08b}" for one in content)
    bits += "0" * min(4, capacity * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    data = [int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)]
    return data + [(0xEC, 0x11)[n % 2] for n in range(capacity - len(data))]


def _interleaved(data: Sequence[int], version: int) -> list[int]:
    count, sizes = _BLOCKS[version - 1]
    blocks, at = [], 0
    for size in sizes:
        blocks.append(list(data[at : at + size]))
        at += size
    corrections = [correction(block, count) for block in blocks]
    longest = max(sizes)
    mixed = [block[place] for place in range(longest) for block in blocks if place < len(block)]
    return mixed + [block[place] for place in range(count) for block in corrections]


def _times(a: int, b: int) -> int:
    """Product in the field of 256 elements over 0x11d."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ ((product >> 7) * 0x11D)
        product ^= (b >> bit & 1) * a
    return product


def correction(block: Sequence[int], count: int) -> list[int]:
    """The `count` Reed-Solomon bytes of a block.

    >>> correction([32, 91, 11, 120, 209, 114, 220, 77, 67, 64, 236, 17, 236, 17, 236, 17], 10)
    [196, 35, 39, 119, 235, 215, 231, 226, 93, 23]
    """
    generator, root = [0] * (count - 1) + [1], 1
    for _ in range(count):
        for place in range(count):
            generator[place] = _times(generator[place], root)
            if place + 1 < count:
                generator[place] ^= generator[place + 1]
        root = _times(root, 2)
    rest = [0] * count
    for value in block:
        factor = value ^ rest.pop(0)
        rest.append(0)
        rest = [one ^ _times(part, factor) for one, part in zip(rest, generator, strict=True)]
    return rest


def format_bits(mask: int) -> int:
    """The fifteen bits that tell level M and the mask.

    >>> f"{format_bits(5):015b}"
    '100000011001110'
    """
    rest = mask
    for _ in range(10):
        rest = (rest << 1) ^ ((rest >> 9) * 0x537)
    return (mask << 10 | rest) ^ 0x5412


def version_bits(version: int) -> int:
    """The eighteen bits that tell a version from 7 on.

    >>> f"{version_bits(7):018b}"
    '000111110010010100'
    """
    rest = version
    for _ in range(12):
        rest = (rest << 1) ^ ((rest >> 11) * 0x1F25)
    return version << 12 | rest


def _patterns(version: int) -> tuple[Square, Square]:
    """The square with its fixed patterns, and which modules they take (formats and versions too)."""
    size = version * 4 + 17
    square = [[False] * size for _ in range(size)]
    fixed = [[False] * size for _ in range(size)]

    def put(y: int, x: int, dark: bool) -> None:
        if 0 <= y < size and 0 <= x < size:
            square[y][x], fixed[y][x] = dark, True

    for n in range(size):
        put(6, n, n % 2 == 0)
        put(n, 6, n % 2 == 0)
    for top, left in ((3, 3), (3, size - 4), (size - 4, 3)):
        for y in range(-4, 5):
            for x in range(-4, 5):
                put(top + y, left + x, max(abs(y), abs(x)) not in (2, 4))
    centres = _CENTRES[version - 1]
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for top in centres:
        for left in centres:
            if (top, left) not in corners:
                for y in range(-2, 3):
                    for x in range(-2, 3):
                        put(top + y, left + x, max(abs(y), abs(x)) != 1)
    for y, x in _format_places(size):
        put(y, x, False)
    put(size - 8, 8, True)
    if version >= 7:
        bits = version_bits(version)
        for n in range(18):
            put(size - 11 + n % 3, n // 3, bool(bits >> n & 1))
            put(n // 3, size - 11 + n % 3, bool(bits >> n & 1))
    return square, fixed


def _format_places(size: int) -> list[tuple[int, int]]:
    """Where the format bits stand, the lowest first, twice."""
    first = [(n, 8) for n in range(6)] + [(7, 8), (8, 8), (8, 7)] + [(8, 14 - n) for n in range(9, 15)]
    second = [(8, size - 1 - n) for n in range(8)] + [(size - 15 + n, 8) for n in range(8, 15)]
    return first + second


def _free(fixed: Square) -> Iterator[tuple[int, int]]:
    """The free modules in the order in which bits are laid: two columns at a time, up, then down."""
    size, up = len(fixed), True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for step in range(size):
            y = size - 1 - step if up else step
            for x in (right, right - 1):
                if not fixed[y][x]:
                    yield y, x
        up = not up


def _lay(square: Square, fixed: Square, content: Sequence[int]) -> None:
    bits = (bool(byte >> bit & 1) for byte in content for bit in range(7, -1, -1))
    for (y, x), dark in zip(_free(fixed), bits, strict=False):  # a few modules may be left: they stay light
        square[y][x] = dark


def _masked(square: Square, fixed: Square, mask: int) -> Square:
    turned = _MASKS[mask]
    size = len(square)
    made = [[square[y][x] ^ (not fixed[y][x] and turned(y, x)) for x in range(size)] for y in range(size)]
    bits = format_bits(mask)
    for place, (y, x) in enumerate(_format_places(size)):
        made[y][x] = bool(bits >> place % 15 & 1)
    return made


def _penalty(square: Square) -> int:
    """What makes a code hard to read: long runs, blocks of four, what looks like a finder, uneven darkness."""
    size, points = len(square), 0
    columns = [list(column) for column in zip(*square, strict=True)]
    for row in (*square, *columns):
        text = "".join("1" if one else "0" for one in row)
        points += sum(
            max(0, len(run) - 2)
            for run in text.replace("01", "0 1").replace("10", "1 0").split()
            if len(run) > 4
        )
        points += 40 * sum(
            text.startswith(wanted, at)
            for at in range(size - 10)
            for wanted in ("10111010000", "00001011101")
        )
    points += 3 * sum(
        square[y][x] == square[y][x + 1] == square[y + 1][x] == square[y + 1][x + 1]
        for y in range(size - 1)
        for x in range(size - 1)
    )
    dark = sum(map(sum, square))
    return points + 10 * (abs(dark * 20 - size * size * 10) // (size * size))
