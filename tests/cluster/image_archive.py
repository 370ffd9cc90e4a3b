"""Writes container images as one docker-archive, without a registry or a builder.

Every layer is a plain tar that this script makes from files on disk, with fixed owners and times, so that equal
input gives an equal digest. Only the standard library: it runs before there is a virtual environment.
"""

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
IPTABLES = "xtables-nft-multi"
IPTABLES_NAMES = tuple(f"{name}{what}" for name in ("iptables", "ip6tables") for what in ("", "-save", "-restore"))
BUSYBOX = "sh cat cp echo env hostname httpd id ip ls mkdir mv nc nslookup printf ps rm sleep tail test timeout wget"


@dataclass(frozen=True)
class Link:
    """A symbolic link in a layer."""

    target: str


@dataclass(frozen=True)
class Image:
    """An image to write: its names, its layers from the lowest, and its OCI config (Entrypoint, User, ...)."""

    tags: Sequence[str]
    layers: Sequence[Path]
    config: Mapping[str, object] = field(default_factory=dict)


def write_layer(path: Path, entries: Mapping[str, Path | Link]) -> Path:
    """Writes a layer to `path`; `entries` maps a path in the image to a file of this machine, or to a link."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        made: set[PurePosixPath] = set()
        for name, source in sorted(entries.items()):
            for parent in reversed(PurePosixPath(name).parents[:-1]):
                if parent not in made:
                    made.add(parent)
                    archive.addfile(_entry(str(parent), type=tarfile.DIRTYPE))
            if isinstance(source, Link):
                archive.addfile(_entry(name, type=tarfile.SYMTYPE, linkname=source.target))
                continue
            mode = 0o755 if os.access(source, os.X_OK) else 0o644
            with source.open("rb") as content:
                archive.addfile(_entry(name, size=source.stat().st_size, mode=mode), content)
    return path


def _entry(name: str, **attributes: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = 0o755
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def with_libraries(program: str) -> dict[str, Path | Link]:
    """The layer entries of a program of this machine and of the shared libraries that it loads."""
    found = shutil.which(program)
    if found is None:
        raise SystemExit(f"{program}: not installed on this machine")
    real = os.path.realpath(found)
    entries: dict[str, Path | Link] = {real.lstrip("/"): Path(real)}
    if real != found:
        entries[found.lstrip("/")] = Link(real)
    return entries | _libraries(found)


def _libraries(*programs: str) -> dict[str, Path | Link]:
    """The layer entries of the shared libraries that programs load."""
    entries: dict[str, Path | Link] = {}
    for line in subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout.splitlines():
        paths = [word for word in line.split() if word.startswith("/") and not word.endswith(":")]
        if paths:
            entries[paths[-1].lstrip("/")] = Path(paths[-1]).resolve()
    return entries


def iptables() -> dict[str, Path | Link]:
    """The layer entries of iptables and of its extensions, which it loads by name."""
    entries = with_libraries(IPTABLES)
    program = Path(os.path.realpath(shutil.which(IPTABLES) or "")).name
    entries |= {f"usr/sbin/{name}": Link(program) for name in IPTABLES_NAMES}
    extensions = sorted(Path("/usr/lib").glob("*/xtables/*.so"))
    if not extensions:
        raise SystemExit("iptables: its extensions are not installed on this machine")
    entries |= _libraries(*map(str, extensions))
    return entries | {str(path).lstrip("/"): path.resolve() for path in extensions}


def write_archive(path: Path, images: Sequence[Image]) -> None:
    """Writes `images` to `path`, as `docker load`, `podman load` and `ctr images import` read them.

    A layer that several images share is written once.
    """
    manifest = []
    digests: dict[Path, str] = {}
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for image in images:
            for layer in image.layers:
                if layer not in digests:
                    with layer.open("rb") as content:
                        digests[layer] = hashlib.file_digest(content, "sha256").hexdigest()
                    archive.add(layer, arcname=f"{digests[layer]}.tar")
            config = json.dumps(
                {
                    "architecture": "amd64",
                    "os": "linux",
                    "config": {"Env": [PATH], **image.config},
                    "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digests[layer]}" for layer in image.layers]},
                },
                sort_keys=True,
            ).encode()
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add_bytes(archive, config_name, config)
            layers = [f"{digests[layer]}.tar" for layer in image.layers]
            manifest.append({"Config": config_name, "RepoTags": list(image.tags), "Layers": layers})
        _add_bytes(archive, "manifest.json", json.dumps(manifest).encode())


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_entry(name, size=len(content), mode=0o644), io.BytesIO(content))


def control_plane(options: argparse.Namespace, layers: Path) -> list[Image]:
    """All images that the cluster itself runs; their names are those that kubeadm will ask for."""
    programs: Path = options.programs
    kube = {"usr/local/bin/kube": programs / "kube"} | {f"usr/local/bin/{name}": Link("kube") for name in COMPONENTS}
    kube_layer = write_layer(layers / "kube.tar", kube)
    nft_layer = write_layer(layers / "nft.tar", with_libraries("nft"))
    iptables_layer = write_layer(layers / "iptables.tar", iptables())

    def single(tag: str, name: str, *below: Path) -> Image:
        layer = write_layer(layers / f"{name}.tar", {f"usr/local/bin/{name}": programs / name})
        return Image([tag], [*below, layer], {"Entrypoint": [f"/usr/local/bin/{name}"]})

    def kubeadm_image(tag: str) -> Image | None:
        name = tag.rsplit("/", 1)[-1].split(":", maxsplit=1)[0]
        if name in COMPONENTS:
            below = [kube_layer, iptables_layer] if name == "kube-proxy" else [kube_layer]
            return Image([tag], below, {"Entrypoint": [f"/usr/local/bin/{name}"]})
        if name == "pause":  # containerd's configuration, not kubeadm, says which one runs
            layer = write_layer(layers / "pause.tar", {"pause": options.work / "pause"})
            return Image([options.pause], [layer], {"Entrypoint": ["/pause"]})
        return single(tag, name) if name in {"etcd", "coredns"} else None

    command = [options.work / "kubeadm", "config", "images", "list", "--kubernetes-version", options.version]
    wanted = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    busybox = {"bin/busybox": Path(shutil.which("busybox") or "/bin/busybox")}
    busybox_layer = write_layer(
        layers / "busybox.tar", busybox | {f"bin/{name}": Link("busybox") for name in BUSYBOX.split()}
    )
    return [
        *filter(None, map(kubeadm_image, wanted)),
        single("localhost/netagent:1", "netagent", nft_layer),
        single(options.storage, "local-path-provisioner"),
        Image([options.helper, "localhost/busybox:1"], [busybox_layer], {"Cmd": ["/bin/sh"]}),
    ]


def node(options: argparse.Namespace, _: Path) -> list[Image]:
    """The kind node image: the Debian root file system and what lies above it."""
    config = {
        "Env": [PATH, "container=docker"],
        "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
        "StopSignal": "SIGRTMIN+3",
    }
    return [Image([options.tag], options.layers, config)]


def program(options: argparse.Namespace, layers: Path) -> list[Image]:
    """An image of one statically linked program, which it runs."""
    path = f"usr/local/bin/{options.program.name}"
    layer = write_layer(layers / "program.tar", {path: options.program})
    return [Image([options.tag], [layer], {"Entrypoint": [f"/{path}"], "User": options.user})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("control-plane", help=control_plane.__doc__)
    command.add_argument("--work", type=Path, required=True, help="a folder with kubeadm and pause")
    command.add_argument("--programs", type=Path, required=True, help="the folder of the Go programs")
    command.add_argument("--version", required=True, help="of Kubernetes, for example v1.37.2")
    command.add_argument("--pause", required=True, help="name of the pause image")
    command.add_argument("--storage", required=True, help="name of the local-path-provisioner image")
    command.add_argument("--helper", required=True, help="name of that provisioner's helper image")
    command.add_argument("output", type=Path)
    command.set_defaults(images=control_plane)

    command = commands.add_parser("node", help=node.__doc__)
    command.add_argument("--tag", required=True)
    command.add_argument("output", type=Path)
    command.add_argument("layers", nargs="+", type=Path)
    command.set_defaults(images=node)

    command = commands.add_parser("program", help=program.__doc__)
    command.add_argument("--tag", required=True)
    command.add_argument("--user", default="0")
    command.add_argument("output", type=Path)
    command.add_argument("program", type=Path)
    command.set_defaults(images=program)

    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.output.parent) as layers:
        write_archive(options.output, options.images(options, Path(layers)))


if __name__ == "__main__":
    main()
