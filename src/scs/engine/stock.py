# SPDX-FileCopyrightText: 2026 The scs authors
# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a cloud is made from and what can be had again: layers under nodes, images for VMs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path

from scs import images
from scs.engine.known import KnownOptions
from scs.engine.workshop import Workshop
from scs.images import BuiltImage
from scs.model.content import DEBIAN, VERIFY
from scs.paths import Paths
from scs.providers.local import layers
from scs.release import Release
from scs.shell import Say
from scs.spec import CloudSpec


class Stock:
    """Layers and images, each worked out once and in parallel, or found in the cache."""

    def __init__(
        self,
        spec: CloudSpec,
        paths: Paths,
        release: Release,
        workshop: Workshop,
        packages: Callable[[], tuple[str, ...]],
    ) -> None:
        self._spec = spec
        self._cache = paths.cache
        self._release = release
        self._workshop = workshop
        self._packages = packages

    @property
    def complete(self) -> bool:
        """Whether nodes can be made without fetching anything."""
        return layers.environment_path(self._cache, self._release).exists()

    @property
    def base_there(self) -> bool:
        """Whether the layer with Debian need not be made."""
        mirror = self._spec.debian.mirror
        return layers.base_path(self._cache, self._packages(), mirror).exists()

    def layers(self, _say: Say) -> Sequence[Path]:
        """The layers under a new node, uppermost first; waits for them."""
        base = self._workshop.start("root file system", self._base)
        environment = self._workshop.start("OpenStack environment", self._environment)
        return [environment.result(), base.result()]

    def lent(self, say: Say) -> Path:
        """The services' environment where nodes see it that were made from another; waits."""
        self.layers(say)
        return layers.lend_environment(self._cache, self._release, say)

    def start_beside(self, parts: Iterable[str]) -> Sequence[Future[Path]]:
        """Start making environments beside that of the services."""
        return [
            self._workshop.start(f"{part} environment", partial(self._beside, part))
            for part in parts
        ]

    def start_options(self, known: KnownOptions) -> None:
        """Have the services asked for their options, once they are there, in the time left over."""

        def collect(say: Say) -> None:
            self._workshop.start("OpenStack environment", self._environment).result()
            known.collect(self.base, say)

        if not known.there:
            self._workshop.start("the services' options", collect, idle=True)

    def base(self) -> Path:
        """The layer with Debian; waits for it."""
        return self._workshop.start("root file system", self._base).result()

    def start_images(self, recipes: Iterable[str]) -> None:
        """Start working on these images, so that they are there when the cloud is."""
        for recipe in recipes:
            self._image(recipe)

    def built(self, recipe: str) -> BuiltImage:
        """The image that a recipe makes; waits for it."""
        return self._image(recipe).result()

    def _image(self, recipe: str) -> Future[BuiltImage]:
        if recipe == "tiny":
            return self._workshop.start(f"image {VERIFY}", self._tiny)
        work = self._debian if recipe == "debian" else partial(self._of_vendor, recipe)
        name = DEBIAN if recipe == "debian" else recipe
        # A whole system takes long: it has what the layers of the nodes leave over, which are put
        # together by one processor, and afterwards what the cloud's own start does.
        return self._workshop.start(f"image {name}", work, idle=True)

    def _base(self, say: Say) -> Path:
        return layers.build_base(self._cache, self._packages(), say, self._spec.debian.mirror)

    def _environment(self, say: Say) -> Path:
        if not self.complete:
            layers.prepare_environment(self._cache, self._release, say)
        base = self._workshop.start("root file system", self._base).result()
        return layers.build_environment(self._cache, self._release, base, say)

    def _beside(self, part: str, say: Say) -> Path:
        there = layers.environment_path(self._cache, self._release.beside(part))
        if there.is_dir():
            # No layer for new nodes is made just for this: the cloud may want other packages now.
            return there
        base = self._workshop.start("root file system", self._base).result()
        return layers.build_environment(self._cache, self._release.beside(part), base, say)

    def _tiny(self, say: Say) -> BuiltImage:
        return images.build_tiny(self._cache, say)

    def _debian(self, say: Say) -> BuiltImage:
        source = self._spec.images.debian.source
        if source == "build":
            return images.build_debian(self._cache, say)
        return images.fetch(source.url, source.sha512, self._cache, say)

    def _of_vendor(self, name: str, say: Say) -> BuiltImage:
        (wish,) = (image for image in self._spec.images.vendors if image.name == name)
        image = images.fetch(wish.url, wish.sha512, self._cache, say)
        told = {
            "os_distro": wish.distro,
            "os_version": wish.version,
            "image_original_user": wish.user,
            "image_description": f"{wish.name} as its vendor publishes it: {wish.url}",
            "replace_frequency": wish.replace,
            "uuid_validity": "last-3",
            **wish.properties,
        }
        return replace(image, properties={**image.properties, **told})
