"""What a user may pass as tables, taken apart into single named inputs and read."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from anndata import AnnData

from napari_trsmi.data.checks import check_names, check_sparse
from napari_trsmi.data.kinds import kind_from_word
from napari_trsmi.data.layers import named_layers
from napari_trsmi.data.micrometres import of_table
from napari_trsmi.data.on_tissue import only_on_tissue
from napari_trsmi.data.parts import Source
from napari_trsmi.data.reading.delimited import table_from_frame
from napari_trsmi.data.reading.guard import guarded
from napari_trsmi.data.reading.images import image_of_table
from napari_trsmi.data.reading.lazily import with_lazy_values
from napari_trsmi.data.reading.paths import read_path
from napari_trsmi.data.sections import only_section
from napari_trsmi.data.selection import Selection
from napari_trsmi.errors import InputError

if TYPE_CHECKING:
    from mudata import MuData

ACCEPTED = (
    "an AnnData, a MuData, a SpatialData, a DataFrame (spots x features), a path, a list of "
    "these, or a dict such as {'rna': ..., 'protein': ...}"
)

_PREFIX = re.compile(r"(?P<key>[A-Za-z]\w*(?:[ -]\w+)*)=(?P<path>.+)", flags=re.DOTALL)


def read_inputs(
    tables: object,
    notes: list[str],
    selection: Selection | None = None,
    *,
    placed: bool = False,
) -> list[Source]:
    """Read everything in `tables`, in order, and keep what is picked of it.

    Parameters
    ----------
    tables
        As for :func:`napari_trsmi.data.loading.load`.
    notes
        Gets a sentence for each thing that a reader decided.
    selection
        What is picked. Spots off the tissue are left out unless it keeps them.
    placed
        Whether positions are passed beside the tables.

    Raises
    ------
    InputError
        When there is nothing, something that is no table, or nothing that was picked.
    """
    selection = selection or Selection()
    pairs = _named(tables)
    if not pairs:
        raise InputError(f"There are no tables. Pass {ACCEPTED}.")
    labels = _labels(pairs)
    with warnings.catch_warnings():
        # anndata says so for every copy; the checks say it once.
        warnings.filterwarnings("ignore", message=".*names are not unique", category=UserWarning)
        sources = [
            source
            for (key, value), label in zip(pairs, labels, strict=True)
            for source in _read(key, value, label, notes, selection, placed=placed)
        ]
        for source in sources:
            check_names(source.table.obs_names, source.label)
            check_sparse(source.table, source.label)
        sources = only_section(sources, selection.section, notes)
        sources = only_on_tissue(sources, notes, keep="off_tissue" in selection.keep)
        return [_with_image(source, notes) for source in sources]


def _labels(pairs: list[tuple[str | None, object]]) -> list[str]:
    """Call each input by its name and file; by its whole path where that is not enough."""
    files = [Path(value).name if isinstance(value, (str, Path)) else "" for _, value in pairs]
    labels = []
    for number, ((key, value), file) in enumerate(zip(pairs, files, strict=True), start=1):
        if not file:
            labels.append(repr(key) if key else f"#{number} ({type(value).__name__})")
        elif key:
            labels.append(f"{key!r} ({file})")
        else:
            labels.append(file if files.count(file) == 1 else str(value))
    return labels


def _named(tables: object) -> list[tuple[str | None, object]]:
    if isinstance(tables, Mapping):
        return [(_checked_key(key), value) for key, value in tables.items()]
    if isinstance(tables, (list, tuple)):
        return [_split_prefix(value) for value in tables]
    return [_split_prefix(tables)]


def _checked_key(key: object) -> str:
    # Names end up in obs columns and uns keys, where "/" would start a group in the file.
    if not isinstance(key, str) or not key.strip() or "/" in key:
        raise InputError(f"{key!r} is no name for a table. Use a word such as 'rna' or 'protein'.")
    return key.strip()


def _split_prefix(value: object) -> tuple[str | None, object]:
    """Take ``"rna=PATH"`` apart; a file that is really called so stays a path."""
    if isinstance(value, str) and (match := _PREFIX.fullmatch(value)) and not Path(value).exists():
        return _checked_key(match["key"]), match["path"]
    return None, value


def _read(
    key: str | None,
    value: object,
    label: str,
    notes: list[str],
    selection: Selection,
    *,
    placed: bool,
) -> list[Source]:
    file_name, path = "", None
    if isinstance(value, Source):  # a section's part of a table that has been read
        return [value]
    if isinstance(value, (str, Path)):
        path = Path(value).expanduser()
        file_name = path.name
        value = read_path(path, notes, selection, placed=placed)
    if isinstance(value, Source):
        return [replace(value, label=label, key=key, file_name=file_name)]
    if isinstance(value, pd.DataFrame):
        value = table_from_frame(value, label, notes)
    if isinstance(value, AnnData):
        return [Source(label, with_lazy_values(value), key, file_name)]
    if hasattr(value, "mod"):
        sources = _from_mudata(value, label)
    elif hasattr(value, "tables") and hasattr(value, "shapes"):
        from napari_trsmi.data.reading.spatial_data import read_tables

        with guarded(path) if path is not None else nullcontext():  # labels are read only now
            sources = read_tables(value, label, file_name, notes, selection)
    else:
        raise InputError(f"{label} is no table. Pass {ACCEPTED}.")
    return sources if key is None else [_only(sources, key, label)]


def _with_image(source: Source, notes: list[str]) -> Source:
    """Add the picture that the table itself holds, if its reader found none."""
    if source.micrometres is None:
        source = replace(source, micrometres=of_table(source.table))
    if source.image is not None or "spatial" not in source.table.uns:
        return source
    image, diameter = image_of_table(source.table, source.label, notes)
    if diameter is None:
        diameter = source.spot_diameter
    return replace(source, image=image, spot_diameter=diameter)


def _only(sources: list[Source], key: str, label: str) -> Source:
    """Pick the one table that the user's key asks for out of a file with several."""
    kind = kind_from_word(key)
    fitting = [s for s in sources if s.key == key] or [
        s for s in sources if kind is not None and s.key and kind_from_word(s.key) is kind
    ]
    if len(sources) == 1:
        fitting = sources
    if len(fitting) != 1:
        names = ", ".join(repr(source.key) for source in sources)
        raise InputError(
            f"Table {label} holds several tables ({names}), and none of them alone is {key!r}. "
            "Pass it without a name to use all of them, or pick one."
        )
    return replace(fitting[0], label=label, key=key)


def _from_mudata(data: MuData, label: str) -> list[Source]:
    """Give each modality the coordinates and annotations that the MuData holds for all."""
    # Older MuData repeat each modality's columns as "rna:column".
    common = [column for column in data.obs if str(column).split(":")[0] not in data.mod]
    sources = []
    for name, lazy in data.mod.items():
        table = with_lazy_values(lazy)
        own = f"{name!r} of {label}"
        check_names(table.obs_names, own)
        obs = table.obs.join(data.obs[common].drop(columns=table.obs.columns, errors="ignore"))
        obsm = dict(table.obsm)
        if "spatial" not in obsm and "spatial" in data.obsm:
            xy = pd.DataFrame(np.asarray(data.obsm["spatial"]), index=data.obs_names)
            obsm["spatial"] = xy.reindex(table.obs_names).to_numpy()
        of_all = data.uns if "spatial" in data.uns else table.uns
        view = AnnData(
            X=table.X,
            obs=obs,
            var=table.var,
            obsm=obsm,
            layers=named_layers(table),
            uns={key: of_all[key] for key in ("spatial",) if key in of_all},
        )
        if table.raw is not None:
            view.raw = table.raw.to_adata()
        sources.append(Source(own, view, name, is_optional=len(data.mod) > 1))
    return sources
