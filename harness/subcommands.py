"""The commands of the command line, each with its flags and the function that runs it.

Flags come from ``host.config.options``. A command's implementation is imported when the command runs, so that
``harness --help`` needs neither Docker nor rich.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import harness as package
from harness.errors import ExitCode
from harness.host.config.command_line import split_at_dashes
from harness.host.config.options import OPTIONS, Config, Option
from harness.host.images.debian import SUITES


def configure(given: Mapping[str, Any], *, need_settings: bool = True) -> Config:
    """The configuration of this process, with the parameters that click parsed. Raises as ``config.load`` does."""
    from harness.host.config.load import load

    return load(given_flags(given), os.environ, Path.cwd(), need_settings=need_settings)


def configure_run(given: Mapping[str, Any]) -> Config:
    """The configuration of a run, with the place of its servers. Raises as ``config.load`` does."""
    config = configure(given)
    from harness.host.run.platforms import choice

    return choice.resolved(config)


def given_flags(given: Mapping[str, Any]) -> dict[str, Any]:
    """The click parameters that were given, by their keys."""
    return {key: value for key, value in given.items() if value not in (None, ())}


class _Command(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {option.key: option for option in OPTIONS}
        valued = {
            flag: options.get(param.name or "")
            for param in self.params
            if isinstance(param, click.Option) and not param.is_flag
            for flag in param.opts
        }
        words, after_dashes = split_at_dashes(args, valued)
        if self.name != "ci":
            return super().parse_args(ctx, [*words, *(["--", *after_dashes] if after_dashes else [])])
        ctx.params["pytest_args"] = tuple(after_dashes)
        return super().parse_args(ctx, words)


class _Group(click.Group):
    command_class = _Command

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of their definition, not of the alphabet."""
        return list(self.commands)


def _flags(command: str) -> list[click.Parameter]:
    """The flags of *command*. A flag that is not given arrives as ``None`` or ``()``."""
    return [_flag(option) for option in OPTIONS if option.flags and command in option.commands]


def _flag(option: Option) -> click.Option:
    if option.form.is_switch:
        return click.Option(
            [*option.flags, option.key], is_flag=True, flag_value=not option.is_negated, default=None, help=option.help
        )
    has_default = option.default is not None and option.default is not False and option.default != []
    return click.Option(
        [*option.flags, option.key],
        metavar=option.metavar,
        multiple=option.form.shape == "list",
        type=str,  # load() checks the values, those of files and variables too
        help=f"{option.help} [default: {option.default}]" if has_default else option.help,
        shell_complete=getattr(option.form.check, "shell_complete", None),
    )


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120}, name="harness"
)
@click.version_option(package.__version__, prog_name="harness", message="%(prog)s %(version)s")
def harness() -> None:
    """Runs a Django project's tests in parallel on real database servers in containers.

    Options can also be set in [tool.harness] of the project's pyproject.toml, and by HARNESS_* variables; flags win.
    """


@harness.command(params=_flags("ci"))
@click.argument("labels", nargs=-1, metavar="[LABEL]... [-- PYTEST OPTION...]")
@click.pass_obj
def ci(is_command: bool, /, **given: Any) -> int:
    """Run the suite, or the LABELs of it: dotted names, paths or ids of tests. Words after -- are options of pytest."""
    config = configure_run(given)
    from harness.host.planning.backends import backends_of

    if len(backends_of(config.db, config.django)) > 1:
        from harness.host.backends.fleet import run_several

        return run_several(config)
    from harness.host.run.session import run_ci

    return run_ci(config, is_command=is_command)


@harness.command(short_help="Show the servers and databases of a run.", params=_flags("plan"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def plan(as_json: bool, **given: Any) -> int:
    """Show the servers, the routes of aliases and the creation order of databases, without starting a server."""
    config = configure_run(given)
    from harness.host.run.session import show_plan

    return show_plan(config, as_json)


@harness.command(short_help="Start the servers of a project, and keep them.", params=_flags("up"))
@click.option("--migrate", is_flag=True, help="Run manage.py migrate on each database.")
@click.option(
    "--env", "as_exports", is_flag=True, help="Print the variables alone, as lines that a shell can evaluate."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
def up(migrate: bool, as_exports: bool, as_json: bool, **given: Any) -> int:
    """Start the servers of a project and keep them for work on this machine, each alias with a database of its own.

    Print the DATABASE_URL of each alias, and the command of its client. Servers that run already stay as they are.
    """
    config = configure_run(given)
    from harness.host.kept.up import run_up

    return run_up(config, as_json=as_json, as_exports=as_exports, migrate=migrate)


@harness.command(
    short_help="Open a shell on the servers of harness up.",
    params=_flags("shell"),
    context_settings={"allow_interspersed_args": False},
)
@click.option("--sql", metavar="ALIAS", help="Open the database's own client: psql, mysql or mariadb.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND [ARGUMENT]...]")
def shell(sql: str | None, command: tuple[str, ...], **given: Any) -> int:
    """Open Django's shell on the servers that harness up keeps, or run COMMAND: a shell such as bash, python manage.py migrate.

    The settings stay as they are; each Python that COMMAND starts finds the kept databases in DATABASES.
    """
    config = configure(given, need_settings=False)
    from harness.host.kept.shell import run_shell

    run_shell(config, command, sql)


@harness.command(short_help="End the servers that are kept for a project.", params=_flags("down"))
def down(**given: Any) -> int:
    """End the servers that harness up and harness ci --keepdb keep for a project, with all that is in their databases."""
    config = configure(given, need_settings=False)
    from harness.host.kept.down import run_down

    return run_down(config)


@harness.command(short_help="Merge the reports of several runs.", params=_flags("merge"))
@click.argument("folders", nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--expect",
    metavar="MATRIX",
    help="The output of harness matrix --json, or a file with it: a run that is missing is red.",
)
def merge(folders: tuple[str, ...], expect: str | None, **given: Any) -> int:
    """Merge the artifacts of runs on several backends, or of the parts of one suite, into one report.

    DIR is the artifacts folder of a run, or a folder with such folders in it.
    """
    config = configure(given, need_settings=False)
    from harness.host.backends.merge import run_merge

    return run_merge(config, folders, expect)


@harness.command(short_help="List the runs of every backend, Django and Python.", params=_flags("matrix"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a workflow's matrix, on one line.")
def matrix(as_json: bool, **given: Any) -> int:
    """List every backend of db with every version of django and python, for a workflow with one job for each."""
    from harness.host.planning import backends

    config = configure(given, need_settings=False)
    jobs = backends.matrix(config)
    for line in backends.left_out(config):
        print(line, file=sys.stderr)
    print(json.dumps(backends.matrix_document(jobs)) if as_json else "\n".join(map(str, jobs)))
    return ExitCode.GREEN


@harness.group(cls=_Group, invoke_without_command=True)
@click.pass_context
def images(context: click.Context) -> int | None:
    """Build, list, remove and prune the images that runs need. Without a command, list them."""
    return None if context.invoked_subcommand else context.invoke(images_list)


@images.command("build", params=_flags("images build"))
def images_build(**given: Any) -> int:
    """Build the missing images: those of the servers, of the runner, and of the runner with the project's dependencies."""
    config = configure(given, need_settings=False)
    from harness.host.images.commands import build_images

    return build_images(config)


@images.command("base")
@click.argument("suites", nargs=-1, metavar="[SUITE]...", type=click.Choice(SUITES))
@click.option("--mirror", metavar="URL", help="Debian mirror. Without it, the mirror of this machine's apt.")
@click.option("--no-check-valid-until", is_flag=True, help="Accept a suite whose Release file has expired.")
def images_base(suites: tuple[str, ...], mirror: str | None, no_check_valid_until: bool) -> int:
    """Make a base image of each Debian SUITE (default: trixie) from Debian's packages, where no registry can be reached.

    Needs root on Debian or Ubuntu.
    """
    from harness.host.images.commands import make_bases

    return make_bases(suites, mirror, check_valid_until=not no_check_valid_until)


@images.command("list")
def images_list() -> int:
    """List the images that the harness has made: what they are, their last use, their size and their project."""
    from harness.host.retention.stored_images import list_images

    return list_images()


@images.command("remove")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
def images_remove(tags: tuple[str, ...]) -> int:
    """Remove the images TAG, or every image that the harness has made."""
    from harness.host.retention.stored_images import remove_images

    return remove_images(tags)


@images.command("prune", short_help="Remove the images that no run has used for some time.")
@click.option(
    "--older-than", metavar="AGE", default="14d", help="Least time since the last use: 12h, 14d, 2w. [default: 14d]"
)
@click.option("--project", metavar="DIR", help="Only images of the project in this folder.")
@click.option("--gone", is_flag=True, help="Also images of projects whose folder does not exist any more, of any age.")
@click.option("--all", "everything", is_flag=True, help="Also images of servers, runners and bases.")
@click.option("--dry-run", is_flag=True, help="Name the images and remove none.")
def images_prune(older_than: str, project: str | None, gone: bool, everything: bool, dry_run: bool) -> int:
    """Remove the images of projects that no run has used for some time. An image in use stays."""
    from harness.host.retention.policy import Selection, duration_s
    from harness.host.retention.stored_images import prune_images

    folder = os.path.normpath(Path.cwd() / project) if project else ""
    selection = Selection(duration_s(older_than), folder, has_abandoned=gone, is_everything=everything)
    return prune_images(selection, is_dry_run=dry_run)


@harness.command(short_help="Write the configuration of a project.", params=_flags("init"))
@click.option("--print", "only_print", is_flag=True, help="Print the configuration and write nothing.")
@click.option("--workflow", is_flag=True, help="Write .github/workflows/harness.yml too.")
@click.option("--force", is_flag=True, help="Replace a configuration and a workflow that are there.")
def init(only_print: bool, workflow: bool, force: bool, **given: Any) -> int:
    """Find the configuration of a project in its own files, and write it as [tool.harness] into pyproject.toml.

    Each key gets a comment with the file that says it; a key whose default fits is left out. Runs nothing of the project.
    """
    config = configure(given, need_settings=False)
    from harness.host.init.table import run_init

    return run_init(config.project, only_print=only_print, workflow=workflow, force=force)


@harness.command(short_help="List, await or remove the cached test databases.")
@click.option("--wait", is_flag=True, help="Wait until no run's databases are being saved any more.")
@click.option("--clear", is_flag=True, help="Remove all cached databases.")
def cache(wait: bool, clear: bool) -> int:
    """List the migrated test databases that runs have cached, and those that are being saved now.

    A run saves its databases in a process of its own, which goes on for some seconds after the run. HARNESS_CACHE names the
    folder of the cache; without it, that is django-ci-harness in the folder of the user's caches.
    """
    from harness.host.saving.commands import run_cache

    return run_cache(os.environ, wait=wait, clear=clear)


@harness.command(short_help="Report what is missing on this machine.")
@click.option("--remove", is_flag=True, help="Remove the containers and networks that killed runs left behind.")
@click.option(
    "--remove-kept", is_flag=True, help="End the servers that harness up and --keepdb keep, of every project."
)
def doctor(remove: bool, remove_kept: bool) -> int:
    """Report what is missing on this machine, with the command that installs it, the remains of killed runs, kept servers."""
    from harness.host.doctor import run_doctor

    return run_doctor(os.environ, remove=remove, remove_kept=remove_kept)
