"""The choice of pip's wheel for a Python that brings none; ``ci/check_bare_machine.py`` runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ci import bring_pip

ADDRESS = "https://index.example/simple/pip/"
DIGEST = "0" * 64


def link(name: str, attributes: str = "") -> str:
    return f'<a href="../../files/{name}#sha256={DIGEST}" {attributes}>{name}</a>'


def version(*links: str, python: tuple[int, int] = (3, 11)) -> tuple[int, ...] | None:
    found = bring_pip.newest("<html>" + "".join(links), ADDRESS, python)
    return found.version if found else None


class TestChoice:
    def test_the_newest_number_counts(self) -> None:
        assert version(link("pip-9.0-py3-none-any.whl"), link("pip-25.1.1-py3-none-any.whl")) == (25, 1, 1)

    def test_the_address_is_relative_to_the_page(self) -> None:
        found = bring_pip.newest(link("pip-25.1-py3-none-any.whl"), ADDRESS, (3, 11))
        assert found is not None
        assert found.url == f"https://index.example/files/pip-25.1-py3-none-any.whl#sha256={DIGEST}"
        assert found.sha256 == DIGEST

    @pytest.mark.parametrize(
        "unusable",
        [
            link("pip-26.0-py3-none-any.whl", 'data-requires-python="&gt;=3.12"'),
            link("pip-26.0-py3-none-any.whl", "data-yanked"),
            link("pip-26.0.tar.gz"),
            link("pip-26.0b1-py3-none-any.whl"),
            '<a href="pip-26.0-py3-none-any.whl">without a digest</a>',
        ],
    )
    def test_what_cannot_be_used_is_passed_over(self, unusable: str) -> None:
        assert version(unusable, link("pip-25.1-py3-none-any.whl", 'data-requires-python="&gt;=3.9"')) == (25, 1)
        assert version(unusable) is None


class TestSettings:
    def test_a_variable_is_stronger_than_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "pip").mkdir()
        (tmp_path / "pip" / "pip.conf").write_text("[global]\nindex-url = https://a.example/simple\ncert = /a.pem\n")
        environ = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PIP_CERT": "/b.pem"}
        found = bring_pip.settings(environ)
        assert (found["index-url"], found["cert"]) == ("https://a.example/simple", "/b.pem")
