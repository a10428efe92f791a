"""Candidates for a run's modalities: tables of a Points layer or a file, images at the spots."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from napari_trsmi.data.dataset import Kind
from napari_trsmi.data.kinds import kind_from_name
from napari_trsmi.data.stored import StoredMatrix
from napari_trsmi.data.wording import counted
from napari_trsmi.errors import InputError
from napari_trsmi.viewer.attached import dataset_of, result_of
from napari_trsmi.viewer.run.channels import told_channels
from napari_trsmi.viewer.run.footprint import ImageSampler
from napari_trsmi.viewer.run.spatialdata_layers import (
    element_tables,
    has_tables,
    instance_names,
)

if TYPE_CHECKING:
    from anndata import AnnData
    from napari.layers import Image, Layer, Points
    from numpy.typing import NDArray

    from napari_trsmi.data.dataset import SpatialOmics, TissueImage
    from napari_trsmi.data.parts import Part, Source

SPOT_NAMES = "spot"
"""Column of a Points layer's features that names its spots."""


@dataclass(frozen=True, eq=False)
class TableCandidate:
    """A table of spots x features.

    Attributes
    ----------
    name, kind
        As guessed.
    origin
        Layer or file that it comes from, as the user knows it.
    table
        ``X`` and the names of spots and features.
    coordinates
        The spots' x and y, if the table brings them.
    annotations
        Columns of the spots.
    image, spot_diameter, square_spots
        What came along with it.
    dataset
        The matched and checked tables that it is one of, if it is.
    layer
        The layer that carries it, if one does.
    path
        The file or folder that it was read from, if it was read from one for the run.
    notes
        What was guessed, matched and left out when it was read.
    stored
        Its values where they are kept, if they are not in memory.
    micrometres
        Of a unit of `coordinates`, if it is known.
    """

    name: str
    kind: Kind
    origin: str
    table: AnnData
    coordinates: NDArray[np.float64] | None = None
    annotations: pd.DataFrame | None = None
    image: TissueImage | None = None
    spot_diameter: float | None = None
    square_spots: bool = False
    dataset: SpatialOmics | None = None
    layer: Layer | None = None
    path: Path | None = None
    notes: tuple[str, ...] = ()
    stored: StoredMatrix | None = None
    micrometres: float | None = None

    @property
    def values(self) -> Any:
        """Values in memory, or a dask array of those that are not."""
        return self.table.X if self.stored is None else self.stored.as_dask()

    @property
    def spots(self) -> pd.Index:
        """Names of the spots."""
        names: pd.Index = self.table.obs_names
        return names

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.table.n_vars)

    @property
    def size(self) -> str:
        """How large it is, in words."""
        return counted(self.n_features, "feature")


@dataclass(frozen=True, eq=False)
class ImageCandidate:
    """An image layer, measured at the footprint of whatever spots a run has.

    Attributes
    ----------
    name, kind, origin
        As of `TableCandidate`.
    layer
        The image layer.
    channels
        Names of its colours or channels.
    """

    name: str
    kind: Kind
    origin: str
    layer: Image
    channels: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        sampler = ImageSampler.of(self.layer, told_channels(self.layer))
        object.__setattr__(self, "channels", sampler.channel_names)

    @property
    def n_features(self) -> int:
        """Number of colours or channels."""
        return len(self.channels)

    @property
    def size(self) -> str:
        """How large it is, in words."""
        return counted(self.n_features, "channel")


Candidate = TableCandidate | ImageCandidate


def candidates_of_layer(layer: Layer) -> list[Candidate]:
    """List the modalities that a layer can contribute, none for layers of other types.

    A Points layer gives all tables attached to it, else its numeric features as one modality. An
    image layer gives what its stains or channels show at the spots: its last two axes are the
    image, any others are channels. One that is named after another kind, such as a picture of
    proteins, gives the mean of each channel. A layer that
    napari-spatialdata opened gives the tables that annotate its element.

    Raises
    ------
    InputError
        If such tables cannot be used.
    """
    from napari.layers import Image, Labels, Points, Shapes

    if isinstance(layer, Points) and (dataset := dataset_of(layer)) is not None:
        return list(candidates_of_dataset(dataset, layer.name, layer))
    if isinstance(layer, (Points, Shapes, Labels)) and has_tables(layer):
        return list(_of_tables(element_tables(layer), layer.name, layer))
    if isinstance(layer, Points):
        return _of_features(layer)
    if isinstance(layer, Image) and layer.ndim >= 2:
        named = kind_from_name(layer.name)
        kind = Kind.IMAGE if layer.rgb or named is None else named
        name = layer.name.replace("/", " ")
        return [ImageCandidate(name, kind, layer.name, layer)]
    return []


def contributes(layer: Layer) -> bool:
    """Return whether a layer has modalities, without making them."""
    from napari.layers import Image, Labels, Points, Shapes

    if isinstance(layer, (Points, Shapes, Labels)) and has_tables(layer):
        return True
    if isinstance(layer, Points):
        if dataset_of(layer) is not None:
            return True
        return result_of(layer) is None and not layer.features.select_dtypes("number").empty
    return isinstance(layer, Image) and layer.ndim >= 2


def candidates_of_dataset(
    dataset: SpatialOmics, origin: str, layer: Layer | None = None
) -> list[TableCandidate]:
    """List the tables of a data set."""
    return [
        TableCandidate(
            modality.name,
            modality.kind,
            origin,
            modality.table,
            coordinates=dataset.coordinates,
            annotations=dataset.annotations,
            image=dataset.image,
            spot_diameter=dataset.spot_diameter,
            square_spots=dataset.square_spots,
            dataset=dataset,
            layer=layer,
            notes=dataset.notes,
            stored=modality.stored,
            micrometres=dataset.micrometres_per_unit,
        )
        for modality in dataset.modalities
    ]


def candidates_of_file(path: str | Path) -> list[TableCandidate]:
    """Read the tables in a file or folder, whether it has coordinates or not.

    What nothing tells the kind of is taken as ready features.

    Raises
    ------
    InputError
        If it cannot be read, or holds no table.
    """
    whole = Path(path).expanduser().absolute()
    return [replace(found, path=whole) for found in _of_tables(whole, whole.name)]


def _of_tables(tables: object, origin: str, layer: Layer | None = None) -> list[TableCandidate]:
    from anndata import AnnData

    from napari_trsmi.data.checks import without_controls
    from napari_trsmi.data.coordinates import coordinates, micrometres_of
    from napari_trsmi.data.orientation import upright
    from napari_trsmi.data.reading.inputs import read_inputs
    from napari_trsmi.data.sections import check_one_section

    found: list[TableCandidate] = []
    said: list[str] = []
    for source in upright(read_inputs(tables, said), None, said):
        notes: list[str] = []
        spots = source.table.obs_names
        places: NDArray[np.float64] | None = None
        # Without places, or with unusable ones, another table may have them.
        with suppress(InputError):
            spots, places = coordinates([source], None, spots, notes)
        if places is not None:
            check_one_section([source], spots, places, notes)
        for whole in _parts(source, notes):
            part = without_controls(whole, notes, keep=False)
            rows = part.spots.get_indexer(spots)
            matrix = part.matrix if len(rows) == len(part.spots) else part.matrix[rows]
            stored = matrix if isinstance(matrix, StoredMatrix) else None
            table = AnnData(
                X=None if stored is not None else matrix,
                obs=pd.DataFrame(index=spots),
                var=pd.DataFrame(index=part.features),
            )
            found.append(
                TableCandidate(
                    part.name,
                    part.kind,
                    origin,
                    table,
                    coordinates=places,
                    annotations=source.table.obs.loc[spots],
                    image=source.image,
                    spot_diameter=source.spot_diameter,
                    square_spots=source.is_square,
                    layer=layer,
                    notes=(*said, *notes),
                    stored=stored,
                    micrometres=micrometres_of([source]),
                )
            )
    return found


def has_cells(picture: Layer | None, layer: Layer) -> bool:
    """Whether a layer is of labels, as large as a layer of a picture."""
    from napari.layers import Image, Labels

    if not isinstance(picture, Image) or not isinstance(layer, Labels) or layer.ndim != 2:
        return False
    finest = picture.data[0] if picture.multiscale else picture.data
    labels = layer.data[0] if layer.multiscale else layer.data
    shape = finest.shape[-3:-1] if picture.rgb else finest.shape[-2:]
    return tuple(labels.shape) == tuple(shape)


def spot_names(layer: Points) -> pd.Index | None:
    """Names of a layer's points: of the tables attached to it, or of a column ``spot``."""
    dataset = dataset_of(layer)
    if dataset is not None:
        return dataset.spots
    result = result_of(layer)
    if result is not None:
        return result.domains.index
    named = instance_names(layer)
    if named is not None:
        return named
    if SPOT_NAMES in layer.features:
        names = pd.Index(layer.features[SPOT_NAMES].astype(str))
        return names if names.is_unique else None
    return None


def _of_features(layer: Points) -> list[Candidate]:
    from anndata import AnnData

    if result_of(layer) is not None:  # its features are a run's outcome, not measurements
        return []
    numbers = layer.features.select_dtypes("number")
    if numbers.empty:
        return []
    values = numbers.to_numpy(dtype=np.float32)
    named = kind_from_name(layer.name)
    counts = bool(np.all(values >= 0) and np.all(values == np.rint(values)))
    names = spot_names(layer)
    table = AnnData(
        X=values,
        obs=pd.DataFrame(index=pd.RangeIndex(len(values)).astype(str) if names is None else names),
        var=pd.DataFrame(index=[str(column) for column in numbers]),
    )
    kind = named if named is not None and counts else Kind.FEATURES
    name = layer.name.replace("/", " ")
    return [TableCandidate(name, kind, layer.name, table, layer=layer)]


def _parts(source: Source, notes: list[str]) -> list[Part]:
    """Split a table into modalities; one of unknown kind is taken as ready features."""
    from napari_trsmi.data.splitting import split

    try:
        return split(source, None, notes, alone=True)
    except InputError:
        if source.key is not None or not source.table.n_vars:
            raise
        table = source.table.copy()
        table.var["feature_types"] = Kind.FEATURES.value
        name = Path(source.file_name).stem.replace("=", " ")
        parts = split(replace(source, table=table), None, notes, alone=True)
        return [replace(part, name=name) for part in parts]
