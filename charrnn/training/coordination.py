"""Coordination of the processes of a training: all of them stop, save and change the plan at the same step.

A stop can be requested by a signal to any process. Rank 0 decides by its clock when the run is saved, and how many
steps a time budget allows. The all-reduce of the gradients tells all processes whether any of them has a request; if
so, they exchange their requests after the step and act on the same decision. During evaluations, they exchange them
at every safe point. All other decisions follow from numbers that are equal in all processes.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import NamedTuple, Protocol

from charrnn.training.data_parallel import GradientReducer
from charrnn.training.events import Evaluation, Event, Result, SafePoint, Step
from charrnn.training.trainer import Trainer


class StopRequests(Protocol):
    """The requests to stop that this process received."""

    requested: int
    """number of the requested stop signal; 0: none"""

    def stop(self, number: int) -> None:
        """Stop by a signal on which all processes agree."""


class Decision(NamedTuple):
    """What all processes do after a step: the maximum over the requests of the processes."""

    stop: float = 0
    """number of a stop signal; 0: continue"""
    save: float = 0
    """1: save the run"""
    steps: float = 0
    """number of steps to plan; 0: the plan stays"""


class Coordinator:
    """The exchange of requests among the processes of a training."""

    def __init__(self, trainer: Trainer, stop_requests: StopRequests) -> None:
        self._trainer, self._stop_requests = trainer, stop_requests
        self._requested_steps = 0
        self.save_is_due: Callable[[], bool] = lambda: False
        """whether this process requests a save"""
        self.saves_now = False
        """whether all processes save the run after the current event"""

    def request_steps(self, steps: int) -> None:
        """Request another number of steps for the plan."""
        self._requested_steps = steps

    def decide_after(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass events through, and decide after each event that occurs in all processes."""
        reducer = self._trainer.reducer
        assert reducer is not None, "a training by several processes reduces gradients"
        self._set_request(reducer)
        for event in events:
            self.saves_now = False
            # While steps are queued on a GPU, their number of requests is not read.
            is_requested = isinstance(event, Step) and event.nats is not None and reducer.any_request()
            if is_requested or isinstance(event, Evaluation):
                self.saves_now = self._decide(may_save=True)
            elif isinstance(event, SafePoint):
                self._decide(may_save=False)
            yield event
            self._set_request(reducer)

    def _set_request(self, reducer: GradientReducer) -> None:
        """Tell the next step whether this process has a request."""
        has_request = self._stop_requests.requested or self._requested_steps or self.save_is_due()
        reducer.set_request(bool(has_request))

    def decide_within(self, generator: Generator[SafePoint, None, Result]) -> Generator[SafePoint, None, Result]:
        """Run a generator, with a decision at each of its safe points."""
        with closing(generator):
            while True:
                try:
                    point = next(generator)
                except StopIteration as done:
                    return done.value  # type: ignore[no-any-return]  # a generator's value is untyped
                self._decide(may_save=False)
                yield point

    def _decide(self, *, may_save: bool) -> bool:
        """Exchange the requests and act on the decision; return whether the run is to be saved."""
        requests = Decision(
            stop=self._stop_requests.requested, save=may_save and self.save_is_due(), steps=self._requested_steps
        )
        self._requested_steps = 0
        decision = Decision(*self._trainer.group.max(requests))
        if decision.steps:
            self._trainer.progress.change_steps(int(decision.steps))
        if decision.stop:
            self._stop_requests.stop(int(decision.stop))
        return bool(decision.save)
