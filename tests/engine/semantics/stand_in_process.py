"""In place of another process: gives back what it is given, and dies at one value, always at the same moment."""

import threading

from pypipeline_engine.runtime.remote import clone, cluster
from pypipeline_engine.runtime.remote.messages import Done, Work
from pypipeline_engine.runtime.remote.travel import get_parameters, get_values


class Process:
    """Works on calls when they begin, and dies at the value `killer`; what is not told by then is lost with it."""

    lives = 0
    shares_memory = False
    share_bytes = 2**30
    killer = None
    just_before = None
    """A value that is not told before the process dies for the first time."""

    def __init__(self, stage):
        self.stage = stage
        self.sent = get_values(get_parameters(stage.cell))
        self.has_met_the_killer = threading.Event()
        self.is_dead = False
        type(self).lives += 1

    @staticmethod
    def await_place(clones):
        pass

    def is_ready(self, timeout_s):
        return True

    def renew(self):
        self.is_dead = False
        type(self).lives += 1

    def begin(self, work: Work):
        values = [values[0] for values in work.items]
        if self.killer in values:
            self.is_dead = True
            self.has_met_the_killer.set()
        return self.lives, values

    def finish(self, begun):
        life, values = begun
        if self.just_before in values and life == 1:
            assert self.has_met_the_killer.wait(10)
        if self.is_dead or life != self.lives:
            raise clone.Died("of an item")
        return Done([[value] for value in values], {}, (), 0.01 * len(values))

    def deploy(self):
        pass

    def begin_undeploy(self, failed):
        pass

    def finish_undeploy(self):
        pass

    def kill(self):
        pass


def without_processes(monkeypatch, killer=None, just_before=None):
    """Have clones by Ray live in no other process."""

    class Own(Process):
        pass

    Own.killer, Own.just_before = killer, just_before
    monkeypatch.setattr(clone, "RemoteClone", Own)
    monkeypatch.setattr(cluster, "ensure", lambda: None)
    monkeypatch.setattr(cluster, "start_in_background", lambda: None)
