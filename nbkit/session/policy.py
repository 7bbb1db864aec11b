"""Which guard does what about what it finds: the policy in force, and what of it is looser than the standard.

A guard's own tables `standard` and `strict` say what it does at each stage, `opt_in` what one does that both leave off
and that is turned on by name; `off` only looks. `guard.actions` replaces single entries, `guard.allow` lets single
findings pass. What a guard without tables does is no matter of policy: the neutraliser, the limits and the exact
secrets in use stay whatever is set here, and so does the order of the corridor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from nbkit import registry
from nbkit.errors import BadSetting
from nbkit.setting import Settings
from nbkit.types import Action, GuardPolicy, Stage

STRENGTH: dict[Action, int] = {action: place for place, action in enumerate(get_args(Action))}
_SHORT = {"secret": "secrets", "topic": "content"}
"""How people name a guard in `--allow`."""
_OTHERS = ("price",)
"""What `--allow` may name besides guards."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is done about findings, for one call.

    >>> policy = Policy.of(Settings(guard_policy="strict", guard_allow=("secret:openai-key",)))
    >>> policy.allowed_kinds("secrets")
    frozenset({'openai-key'})
    """

    name: GuardPolicy
    """`standard`, `strict` or `off`."""
    actions: Mapping[str, Mapping[Stage, Action]]
    """What was set beside it, by guard."""
    allowed: tuple[tuple[str, str], ...]
    """Guard and kind of finding that may pass; `guard` and its name for one that may fail."""

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that the settings mean; raises `BadSetting` with the nearest name for what does not exist."""
        actions = {name: _row(name, row) for name, row in settings.guard_actions.items()}
        return cls(settings.guard_policy, actions, tuple(_allowed(text) for text in settings.guard_allow))

    def of_guard(self, kind: Any) -> dict[Stage, Action]:  # noqa: ANN401 - a guard's class, whatever it has
        """What a guard does at each stage; empty for one that is no matter of policy."""
        standard: Mapping[Stage, Action] = getattr(kind, "standard", {})
        named = standard if self.name == "standard" else getattr(kind, "strict", standard)
        row: dict[Stage, Action] = {stage: "allow" if self.name == "off" else named[stage] for stage in standard}
        own = self.actions.get(kind.name, {})
        return row | {stage: action for stage, action in own.items() if stage in row}

    @staticmethod
    def turned_on(kind: Any) -> dict[Stage, Action]:  # noqa: ANN401 - as above
        """What a guard does at each stage once it is turned on by name: its standard, or `opt_in` where it has one."""
        return {**getattr(kind, "standard", {}), **getattr(kind, "opt_in", {})}

    def leaves_off(self, kind: Any) -> bool:  # noqa: ANN401 - as above
        """Whether a guard that has to be turned on by name is not: then it looks at nothing and gives no verdict."""
        return hasattr(kind, "opt_in") and set(self.of_guard(kind).values()) == {"allow"}

    def acts(self, kind: Any) -> bool:  # noqa: ANN401 - as above
        """Whether a guard does more than look, at one stage at least."""
        row = self.of_guard(kind)
        return not row or set(row.values()) != {"allow"}

    def is_weaker(self, name: str) -> bool:
        """Whether what was set beside the policy has a guard do less than the policy itself would.

        >>> Policy.of(Settings(guard_actions={"labels": "allow"})).is_weaker("labels")
        True
        """
        kind = registry.load("guards", name)
        named = Policy(self.name, {}, ()).of_guard(kind)
        return any(STRENGTH[action] < STRENGTH[named[stage]] for stage, action in self.of_guard(kind).items())

    def allowed_kinds(self, guard: str) -> frozenset[str]:
        """Kinds of findings of a guard that may pass."""
        return frozenset(kind for name, kind in self.allowed if name == guard)

    @property
    def may_fail(self) -> frozenset[str]:
        """Guards whose failure is a warning and no block."""
        return self.allowed_kinds("guard")

    def loosened(self) -> tuple[str, ...]:
        """What is looser than the standard, for the reader: one text for each.

        >>> Policy.of(Settings(guard_allow=("secret:openai-key",))).loosened()
        ('secrets: openai-key allowed',)
        """
        passing = (f"{guard}: {kind} allowed" for guard, kind in self.allowed if guard != "guard")
        return (*self._weaker(), *passing, *(f"{name}: may fail" for name in sorted(self.may_fail)))

    def _weaker(self) -> Iterator[str]:
        for name in registry.names("guards"):
            kind = registry.load("guards", name)
            standard: Mapping[Stage, Action] = getattr(kind, "standard", {})
            for stage, action in self.of_guard(kind).items():
                if STRENGTH[action] < STRENGTH[standard[stage]]:
                    yield f"{name}: {action} instead of {standard[stage]} ({stage})"


def _row(guard: str, row: object) -> dict[Stage, Action]:
    kind = registry.load("guards", _known(guard, registry.names("guards"), "guard.actions"))
    stages: tuple[Stage, ...] = tuple(getattr(kind, "standard", {}))
    if not stages:
        raise BadSetting(
            what=f"the guard {guard!r} cannot be set",
            why="what it does is a promise and no matter of policy",
            fix=f"leave it out; %guard ls shows which guards can be set, --allow guard:{guard} lets a broken one pass",
        )
    wanted = dict.fromkeys(stages, row) if isinstance(row, str) else row
    if not isinstance(wanted, Mapping):
        wanted = {"": row}
    for stage, action in wanted.items():
        if stage not in stages or action not in get_args(Action):
            raise BadSetting(
                what=f"guard.actions cannot set {guard!r} to {row!r}",
                why=f"it takes an action ({', '.join(get_args(Action))}), or one for each of {', '.join(stages)}",
                fix=f'{guard} = "warn", or {guard} = {{ {stages[0]} = "warn" }}',
            )
        if action == "reask" and stage != "output":
            raise BadSetting(
                what=f"guard.actions cannot set {guard!r} to 'reask' at the stage {stage}",
                why="only an answer can be asked for again",
                fix=f'{guard} = {{ output = "reask" }}' if "output" in stages else f'{guard} = "block"',
            )
    return dict(wanted)


def _allowed(text: str) -> tuple[str, str]:
    guard, colon, kind = text.partition(":")
    if not colon or not kind.strip():
        raise BadSetting(
            what=f"--allow cannot be {text!r}",
            why="it takes a guard and what of it may pass",
            fix="--allow secret:openai-key, --allow pii:IP, or --allow guard:NAME for a guard that fails",
        )
    if guard == "guard":
        return guard, _known(kind.strip(), registry.names("guards"), "--allow guard:")
    return _known(_SHORT.get(guard, guard), [*registry.names("guards"), *_OTHERS], "--allow"), kind.strip()


def _known(name: str, known: list[str], where: str) -> str:
    if name in known:
        return name
    near = registry.nearest(name, known)
    raise BadSetting(
        what=f"there is no guard named {name!r}",
        why=f"{where} names one; installed: {', '.join(known)}",
        fix=f"use {near!r}" if near else "%guard ls lists the guards",
    )
