"""Conversations as a function of the cells: each cell owns its turns, and running it again rewrites them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from nbkit.recorded import Origin, Outcome
from nbkit.types import Message, Request


@dataclass(frozen=True, slots=True)
class Turn:
    """What was said and heard in one place of a conversation."""

    user: str
    assistant: str


@dataclass(slots=True)
class _Thread:
    turns: dict[str, Turn | None] = field(default_factory=dict)
    """By place, in the order in which the places first spoke; None where the last try came to nothing."""
    runs: dict[str, tuple[int | None, int]] = field(default_factory=dict)
    """Of each cell, the execution it was last seen in, and how many calls it has made in that."""


class Threads:
    """The conversations of a session, by name.

    >>> threads = Threads()
    >>> one, two = (threads.place("t", Origin(cell_id=cell)) for cell in ("one", "two"))
    >>> threads.write("t", one, Turn("hi", "hello"))
    >>> threads.before("t", two)
    (Message(role='user', content='hi'), Message(role='assistant', content='hello'))
    >>> threads.before("t", one)
    ()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._threads: dict[str, _Thread] = {}

    def names(self) -> list[str]:
        """Names of the conversations, in the order they began."""
        with self._lock:
            return list(self._threads)

    def place(self, name: str, origin: Origin, *, is_look: bool = False) -> str:
        """The place of a call in a conversation: of each cell its first call, its second, and so on.

        A cell that is run again begins with its first. What names no cell (plain IPython) has a place for each
        execution, and what is no cell at all one for each call. `is_look`: no call is made, only its place is asked.
        """
        count = origin.execution_count
        cell = origin.cell_id or ("" if count is None else f"[{count}]")
        with self._lock:
            thread = self._threads.get(name, _Thread()) if is_look else self._threads.setdefault(name, _Thread())
            execution, calls = thread.runs.get(cell, (None, 0))
            if cell and execution != count:
                calls = 0
            if is_look:
                return f"{cell}#{calls}"
            if not calls:
                # What the cell said after its first call last time, it has not said this time.
                thread.turns.update(dict.fromkeys((old for old in thread.turns if old.startswith(f"{cell}#")), None))
            thread.runs[cell] = (count, calls + 1)
            return f"{cell}#{calls}"

    def before(self, name: str | None, place: str | None) -> tuple[Message, ...]:
        """The messages that a place follows: the turns of those before it in the conversation; none outside of one."""
        if name is None or place is None:
            return ()
        with self._lock:
            messages: list[Message] = []
            for other, turn in self._threads.get(name, _Thread()).turns.items():
                if other == place:
                    break
                if turn is not None:
                    messages += (Message("user", turn.user), Message("assistant", turn.assistant))
            return tuple(messages)

    def write(self, name: str, place: str, turn: Turn | None) -> None:
        """Puts a turn in its place; None keeps the place of a call that failed, so that it stays where it was."""
        with self._lock:
            self._threads.setdefault(name, _Thread()).turns[place] = turn


def turn_of(asked: Request, outcome: Outcome) -> Turn | None:
    """What a call adds to its conversation: nothing when it failed, or was answered with nothing at all.

    The question as it was asked, without the passages that were found for it, and the answer with what was replaced put
    back: the guards see all of it again at the next turn, and number it from the start.
    """
    record = outcome.record
    if outcome.error is not None or record.response is None or not record.response.text.strip():
        return None
    return Turn(asked.messages[-1].content, outcome.pseudonyms.undo(record.response.text))
