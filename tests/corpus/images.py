"""The corpus of image layouts: whole, broken and hostile ones, each with what must be said about it."""

import json
from collections.abc import Iterator

from tests.corpus.bundles import OBJECT, PROGRAM, SCRIPT, ZEROS, Case
from tests.corpus.pack import CONFIG, INDEX, LAYER, MANIFEST, PACK, Layout, header, member, saved, tar

BASE = tar({"usr/bin/x": PROGRAM, "usr/bin/y": PROGRAM, "opt/z": PROGRAM, "etc/s": SCRIPT})
ALL = ("/usr/bin/x", "/usr/bin/y", "/opt/z")


def one(*layers: bytes) -> Layout:
    """A layout with one image."""
    layout = Layout()
    return layout.index(layout.image(*layers))


def whole() -> Iterator[Case]:
    """Images that are fine."""
    for ending in ("", "gz", "zst"):
        yield Case(f"one-{ending}.oci.tar", one(PACK[ending](BASE)).tar(), ALL)
    yield Case("one.oci.tar.gz", PACK["gz"](one(BASE).tar()), ALL)
    yield Case("saved.tar", saved(BASE), ALL)
    yield Case("saved.tar.gz", PACK["gz"](saved(BASE, tar({"usr/bin/.wh.x": b""}))), ("/usr/bin/y", "/opt/z"))
    yield Case("upper.oci.tar", one(BASE, tar({"usr/bin/x": SCRIPT})).tar(), ("/usr/bin/y", "/opt/z"))
    yield Case("deleted.oci.tar", one(BASE, tar({"usr/.wh.bin": b""})).tar(), ("/opt/z",))
    yield Case(
        "again.oci.tar",
        one(BASE, tar({"usr/.wh.bin": b""}), tar({"usr/bin/q": PROGRAM})).tar(),
        ("/usr/bin/q", "/opt/z"),
    )
    opaque = tar({"usr/bin/.wh..wh..opq": b"", "usr/bin/n": PROGRAM})
    yield Case("opaque.oci.tar", one(BASE, opaque).tar(), ("/usr/bin/n", "/opt/z"))
    yield Case("emptied.oci.tar", one(BASE, tar({".wh..wh..opq": b"", "n": PROGRAM})).tar(), ("/n",))
    yield Case(
        "merged.oci.tar",
        one(BASE, tar({"usr/": b"", "usr/bin/": b"", "usr/bin/n": PROGRAM})).tar(),
        ("/usr/bin/n", *ALL),
    )
    yield Case("link.oci.tar", one(BASE, tar({"usr": "opt"})).tar(), ("/opt/z",))
    yield Case("tools.oci.tar", one(BASE, tar({".wh..wh.aufs": b""})).tar(), ALL)
    yield Case("folder.oci.tar", one(BASE, tar({"usr/bin/x/": b""})).tar(), ("/usr/bin/y", "/opt/z"))
    hundred = (tar({f"l{number}": PROGRAM, f".wh.l{number - 1}": b""}) for number in range(100))
    yield Case("hundred.oci.tar", one(*hundred).tar(), ("/l99",))
    layout = Layout()
    pair = [layout.image(tar({name: PROGRAM}), architecture=name) for name in ("amd64", "arm64")]
    inner = layout.document({"manifests": pair}, INDEX)
    yield Case(
        "pair.oci.tar", layout.index(inner, pair[0]).tar(), ("@linux/amd64!/amd64", "@linux/arm64!/arm64")
    )
    layout = Layout()
    sparse = [layout.image(BASE), {"mediaType": MANIFEST, "digest": "sha256:" + "1" * 64, "size": 9}]
    yield Case(
        "other-platform.oci.tar", layout.index(layout.document({"manifests": sparse}, INDEX)).tar(), ALL
    )
    layout = Layout()
    note = {"vnd.docker.reference.type": "attestation-manifest"}
    yield Case(
        "attested.oci.tar", layout.index(layout.image(BASE), layout.image(b"{}", annotations=note)).tar(), ALL
    )


def lies() -> Iterator[Case]:
    """Images whose parts are not what is announced."""
    for name in ("manifest", "config", "layer"):
        layout = one(PACK["gz"](BASE))
        digests = {"layer": 0, "config": 1, "manifest": 2}
        blob = list(layout.files)[1:][[1, 0, 2][digests[name]]]
        right = layout.files[blob]
        layout.files[blob] = right[:-1] + bytes([right[-1] ^ 1])
        yield Case(f"{name}-digest.oci.tar", layout.tar(), (), ("TRM0219",))
        layout.files[blob] = right + b"\n"
        yield Case(f"{name}-size.oci.tar", layout.tar(), (), ("TRM0221",))
        del layout.files[blob]
        yield Case(f"{name}-missing.oci.tar", layout.tar(), (), ("TRM0220",))
    yield Case("diff.tar", saved(BASE, diffs=["sha256:" + "0" * 64]), ALL, ("TRM0219",))
    yield Case("config.tar", saved(BASE, config_name="0" * 64 + ".json"), (), ("TRM0219",))
    yield Case("fewer.tar", saved(BASE, BASE, diffs=[]), (), ("TRM0213",))
    hard = tar({"a": PROGRAM}, ends=False) + header(b"b", b"1", 0, b"a") + bytes(1024)
    yield Case("hard.oci.tar", one(hard, tar({".wh.a": b""})).tar(), (), ("TRM0226",))
    yield Case("hard-fine.oci.tar", one(hard, tar({".wh.b": b""})).tar(), ("/a",))


def documents() -> Iterator[Case]:
    """Images whose documents are not what they should be."""
    empty = {"oci-layout": b"{}"}
    for number, text in enumerate(
        (b"{", b"[]", b"{}", b"[" * 100_000, b'{"manifests": {}}', b'{"manifests": []}', b"\xff")
    ):
        yield Case(f"index-{number}.oci.tar", tar({**empty, "index.json": text}), (), ("TRM0222",))
    yield Case("index-large.oci.tar", tar({**empty, "index.json": b" " * (5 << 20)}), (), ("TRM0216",))
    for number, digest in enumerate(
        ("sha256:../../../../etc/passwd", "", None, "md5:00", "sha256:" + "A" * 64)
    ):
        broken: dict[str, object] = {"mediaType": MANIFEST, "digest": digest, "size": 1}
        yield Case(f"digest-{number}.oci.tar", Layout().index(broken).tar(), (), ("TRM0222",))
    layout = Layout()
    item = layout.image(BASE)
    for _ in range(100):
        item = layout.document({"manifests": [item, item]}, INDEX)
    yield Case("deep.oci.tar", layout.index(item).tar(), (), ("TRM0216",))
    loop: dict[str, object] = {"mediaType": INDEX, "digest": "sha256:" + "2" * 64, "size": 1}
    layout = Layout().index(loop)
    layout.files["blobs/sha256/" + "2" * 64] = layout.files["index.json"]
    yield Case("loop.oci.tar", layout.tar(), (), ("TRM0221",))
    many: list[dict[str, object]] = [
        {"mediaType": INDEX, "digest": f"sha256:{number:064x}", "size": 1} for number in range(2000)
    ]
    yield Case("many.oci.tar", Layout().index(*many).tar(), (), ("TRM0220",))
    layout = Layout()
    wide = [layout.document({"manifests": [], "n": number}, INDEX) for number in range(1001)]
    yield Case("wide.oci.tar", layout.index(*wide).tar(), (), ("TRM0216",))
    layout = Layout()
    old = layout.document({"schemaVersion": 1, "fsLayers": []}, MANIFEST)
    yield Case("old.oci.tar", layout.index(old).tar(), (), ("TRM0218",))
    layout = Layout()
    chart = layout.document(
        {"config": layout.document({}, "application/vnd.cncf.helm.config.v1+json"), "layers": []}, MANIFEST
    )
    yield Case("chart.oci.tar", layout.index(chart).tar(), (), ("TRM0222",))
    for number, kind in enumerate(("application/wasm", LAYER + "+encrypted")):
        layout = Layout()
        layers = [layout.blob(BASE, kind)]
        manifest = layout.document({"config": layout.document({}, CONFIG), "layers": layers}, MANIFEST)
        yield Case(f"layer-kind-{number}.oci.tar", layout.index(manifest).tar(), (), ("TRM0218",))
    for number, text in enumerate(
        (b"{", b"{}", b"[1]", b'[{"Layers": 1}]', b'[{"Layers": [], "Config": "c"}]')
    ):
        expected = "TRM0220" if number == 4 else "TRM0222"
        yield Case(f"manifest-{number}.tar", tar({"manifest.json": text}), (), (expected,))
    yield Case("saved-nothing.tar", tar({"manifest.json": json.dumps([]).encode()}), (), ("TRM0222",))


def layers() -> Iterator[Case]:
    """Images whose layers lie or break."""
    yield Case("no-program.oci.tar", one(tar({"o.o": OBJECT})).tar(), (), ("TRM0211",))
    yield Case("text.oci.tar", one(b"hello" * 200).tar(), (), ("TRM0213",))
    yield Case("cut.oci.tar", one(BASE[: 2 * len(member(b"x", PROGRAM)) + 600]).tar(), ALL[:2], ("TRM0212",))
    bomb = PACK["gz"](header(b"zeros", b"0", 640 * ZEROS)) + PACK["gz"](bytes(ZEROS)) * 640
    yield Case("bomb.oci.tar", one(BASE, bomb).tar(), (), ("TRM0215",))
    yield Case("bomb.oci.tar.gz", PACK["gz"](tar({"oci-layout": b""}, ends=False)) + bomb, (), ("TRM0215",))
    outside = member(b"../../x", PROGRAM) + member(b"/.wh.usr", b"") + bytes(1024)
    yield Case("outside.oci.tar", one(BASE, outside).tar(), ("/opt/z",), ("TRM0223",))
    yield Case("twice.oci.tar", one(tar([("x", PROGRAM), ("./x", PROGRAM)])).tar(), ("/x",), ("TRM0224",))


def cases() -> Iterator[Case]:
    """All of them."""
    for part in (whole, lies, documents, layers):
        yield from part()
