"""Spatial multi-omics made in memory, with known domains.

The published setting is simulation 6 of SpatialGlue (Long et al. 2024, Nature Methods), which TRSMI
(doi 10.1109/ICASSP55912.2026.11461685) is evaluated on; it draws counts from spatial and
non-spatial factors as the simulation of Townes and Engelhardt (2023, Nature Methods) does. That
one is nearly solved without training, so `SETTINGS` has harder ones beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

from napari_trsmi.data.dataset import Kind, Modality, SpatialOmics, TissueImage
from napari_trsmi.data.digests import digest
from napari_trsmi.data.simulated.tissue import Organ, Quilt, Tissue
from napari_trsmi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_N_NONSPATIAL = 3
_ENTRIES_AT_ONCE = 4_000_000
_FEATURE_NAMES = {Kind.RNA: "gene", Kind.PROTEIN: "protein", Kind.CHROMATIN: "peak"}


@dataclass(frozen=True)
class Assay:
    """How one modality's counts are drawn.

    A feature loads on one spatial factor, which is on in one domain, and on one of three
    non-spatial factors, which are on in spots picked at random. The non-spatial factors belong to
    the spot, so all modalities share them: features that merely agree between modalities are no
    sign of a domain. A count is negative binomial with mean ``background``, plus
    ``spatial_loading`` and ``nonspatial_loading`` where the feature's factors are on.

    Attributes
    ----------
    n_features
        Number of features.
    background
        Mean count where both factors are off.
    nonspatial_share
        Share of the spots in which a non-spatial factor is on. Spots where it is on at a
        small share have it on at a larger one.
    sees
        Domains whose factor shows in this modality; None for all of them. Features of the
        other factors stay, and carry no spatial signal.
    zeroed
        Share of the entries set to zero after drawing.
    multiplier
        What drawn counts are multiplied by.
    spatial_loading, nonspatial_loading
        What a factor adds to the mean where it is on.
    """

    n_features: int
    background: float
    nonspatial_share: float
    sees: tuple[int, ...] | None = None
    zeroed: float = 0.0
    multiplier: int = 1
    spatial_loading: float = 11.0
    nonspatial_loading: float = 9.0


@dataclass(frozen=True, eq=False)
class Setting:
    """A simulated experiment.

    Attributes
    ----------
    tissue
        Shape and domains.
    assays
        One per modality, by name.
    n_spots
        Number of spots unless asked for otherwise.
    kept
        Share of the lattice's spots that are there; the others are lost at random.
    nb_size
        The negative binomial's r: variance = mean + mean² / r.
    noise_mean, noise_sd
        Of the rounded Gaussian noise that is added to the non-zero counts.
    """

    tissue: Tissue
    assays: Mapping[Kind, Assay]
    n_spots: int = 36 * 36
    kept: float = 1.0
    nb_size: float = 10.0
    noise_mean: float = 2.0
    noise_sd: float = 0.5


_RNA = Assay(n_features=1000, background=0.2, nonspatial_share=0.2, zeroed=0.5)
_PROTEIN = Assay(n_features=100, background=0.4, nonspatial_share=0.25, multiplier=10)
_CHROMATIN = replace(_RNA, background=0.6)

_PUBLISHED = Setting(
    tissue=Quilt(
        cells=(
            (1, 6, 7, 8, 13),
            (3, 4, 5, 9, 11, 15, 16, 17),
            (18, 24, 25, 30, 31, 32),
            (21, 22, 23, 28, 34),
        )
    ),
    assays={Kind.RNA: _RNA, Kind.PROTEIN: _PROTEIN, Kind.CHROMATIN: _CHROMATIN},
)


def _weakened(assay: Assay) -> Assay:
    return replace(assay, spatial_loading=2.0, nonspatial_share=0.4, zeroed=max(assay.zeroed, 0.7))


SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "published": _PUBLISHED,
        # No modality alone shows all domains.
        "complementary": replace(
            _PUBLISHED,
            assays={
                Kind.RNA: replace(_RNA, sees=(1, 2)),
                Kind.PROTEIN: replace(_PROTEIN, sees=(2, 3)),
                Kind.CHROMATIN: replace(_CHROMATIN, sees=(3, 4)),
            },
        ),
        "noisy": replace(
            _PUBLISHED,
            assays={kind: _weakened(assay) for kind, assay in _PUBLISHED.assays.items()},
            noise_sd=2.0,
        ),
        # Domains of 36, 288, 216 and 36 spots in a background of 720.
        "imbalanced": replace(
            _PUBLISHED,
            tissue=Quilt(
                cells=((7,), (3, 4, 5, 9, 11, 15, 16, 17), (18, 24, 25, 30, 31, 32), (22,))
            ),
        ),
        "dropout": replace(_PUBLISHED, n_spots=907, kept=0.7),
        # The sample data: RNA cannot tell the two cores from stroma, nor protein rim and nodules.
        "tissue": Setting(
            tissue=Organ(),
            assays={
                Kind.RNA: Assay(
                    n_features=800,
                    background=0.4,
                    nonspatial_share=0.2,
                    sees=(1, 2, 3),
                    zeroed=0.5,
                    spatial_loading=3.0,
                    nonspatial_loading=3.0,
                ),
                Kind.PROTEIN: Assay(
                    n_features=40,
                    background=1.0,
                    nonspatial_share=0.25,
                    sees=(3, 4, 5),
                    multiplier=10,
                    spatial_loading=4.0,
                    nonspatial_loading=4.0,
                ),
                Kind.CHROMATIN: Assay(
                    n_features=800,
                    background=0.3,
                    nonspatial_share=0.2,
                    sees=(1, 5),
                    zeroed=0.6,
                    spatial_loading=2.0,
                    nonspatial_loading=3.0,
                ),
            },
            n_spots=2_300,
        ),
    }
)
"""The named settings of `simulate`."""


def simulate(
    setting: str | Setting = "published",
    *,
    n_spots: int | None = None,
    modalities: Sequence[str] = ("rna", "protein", "chromatin"),
    n_features: Mapping[str, int] | None = None,
    seed: int = 0,
    image: bool = True,
) -> SpatialOmics:
    """Simulate several modalities measured on the spots of one tissue section.

    Time and memory grow with the number of entries, spots x features, and counts are sparse: a
    million spots of 100 features are possible. Any spot count samples the same tissue, more
    finely. Leaving out a modality or the image changes nothing else.

    Parameters
    ----------
    setting
        A name in `SETTINGS`, or a setting of one's own.
    n_spots
        Number of spots; None for the setting's own.
    modalities
        Which of ``rna``, ``protein`` and ``chromatin``, in this order.
    n_features
        Number of features by modality, where it is not to be the setting's own.
    seed
        Seed of the counts, of the order of the spots and of the image.
    image
        Whether to paint the H&E-like image.

    Returns
    -------
    The spots in random order. `annotations` has the true ``domain``, a categorical of strings with
    ``"0"`` for the background; every table has it in ``obs``, and the coordinates in
    ``obsm["spatial"]``. ``X`` is float32 CSR holding whole numbers, shape (n_spots, n_features).

    Raises
    ------
    ConfigError
        If the setting or a modality is unknown, or a number is out of bounds.
    """
    name = setting if isinstance(setting, str) else "of your own"
    call: dict[str, Any] = {
        "setting": setting,
        "n_spots": n_spots,
        "modalities": list(modalities),
        "n_features": None if n_features is None else dict(n_features),
        "seed": seed,
        "image": image,
    }
    chosen = _named(setting) if isinstance(setting, str) else setting
    assays = _assays(chosen, modalities, n_features or {})
    n_spots = chosen.n_spots if n_spots is None else n_spots
    if n_spots < 1:
        raise ConfigError(f"n_spots is {n_spots}; it must be at least 1.")
    if seed < 0:
        raise ConfigError(f"seed is {seed}; it must not be negative.")

    lattice, pitch = chosen.tissue.lattice(ceil(n_spots / chosen.kept))
    # One permutation both shuffles the spots and loses those that are not kept.
    present = _stream(seed, "spots").permutation(len(lattice))[:n_spots]
    coordinates = lattice[present]
    domains = chosen.tissue.domain_at(coordinates)

    width = max(5, len(str(n_spots - 1)))
    spots = pd.Index([f"spot_{spot:0{width}d}" for spot in range(n_spots)])
    categories = pd.Index([str(domain) for domain in range(chosen.tissue.n_domains)])
    annotations = pd.DataFrame(
        {"domain": pd.Categorical.from_codes(domains, categories=categories)}, index=spots
    )
    activity = _stream(seed, "activity").random((n_spots, _N_NONSPATIAL))
    tables = {
        kind: _table(
            kind,
            _counts(chosen, assay, domains, activity, _stream(seed, kind.value)),
            annotations,
            coordinates,
        )
        for kind, assay in assays.items()
    }
    return SpatialOmics(
        modalities=tuple(Modality(kind.value, kind, table) for kind, table in tables.items()),
        coordinates=coordinates,
        spots=spots,
        annotations=annotations,
        image=_painted(chosen.tissue, _stream(seed, "image")) if image else None,
        spot_diameter=chosen.tissue.spot_share * pitch,
        notes=(f"Simulated: setting {name}, {n_spots:,} spots, seed {seed}.",),
        digests={
            kind.value: digest(table.X, table.obs_names, table.var_names)
            for kind, table in tables.items()
        },
        load_arguments={"simulate": call} if isinstance(setting, str) else {},
    )


def _named(name: str) -> Setting:
    if name not in SETTINGS:
        raise ConfigError(f"No setting {name!r}; choose one of {', '.join(SETTINGS)}.")
    return SETTINGS[name]


def _assays(
    setting: Setting, modalities: Sequence[str], n_features: Mapping[str, int]
) -> dict[Kind, Assay]:
    """Return the chosen modalities' assays, in the order asked for."""
    known = {kind.value: kind for kind in setting.assays}
    unknown = [name for name in (*modalities, *n_features) if name not in known]
    if unknown:
        raise ConfigError(f"No modality {unknown[0]!r}; the setting has {', '.join(known)}.")
    if not modalities or len(set(modalities)) < len(modalities):
        raise ConfigError(f"modalities is {list(modalities)}; name at least one, each once.")
    too_few = [name for name, number in n_features.items() if number < 1]
    if too_few:
        raise ConfigError(f"n_features of {too_few[0]!r} must be at least 1.")
    return {
        known[name]: replace(
            assay := setting.assays[known[name]], n_features=n_features.get(name, assay.n_features)
        )
        for name in modalities
    }


def _stream(seed: int, purpose: str) -> np.random.Generator:
    """Return a generator for one purpose, independent of what else is drawn."""
    return np.random.default_rng([seed, *purpose.encode()])


def _counts(
    setting: Setting,
    assay: Assay,
    domains: NDArray[np.int8],
    activity: NDArray[np.float64],
    rng: np.random.Generator,
) -> sparse.csr_matrix:
    """Draw the counts, float32, shape (n_spots, n_features), some rows at a time."""
    n_factors = setting.tissue.n_domains - 1
    spatial = rng.integers(1, n_factors + 1, assay.n_features)
    if assay.sees is not None:
        spatial[~np.isin(spatial, assay.sees)] = setting.tissue.n_domains  # on nowhere
    nonspatial = rng.integers(_N_NONSPATIAL, size=assay.n_features)
    busy = activity < assay.nonspatial_share

    rows_at_once = max(1, _ENTRIES_AT_ONCE // assay.n_features)
    blocks = []
    for start in range(0, len(domains), rows_at_once):
        rows = slice(start, start + rows_at_once)
        mean = (
            assay.background
            + assay.spatial_loading * (domains[rows, np.newaxis] == spatial)
            + assay.nonspatial_loading * busy[rows][:, nonspatial]
        )
        row, column = np.nonzero(rng.random(mean.shape, dtype=np.float32) >= assay.zeroed)
        drawn = rng.negative_binomial(
            setting.nb_size, setting.nb_size / (setting.nb_size + mean[row, column])
        )
        detected = drawn > 0
        values = assay.multiplier * drawn[detected].astype(np.float32)
        values += np.rint(rng.normal(setting.noise_mean, setting.noise_sd, len(values)))
        block = sparse.csr_matrix(
            (np.maximum(values, 0), (row[detected], column[detected])), shape=mean.shape
        )
        block.eliminate_zeros()
        blocks.append(block)
    return sparse.csr_matrix(sparse.vstack(blocks, format="csr", dtype=np.float32))


def _table(
    kind: Kind,
    counts: sparse.csr_matrix,
    annotations: pd.DataFrame,
    coordinates: NDArray[np.float64],
) -> AnnData:
    n_features = counts.shape[1]
    width = len(str(n_features - 1))
    names = [f"{_FEATURE_NAMES[kind]}_{feature:0{width}d}" for feature in range(n_features)]
    return AnnData(
        counts,
        obs=annotations.copy(),
        var=pd.DataFrame(index=names),
        obsm={"spatial": coordinates.copy()},
    )


def _painted(tissue: Tissue, rng: np.random.Generator) -> TissueImage:
    from napari_trsmi.data.simulated.histology import paint  # skimage is slow to import

    return TissueImage(paint(tissue, rng))
