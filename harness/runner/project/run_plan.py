"""Runs a plan in workers on clones of the test databases, whichever framework has made it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...protocol.events import DatabasesReady
from ..databases import clones
from ..failures import own_work, project_root
from ..lag_check.second_run import LagCheck
from ..processes.children import StopFlag
from ..replication.catch_up import check_replicas
from ..replication.selection import advise
from ..schedule.schedule import Schedule
from ..schedule.slots import NO_FAILURE_LIMIT, FailureLimit, Limits, Retries
from ..schedule.units import Plan
from ..text import listed
from ..workers.coordinator import Coordinator, Listener, Tally
from ..workers.worker import UnitRunner, Worker, WorkerContext
from .session import Session

NAMED = 3
"""Classes that the notice on split ones names."""


def run_plan(
    session: Session,
    plan: Plan,
    made: Sequence[clones.TestDatabase],
    *,
    limits: Limits,
    make_unit_runner: Callable[[Worker], UnitRunner],
    init_worker: Callable[[int], None] | None = None,
    retries: Retries | None = None,
    failure_limit: FailureLimit = NO_FAILURE_LIMIT,
    listener: Listener | None = None,
) -> Tally:
    """Run every test of *plan* on clones of the databases *made*, and record the outcomes in *session*.

    Without *retries* they are those of the specification. Raises as ``Coordinator.run`` does.
    """
    session.messages.check()  # the project's code may have caught the host's stop
    clones.close_connections()
    workers, spec = session.workers_for(plan), session.spec
    with own_work(session.messages.check):  # where the host is gone, nothing can be written
        session.journal.write(DatabasesReady(tuple(clones.clone_names(each, workers) for each in made)))
        context = WorkerContext(
            plan=plan,
            test_databases=tuple(made),
            mirror_pairs=_mirrors(session, made),
            replica_servers=session.replica_servers,
            in_memory=session.overlay.in_memory,
            mirror_mode=spec.mirrors,
            root=project_root(),
            workdir=session.workdir,
            statement_log=session.statement_log,
            init_worker=init_worker,
            make_unit_runner=make_unit_runner,
            stop_flag=StopFlag(),
            retries=retries or Retries(spec.retries),
            is_failfast=failure_limit.maxfail == 1,
            check_isolation=spec.check_isolation,
            slots_with_clones=session.seeding.take_clones(),
            lag=spec.lag,
            are_readers_sent=spec.lag_check_s > 0,
            servers=session.servers,
        )
        _prepare(session, context, workers)
        schedule = _schedule(plan, context, spec.repeat, workers, limits, failure_limit)
        return _run(session, context, schedule, limits, listener)


def _run(
    session: Session, context: WorkerContext, schedule: Schedule, limits: Limits, listener: Listener | None
) -> Tally:
    tally = Coordinator(context, schedule, session.journal, session.messages, listener).run()
    _settle(session, context, tally)
    _check_lag(session, context, tally, len(schedule.slots), limits)
    return tally


def _mirrors(session: Session, made: Sequence[clones.TestDatabase]) -> dict[str, str]:
    return session.mirrors_of({alias for each in made for alias in (each.alias, *each.shared_by)})


def _prepare(session: Session, context: WorkerContext, workers: int) -> None:
    """Give advice on the tests, and read the templates once, where slots 1 to *workers* have no clones yet, instead of in each
    worker.
    """
    for advice in advise(session.topology, context.mirror_pairs, context.plan.instances):
        session.journal.write(advice)
    if not context.slots_with_clones.issuperset(range(1, workers + 1)):
        context.schemas.update(clones.read_schemas(context.test_databases))


def _check_lag(session: Session, context: WorkerContext, tally: Tally, workers: int, limits: Limits) -> None:
    """Look for reads that miss a write, if that is wanted and the run was not ended early."""
    if not session.spec.lag_check_s:
        return
    if context.stop_flag.is_set(0):
        session.journal.notice("lag-unchecked", "The run ended early: no test ran again with late replicas.")
        return
    check = LagCheck(context, limits, workers, session.journal, session.messages, session.spec.lag_check_s)
    check.run(tally.readers)


def _settle(session: Session, context: WorkerContext, tally: Tally) -> None:
    """Check the replicas, and record the outcomes in *session*."""
    check_replicas(context.mirror_pairs, session.replicas)
    plan = context.plan
    if text := split_notice(plan, tally):
        session.journal.notice("split-class", text)
    session.red += len(tally.red)
    session.planned.update((test.id, True) for test in plan.tests)


def split_notice(plan: Plan, tally: Tally) -> str:
    """The notice about red tests of classes that ran in parts; empty if there are none."""
    red = {each.partition(" ")[2] for each in tally.red}
    names = [unit.name for unit in plan.units if unit.is_part and any(plan.tests[n].id in red for n in unit.tests)]
    if not names:
        return ""
    return (
        f"Tests failed in {listed(list(dict.fromkeys(names)), NAMED)}, which ran in parts. If they rely on earlier tests of their"
        " class, decorate it with harness.testing.whole. The next run does not split it."
    )


def _schedule(
    plan: Plan, context: WorkerContext, repeat: int, workers: int, limits: Limits, failure_limit: FailureLimit
) -> Schedule:
    return Schedule(
        plan.units,
        [test.id for test in plan.tests],
        workers,
        limits=limits,
        retries=context.retries,
        repeat=repeat,
        failure_limit=failure_limit,
        last_fixtures=plan.last_fixtures,
    )
