"""Conversations as a function of the cells: each cell owns one turn, and running it again rewrites that turn."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from nbkit.types import Message


@dataclass(frozen=True, slots=True)
class Turn:
    """What one cell said and heard."""

    cell: str
    user: str
    assistant: str


class Threads:
    """The conversations of a session, by name.

    >>> threads = Threads()
    >>> threads.write("t", Turn("cell-1", "hi", "hello"))
    >>> threads.before("t", cell="cell-2")
    (Message(role='user', content='hi'), Message(role='assistant', content='hello'))
    >>> threads.before("t", cell="cell-1")
    ()
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns: dict[str, list[Turn]] = {}

    def names(self) -> list[str]:
        """Names of the conversations, in the order they began."""
        with self._lock:
            return list(self._turns)

    def before(self, name: str, *, cell: str) -> tuple[Message, ...]:
        """The messages a cell's turn follows: the turns of the cells that came before it in the conversation."""
        with self._lock:
            messages: list[Message] = []
            for turn in self._turns.get(name, []):
                if turn.cell == cell:
                    break
                messages += (Message("user", turn.user), Message("assistant", turn.assistant))
            return tuple(messages)

    def write(self, name: str, turn: Turn) -> None:
        """Puts the turn in the place of the cell's former one, or at the end."""
        with self._lock:
            turns = self._turns.setdefault(name, [])
            places = [index for index, old in enumerate(turns) if old.cell == turn.cell]
            if places:
                turns[places[0]] = turn
            else:
                turns.append(turn)

    def remove(self, name: str, *, cell: str) -> None:
        """Takes a cell's turn out: the cell failed, so it said nothing."""
        with self._lock:
            self._turns[name] = [turn for turn in self._turns.get(name, []) if turn.cell != cell]
