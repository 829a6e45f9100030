import io
import tarfile

import pytest

from harness.host.digest import digest_of
from harness.host.images import recipe
from harness.host.images.recipe import Recipe


def _members(context: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(context)) as tar:
        return {member.name: member for member in tar}


def test_each_recipe_of_the_checkout_is_found() -> None:
    assert [name for name, _ in recipe.load("runner").files] == ["Dockerfile"]
    assert [name for name, _ in recipe.load("base").files] == ["debootstrap"]


@pytest.mark.parametrize("engine", ["postgres", "mysql", "mariadb"])
def test_servers_share_the_entry_script_and_the_seed(engine: str) -> None:
    files = dict(recipe.load(engine).files)
    for name in ("entry.sh", "server.Dockerfile"):
        assert files[name] == (recipe.folder(engine).parent / name).read_bytes()
    assert "debian.Dockerfile" in files


def test_an_unknown_recipe_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        recipe.load("oracle")


def test_the_digest_follows_names_and_contents() -> None:
    one = Recipe("x", (("Dockerfile", b"FROM a"), ("seed.sh", b"b")))
    assert one.digest == Recipe("y", one.files).digest
    assert one.digest != Recipe("x", (("Dockerfile", b"FROM a"), ("seed.sh", b"c"))).digest
    assert one.digest != Recipe("x", (("Dockerfile", b"FROM a"), ("feed.sh", b"b"))).digest


def test_parts_of_a_digest_do_not_run_together() -> None:
    assert digest_of([b"ab", b"c"]) != digest_of([b"a", b"bc"])
    assert digest_of([b"a", b""]) != digest_of([b"a"])


def test_the_context_does_not_depend_on_the_checkout() -> None:
    made = Recipe("x", (("Dockerfile", b"FROM a"), ("seed.sh", b"#!/bin/sh\n")))
    assert made.context() == made.context()
    members = _members(made.context())
    assert members["Dockerfile"].mode == 0o644
    assert members["seed.sh"].mode == 0o755
    assert {member.mtime for member in members.values()} == {0}
