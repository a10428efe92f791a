"""Names under which a table holds a run."""

from __future__ import annotations

from dataclasses import dataclass

from napari_trsmi.errors import InputError

KEY = "trsmi"
"""What a run is called in a table unless the user calls it otherwise."""

SPATIAL = "spatial"
"""squidpy's word for the coordinates, their graph and the picture."""


@dataclass(frozen=True)
class Places:
    """Names under which a table holds a run.

    Attributes
    ----------
    key
        What the run is called.
    """

    key: str = KEY

    def __post_init__(self) -> None:
        word = isinstance(self.key, str) and self.key.strip() and "/" not in self.key
        if not word or self.key == SPATIAL:
            raise InputError(f"{self.key!r} is no name for a run. Use a word such as 'trsmi'.")

    @property
    def domain(self) -> str:
        """Column of ``obs``."""
        return f"{self.key}_domain"

    @property
    def confidence(self) -> str:
        """Column of ``obs``."""
        return f"{self.key}_confidence"

    @property
    def section(self) -> str:
        """Column of ``obs``, of a run of several sections: squidpy's ``library_key``."""
        return f"{self.key}_section"

    @property
    def spot(self) -> str:
        """Column of ``obs``: a spot's name in its section, where it has another one here."""
        return f"{self.key}_spot"

    @property
    def embedding(self) -> str:
        """Block of ``obsm``."""
        return f"X_{self.key}"

    @property
    def colors(self) -> str:
        """Entry of ``uns``, where scanpy looks for a column's colours."""
        return f"{self.domain}_colors"

    @property
    def domain_by_scale(self) -> str:
        """Block of ``obsm``: a domain's place among the names, -1 for none, a column a scale."""
        return f"{self.domain}_by_scale"

    @property
    def confidence_by_scale(self) -> str:
        """Block of ``obsm``, a column a scale."""
        return f"{self.confidence}_by_scale"

    def predicted(self, modality: str, what: str = "") -> str:
        """Block of ``obsm`` for what was predicted of a modality, or what is said of it."""
        return "_".join(filter(None, (f"{self.key}_predicted_{modality}", what)))

    def weight(self, modality: str) -> str:
        """Column of ``obs`` for a modality's weight."""
        return f"{self.key}_weight_{modality}"

    def owns(self, column: object) -> bool:
        """Whether a column of ``obs`` belongs to the run."""
        name = str(column)
        return name in (self.domain, self.confidence, self.section, self.spot) or name.startswith(
            self.weight("")
        )
