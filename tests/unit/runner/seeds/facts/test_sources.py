import pytest

from harness.runner.seeds.facts.sources import scan


def imports(text: str, package: str = "shop.migrations") -> set[str]:
    return set(scan(text.encode(), package).imports)


class TestImports:
    def test_each_name_may_be_a_module(self) -> None:
        found = imports("import a.b as c, d\nfrom e.f import (\n    g,  # why\n    h as i,\n)\n")
        assert {"a.b", "d", "e.f", "e.f.g", "e.f.h"} <= found

    def test_relative_ones_begin_at_the_package(self) -> None:
        assert {"shop.migrations.x", "shop.y", "shop"} <= imports("from . import x\nfrom .. import y\n")
        assert "shop.fields.Money" in imports("from ..fields import Money")
        assert imports("from .... import far") == set()

    def test_those_in_functions_and_behind_a_backslash_count(self) -> None:
        assert {"a", "b.c"} <= imports("def f():\n    import a\n    from b import \\\n        c\n")

    def test_modules_named_by_a_text_count_where_modules_are_loaded(self) -> None:
        assert "shop.helpers" in imports("import_module('shop.helpers')")
        assert "shop.helpers" not in imports("x = 'shop.helpers'")


class TestSettings:
    @pytest.mark.parametrize(
        "text",
        [
            "from django.conf import settings\nx = settings.NAME",
            "from django.conf import settings\nx = getattr(settings, 'NAME', 3)\nhasattr(settings, \"OTHER\")",
            "from django.conf import settings as s\nx = s.NAME",
            "# settings may be read\nfrom django.conf import settings",
            '"""The settings of a shop."""\nfrom django.conf import settings\nx = settings.NAME',
            "import django.conf\nx = django.conf.settings.NAME",
            "from shop import settings\nprint(vars(settings))",
        ],
    )
    def test_a_name_that_is_spelled_out_is_seen(self, text: str) -> None:
        assert not scan(text.encode(), "shop").reads_settings

    @pytest.mark.parametrize(
        "text",
        [
            "from django.conf import settings\nx = getattr(settings, name)",
            "from django.conf import settings\nf(settings)",
            "from django.conf import settings as s\nx = vars(s)",
            "from django import conf\nx = getattr(conf.settings, name)",
            "from django.conf import settings\nx = settings.lower_case",
        ],
    )
    def test_any_other_use_may_read_all(self, text: str) -> None:
        assert scan(text.encode(), "shop").reads_settings

    def test_an_installed_package_reads_none_by_a_variable(self) -> None:
        assert not scan(b"from django.conf import settings\nf(settings)", "shop", is_own=False).reads_settings

    def test_a_random_key_counts_where_the_project_names_it(self) -> None:
        assert "SECRET_KEY" in scan(b"settings.SECRET_KEY", "shop").names
        assert scan(b"settings.SECRET_KEY, settings.SITE_ID", "shop", is_own=False).names == {"SITE_ID"}

    def test_names_in_capitals_are_candidates(self) -> None:
        assert {"NAME", "A_1"} <= scan(b"x = settings.NAME; y = 'A_1'; Other", "shop").names


class TestEnvironment:
    @pytest.mark.parametrize(
        "text",
        [
            "os.environ['A']",
            'os.environ.get("A", 3)',
            "os.getenv('A')",
            "'A' in os.environ",
            "import environ\nenv = environ.Env()\nenv('A')",
        ],
    )
    def test_a_variable_that_is_spelled_out_is_seen(self, text: str) -> None:
        source = scan(text.encode(), "shop")
        assert "A" in source.variables
        assert not source.reads_environment

    @pytest.mark.parametrize("text", ["os.environ[name]", "os.environ.items()", "getenv(name)", "dict(os.environ)"])
    def test_any_other_use_may_read_all(self, text: str) -> None:
        assert scan(text.encode(), "shop").reads_environment


class TestOthers:
    def test_a_file_that_reads_files_has_its_texts(self) -> None:
        source = scan(b"open(BASE / 'data' / 'items.csv')", "shop")
        assert source.reads_files
        assert {"data", "items.csv"} <= source.literals
        assert not scan(b"x = 'items.csv'", "shop").literals

    @pytest.mark.parametrize("text", ["import_module(name)", "exec(text)", "__import__(f'{a}.b')"])
    def test_a_module_by_a_variable_is_noted(self, text: str) -> None:
        assert scan(text.encode(), "shop").loads_modules

    def test_packages_that_reach_outside_are_noted(self) -> None:
        assert scan(b"import requests", "shop").outside == "requests"
        assert scan(b"    from urllib.request import urlopen", "shop").outside == "urllib.request"
        assert scan(b"from shop import requests", "shop").outside == ""

    def test_a_migration_that_says_its_place_is_noted(self) -> None:
        assert scan(b"    run_before = [('a', '0001')]", "shop").is_placed
        assert not scan(b"    dependencies = []", "shop").is_placed
