"""The engine broken in one place at a time: the exploration finds each, so its assertions are able to fail.

Some of these are what it found when the engine still had it.
"""

from explorer import Stuck
from scenarios import explore

from pypipeline_engine.core.lending import Loan
from pypipeline_engine.core.monitor import Interrupted, Monitor
from pypipeline_engine.core.sequencer import Sequencer
from pypipeline_engine.core.turn import Turn
from pypipeline_engine.runtime.deployment import Deployment
from pypipeline_engine.runtime.stage import Stage
from pypipeline_engine.runtime.worker import Worker

MOST_SEEDS = 600


def find(*scenarios: str, lines: bool = False) -> BaseException:
    """The first thing that goes wrong in these scenarios, which take turns. What is rare in one is less so in several."""
    for seed in range(MOST_SEEDS):
        for scenario in scenarios:
            try:
                explore(scenario, seed, lines)
            except (Exception, Stuck) as error:
                return error
    raise AssertionError(f"nothing was found by {MOST_SEEDS} seeds of {' and '.join(scenarios)}")


def test_results_out_of_order_are_found(monkeypatch):
    def finish_at_once(self, ticket, result):
        self.ended = self.ended or not isinstance(result, list)
        self.head = max(self.head, ticket + 1)
        self.ready.append(result)
        return True

    monkeypatch.setattr(Sequencer, "finish", finish_at_once)
    find("chain/calm")


def test_a_waker_that_forgets_is_found(monkeypatch):
    wake_first = Monitor.wake_first
    monkeypatch.setattr(Monitor, "wake_first", lambda self, queue: len(queue) > 1 and wake_first(self, queue))
    find("round/calm")


def test_a_sleeper_that_does_not_look_again_is_found(monkeypatch):
    wait = Monitor.wait

    def wait_at_once(self, queue, reason, unless=None, *args, **options):
        return wait(self, queue, reason, None, *args, **options)

    monkeypatch.setattr(Monitor, "wait", wait_at_once)
    find("narrow/calm", lines=True)


def test_a_cell_in_two_threads_is_found(monkeypatch):
    def take(self, unless=None):
        return unless is None or not unless()

    monkeypatch.setattr(Turn, "take", take)
    monkeypatch.setattr(Turn, "give", lambda self: None)
    find("round/calm")


def test_a_clone_that_drops_its_item_when_it_goes_away_is_found(monkeypatch):
    retire = Stage.retire_youngest

    def retire_at_once(self):
        worker = retire(self)
        process = worker.scope.process

        def drop(values):
            process(values)
            raise Interrupted

        worker.scope.process = drop
        return worker

    monkeypatch.setattr(Stage, "retire_youngest", retire_at_once)
    find("chain/scale")


def test_results_that_outlive_a_reset_are_found(monkeypatch):
    def reset(self):
        self.opened = self.head = 0
        self.ended = False

    monkeypatch.setattr(Sequencer, "reset", reset)
    find("chain/reset")


def test_an_interruption_that_wakes_nobody_is_found(monkeypatch):
    def interrupt(self, for_good=False):
        with self.lock:
            self.interrupted = True
            self.closed = self.closed or for_good

    monkeypatch.setattr(Monitor, "interrupt", interrupt)
    find("chain/undeploy")


def test_threads_that_go_on_after_the_undeployment_are_found(monkeypatch):
    monkeypatch.setattr(Monitor, "wait_until_quiet", lambda self: None)
    monkeypatch.setattr(Stage, "join", lambda self: None)
    assert "undeployed while it runs" in str(find("chain/undeploy"))


def test_a_reset_that_does_not_wait_where_an_undeployment_interrupts_it_is_found(monkeypatch):
    def wait_once(self):
        with self.lock:
            self.revoke_locked()
            if self._awake > 1:
                self.wait(self._quiet, lambda: "all cells to come to rest", through_interruption=True)

    monkeypatch.setattr(Monitor, "wait_until_quiet", wait_once)
    find("nested/torn")


def test_an_undeployment_that_looks_like_a_deadlock_is_found(monkeypatch):
    def interrupt(self):
        for stage in self.crew.get_stages():
            stage.close()
        for scope in self.crew.get_scopes():
            scope.interrupt()
        self.monitor.interrupt(for_good=True)

    monkeypatch.setattr(Deployment, "interrupt", interrupt)
    assert "Deadlock" in repr(find("shared/undeploy"))


def test_a_lent_clone_whose_own_thread_runs_it_too_is_found(monkeypatch):
    monkeypatch.setattr(Worker, "is_lent", property(lambda self: False, lambda self, value: None), raising=False)
    find("shared/calm", "nested/run", "row/calm")


def test_a_borrower_that_does_not_look_whether_it_has_lost_the_clone_is_found(monkeypatch):
    monkeypatch.setattr(Loan, "revoked", property(lambda self: False, lambda self, value: None))
    find("chain/scale")
