"""The object behind `%config NbKit` before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class LazySettings:
    """Stands in for the object behind `%config NbKit`, which is made when a trait is asked for.

    Making the traits imports the settings and most of nbkit's ground: two thirds of what loading may cost.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._made: Any = None

    def _real(self) -> Any:  # noqa: ANN401 - imported here and nowhere else
        if self._made is None:
            from nbkit.magics.traits import make

            self._made = make(self._shell)
        return self._made

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """The real object's class, which is how `%config` finds its traits."""
        return type(self._real())

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the real object
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._real(), name, value)

    def update_config(self, config: Any) -> None:  # noqa: ANN401 - a traitlets Config
        """Hands on what `%config NbKit.name = value` says; other sections are not nbkit's."""
        if "NbKit" in config:
            self._real().update_config(config)
