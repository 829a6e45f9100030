"""The servers that a run wants, step by step as it learns of its plan and its seed; and those that go on when these change."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from harness.host.config.databases import DbSpec
from harness.host.planning.plan import PlannedServer, ServerPlan, make_plan
from harness.host.planning.start_state import State, Step, Target, unchanged
from harness.host.platform import Seed, ServerSpec
from harness.host.seeds.decision import Parts
from harness.host.seeds.seed import Manifest, StoredSeed
from harness.protocol.topology import Alias, TestOptions, Topology


def alias(name: str, mirror: str | None = None) -> Alias:
    return Alias(
        name, "django.db.backends.mysql", "mysql", "shop", name, "", "u", f"test_{name}", TestOptions(mirror=mirror)
    )


def plan(*aliases: Alias, db: str = "mysql") -> ServerPlan:
    return make_plan(Topology(aliases), (DbSpec(db),))


def parts(digest: str) -> Parts:
    manifest = Manifest(digest, "base", (), 2, "default", ("default",), "", "", 9)
    return {"default": StoredSeed(manifest, Path("/nowhere"), digest, 10, 0.0)}


ONE = plan(alias("default"))
PAIR = plan(alias("default"), alias("replica", "default"))
plans = st.sampled_from([ONE, PAIR, plan(alias("default"), alias("other")), plan(alias("default"), db="mariadb")])
seeds = st.sampled_from([{}, parts("a"), parts("b")])


class Run:
    """A run whose servers start as the state says, and never do from the seeds *broken*."""

    def __init__(self, *, has_cache: bool, broken: frozenset[str] = frozenset()) -> None:
        self.state = State(has_cache)
        self.broken = broken
        self.starts: list[Target] = []
        self.reported: list[Target] = []

    def act(self) -> None:
        """Do what is to be done until it is a wait."""
        while (step := self.state.step) is not Step.WAIT:
            target = self.state.target
            assert target is not None
            if step is Step.REPORT:
                assert self.state.started is not None
                self.reported.append(self.state.started)
                self.state = replace(self.state, is_reported=True)
            elif self.broken & {part.digest for part in target.parts.values()}:
                self.state = self.state.with_started(None).refused(target)
            else:
                self.starts.append(target)
                self.state = self.state.with_started(None).with_started(target)


class TestState:
    @given(plans, seeds, plans, seeds, st.lists(st.booleans(), min_size=3, max_size=3), st.sets(st.sampled_from("ab")))
    def test_the_runner_hears_once_of_the_servers_it_wants(
        self, guess: ServerPlan, guessed: Parts, own: ServerPlan, wanted: Parts, acts: list[bool], broken: set[str]
    ) -> None:
        """Whether a start comes between two events or not: the guess only costs or saves starts."""
        run = Run(has_cache=True, broken=frozenset(broken))
        changes: list[Callable[[State], State]] = [
            lambda state: state.remembered(guess, guessed),
            lambda state: state.planned(own),
            lambda state: state.answered(wanted),
        ]
        for change, is_acting in zip(changes, acts, strict=True):
            assert run.reported == []
            run.state = change(run.state)
            if is_acting:
                run.act()
        run.act()
        fine = {} if broken & {part.digest for part in wanted.values()} else wanted
        (reported,) = run.reported
        assert Target(own, fine).fits(reported)
        assert len(run.starts) <= 3
        for before, after in itertools.pairwise(run.starts):
            assert broken or not after.fits(before)

    @given(plans, seeds)
    def test_a_right_guess_is_the_only_start(self, own: ServerPlan, wanted: Parts) -> None:
        run = Run(has_cache=True)
        run.state = run.state.remembered(own, wanted)
        run.act()
        run.state = run.state.planned(replace(own, notices=()))
        run.act()
        run.state = run.state.answered(wanted)
        run.act()
        assert len(run.starts) == len(run.reported) == 1

    @given(plans, seeds, plans)
    def test_a_guess_that_comes_late_is_none(self, guess: ServerPlan, guessed: Parts, own: ServerPlan) -> None:
        state = State(has_cache=True).planned(own)
        assert state.remembered(guess, guessed) == state

    @given(plans)
    def test_without_a_cache_the_plan_is_enough(self, own: ServerPlan) -> None:
        run = Run(has_cache=False)
        run.state = run.state.planned(own)
        run.act()
        assert len(run.starts) == len(run.reported) == 1

    def test_aliases_on_a_server_start_nothing(self) -> None:
        shared = replace(ONE, servers=(replace(ONE.servers[0], aliases=("default", "more")),))
        run = Run(has_cache=False)
        for each in (ONE, shared):
            run.state = run.state.planned(each)
            run.act()
        assert len(run.starts) == 1

    @given(plans, seeds)
    def test_nothing_starts_in_a_run_that_is_over(self, own: ServerPlan, wanted: Parts) -> None:
        state = replace(State(has_cache=True), is_over=True)
        for each in (state.remembered(own, wanted), state.planned(own), state.planned(own).answered(wanted)):
            assert each.step is Step.WAIT

    def test_a_refusal_of_an_old_target_changes_nothing(self) -> None:
        state = State(has_cache=True).planned(ONE).answered(parts("b"))
        assert state.refused(Target(ONE, parts("a"))) == state
        assert state.refused(Target(ONE, parts("b"))).target == Target(ONE)


SERVERS = (*PAIR.servers, replace(PAIR.servers[0], id="other"), replace(PAIR.servers[1], id="second"))
"""A primary with two replicas, and another primary."""


def spec(server: PlannedServer, users: str, digest: str, memory: int) -> ServerSpec:
    seed = Seed(digest, 1, lambda: iter(())) if digest else None
    return ServerSpec(
        "run", server.id, server.role, "mysql", server.version, 3306, {"USERS": users}, False, memory, True, seed
    )


kinds = st.tuples(st.sampled_from("uv"), st.sampled_from(["", "a", "b"]), st.sampled_from([0, 1]))


def of(each: dict[str, tuple[str, str, int]]) -> dict[str, ServerSpec]:
    return {server.id: spec(server, *each[server.id]) for server in SERVERS if server.id in each}


class TestUnchanged:
    @given(*2 * [st.dictionaries(st.sampled_from([server.id for server in SERVERS]), kinds)])
    def test_only_and_all_the_same_go_on(
        self, running: dict[str, tuple[str, str, int]], wanted: dict[str, tuple[str, str, int]]
    ) -> None:
        wanted |= {server.primary: ("u", "", 0) for server in SERVERS if server.id in wanted and server.primary}
        servers = sorted((server for server in SERVERS if server.id in wanted), key=lambda server: server.role)
        kept = unchanged(servers, of(wanted), of(running))
        assert kept <= running.keys() & wanted.keys()
        for server in servers:
            is_same = running.get(server.id) == wanted[server.id]
            assert (server.id in kept) == (is_same and (server.primary is None or server.primary in kept))

    def test_what_restarts(self) -> None:
        plain = of({server.id: ("u", "", 0) for server in SERVERS})
        names = {server.id for server in SERVERS}
        primaries_first = sorted(SERVERS, key=lambda server: server.role)

        def kept(**changed: tuple[str, str, int]) -> set[str]:
            return set(unchanged(primaries_first, plain | of(changed), plain))

        assert kept() == names
        assert kept(default=("v", "", 0)) == {"other"}, "the replicas follow their primary"
        assert kept(default=("u", "a", 0)) == {"other"}
        assert kept(replica=("u", "", 1)) == names - {"replica"}
        alone = unchanged(PAIR.servers[:1], plain, {"default": plain["default"]})
        added = unchanged(PAIR.servers, plain, {"default": plain["default"]})
        assert alone == added == {"default"}, "a replica that is new leaves its primary as it is"
