"""Copy the front-end files and fonts that the lock file pins into the source tree; none of them is committed.

    python tools/vendor.py            npm ci in a temporary folder, then copy
    python tools/vendor.py --check    only look: is everything there, and as it was copied? (exit 1 if not)

Nothing is built or bundled, no script of a package runs. `static/vendor/manifest.json` lists what was copied
with its SHA-256; `anlan doctor` and the start of the web process look at it.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
NPM = ROOT / "tools" / "npm"
VENDOR = ROOT / "src" / "anlan" / "web" / "static" / "vendor"
FONTS = ROOT / "src" / "anlan" / "kernel" / "paper" / "fonts"


class Copied(NamedTuple):
    """One file: the npm package, the path inside it, where it goes."""

    package: str
    source: str
    target: Path


FILES = (
    Copied("htmx.org", "dist/htmx.min.js", VENDOR / "htmx.min.js"),
    Copied("htmx.org", "dist/ext/hx-alpine-compat.min.js", VENDOR / "hx-alpine-compat.min.js"),
    Copied("htmx.org", "dist/ext/hx-csp.min.js", VENDOR / "hx-csp.min.js"),
    Copied("htmx.org", "dist/ext/hx-preload.min.js", VENDOR / "hx-preload.min.js"),
    Copied("htmx.org", "dist/ext/hx-sse.min.js", VENDOR / "hx-sse.min.js"),
    Copied("@alpinejs/csp", "dist/cdn.min.js", VENDOR / "alpine-csp.min.js"),
    Copied("@tabler/core", "dist/css/tabler.min.css", VENDOR / "tabler.min.css"),
    Copied("@tabler/core", "dist/js/tabler.min.js", VENDOR / "tabler.min.js"),
    Copied("tom-select", "dist/js/tom-select.complete.min.js", VENDOR / "tom-select.min.js"),
    Copied("tom-select", "dist/css/tom-select.bootstrap5.min.css", VENDOR / "tom-select.min.css"),
    Copied("sortablejs", "Sortable.min.js", VENDOR / "sortable.min.js"),
    Copied("echarts", "dist/echarts.common.min.js", VENDOR / "echarts.min.js"),
    Copied("swagger-ui-dist", "swagger-ui-bundle.js", VENDOR / "swagger-ui.js"),
    Copied("swagger-ui-dist", "swagger-ui.css", VENDOR / "swagger-ui.css"),
    Copied(
        "@expo-google-fonts/noto-sans-sc",
        "400Regular/NotoSansSC_400Regular.ttf",
        FONTS / "NotoSansSC-Regular.ttf",
    ),
    Copied(
        "@expo-google-fonts/noto-sans-sc", "700Bold/NotoSansSC_700Bold.ttf", FONTS / "NotoSansSC-Bold.ttf"
    ),
)
# Only for the browser tests; not part of the program, so not in the manifest either.
FOR_TESTS = (Copied("axe-core", "axe.min.js", ROOT / "tests" / "browser" / "axe.min.js"),)
ICONS = "@tabler/icons"
_LICENCES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENSE_FONT", "NOTICE")
_MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without
limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the
Software, and to permit persons to whom the Software is furnished to do so, subject to the following
conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions
of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED
TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL
THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER
DEALINGS IN THE SOFTWARE.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only look whether everything is there")
    if parser.parse_args().check:
        wrong = faults()
        for line in wrong:
            print(line)
        sys.exit(1 if wrong else 0)
    with tempfile.TemporaryDirectory(prefix="anlan-vendor-") as folder:
        modules = install(Path(folder))
        copy(modules)
    print(f"{len(FILES)} files and {len(icon_names())} icons are in place")


def install(folder: Path) -> Path:
    """Run npm ci with the locked versions in `folder`; return its node_modules. Needs the network once."""
    beside = Path(sys.executable).with_name("npm")
    npm = str(beside) if beside.exists() else shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing — run make setup, or install Node.js")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(NPM / name, folder / name)
    path = os.pathsep.join((str(Path(npm).parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run([npm, "ci"], cwd=folder, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        sys.exit("npm ci failed — look at the lines above, then run make vendor again")
    return folder / "node_modules"


def copy(modules: Path) -> None:
    """Fill both folders anew; the manifest is written last, so that a copy that was cut off shows."""
    for folder in (VENDOR, FONTS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for each in FILES:
        content = (modules / each.package / each.source).read_bytes()
        if each.target.suffix in (".js", ".css"):
            content = _without_source_map(content)
        each.target.write_bytes(content)
    for each in FOR_TESTS:
        shutil.copy(modules / each.package / each.source, each.target)
    (VENDOR / "icons.svg").write_text(sprite(modules / ICONS / "icons" / "outline"), encoding="utf-8")
    fonts = "@expo-google-fonts/noto-sans-sc"
    packages = sorted({each.package for each in FILES} | {ICONS})
    (VENDOR / "LICENCES.txt").write_text(
        "\n".join(licence(modules / name) for name in packages if name != fonts), encoding="utf-8"
    )
    (FONTS / "LICENCE.txt").write_text(licence(modules / fonts), encoding="utf-8")
    copied = sorted(path for folder in (VENDOR, FONTS) for path in folder.iterdir())
    manifest = {path.relative_to(ROOT / "src" / "anlan").as_posix(): _digest(path) for path in copied}
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def faults() -> list[str]:
    """Return a line for each thing that is not as `copy` left it, or that the lists ask for in vain."""
    manifest_path = VENDOR / "manifest.json"
    if not manifest_path.exists():
        return ["the front-end files are missing — run make vendor"]
    manifest: dict[str, str] = json.loads(manifest_path.read_text(encoding="utf-8"))
    package = ROOT / "src" / "anlan"
    wanted = {each.target.relative_to(package).as_posix() for each in FILES} - manifest.keys()
    found = [f"{name} is not copied yet — run make vendor" for name in sorted(wanted)]
    for name, digest in manifest.items():
        path = package / name
        if not path.exists() or _digest(path) != digest:
            found.append(f"{name} is missing or changed — run make vendor")
    sprite_text = (VENDOR / "icons.svg").read_text(encoding="utf-8")
    undrawn = sorted(set(icon_names()) - set(re.findall(r'<symbol id="([^"]+)"', sprite_text)))
    return found + [f"the icon {name} is not in icons.svg — run make vendor" for name in undrawn]


def icon_names() -> list[str]:
    """The icons that pages and definitions may use, a name a line."""
    return (NPM / "icons.txt").read_text(encoding="utf-8").split()


def sprite(folder: Path) -> str:
    """Return one SVG file with a symbol for each icon; colour and width of the stroke come from the page."""
    symbols = [_symbol(name, (folder / f"{name}.svg").read_text(encoding="utf-8")) for name in icon_names()]
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def _symbol(name: str, svg: str) -> str:
    inner = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    shapes = [line.strip() for line in inner.splitlines() if line.strip() and 'd="M0 0h24v24H0z"' not in line]
    return (
        f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2"'
        f' stroke-linecap="round" stroke-linejoin="round">{"".join(shapes)}</symbol>'
    )


def licence(package: Path) -> str:
    """Return name, version and licence of a package with the texts that it brings."""
    about: dict[str, Any] = json.loads((package / "package.json").read_text(encoding="utf-8"))
    texts = [(package / name).read_text(encoding="utf-8") for name in _LICENCES if (package / name).exists()]
    if not texts:
        author = about.get("author", "the authors")
        holder = author["name"] if isinstance(author, dict) else author
        texts = [f"Copyright (c) {holder} and contributors\n\n{_MIT}"]
        if about.get("license") != "MIT":
            sys.exit(f"{about['name']} brings no licence text — look at it before it is shipped")
    title = f"{about['name']} {about['version']} ({about.get('license', 'see below')})"
    return "\n".join(["=" * 78, title, "=" * 78, *texts])


def _without_source_map(content: bytes) -> bytes:
    """The maps are not copied; a comment that names one makes every browser with open tools report a 404."""
    return (
        re.sub(rb"(?m)^//# sourceMappingURL=.*$|/\*# sourceMappingURL=[^*]*\*/", b"", content).rstrip()
        + b"\n"
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
