"""The Python script that repeats a run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from napari_trsmi.config import Config

if TYPE_CHECKING:
    from napari_trsmi.result import TRSMIResult

_BY_THE_USER = "stopped by the user"
_RENAMED = {"border_contrast": "edge_contrast"}
"""Parameters by what older results call them."""


def as_python(
    result: TRSMIResult, tables: str | Sequence[str] | Mapping[str, str] | None = None
) -> str:
    """Write the script that finds a result's domains again.

    Parameters
    ----------
    result
        What to repeat.
    tables
        Where the tables are, as `napari_trsmi.load` takes it: paths. None takes what the result's
        record says; tables that came from memory become paths to fill in, with a comment.

    Returns
    -------
    A script of the inputs, the seed and the parameters that are not the default, which repeats what
    was renamed, recoloured and merged since, and writes the result. Comments say what it cannot
    repeat.
    """
    record = result.record
    comments, expression, arguments = _inputs(record, tables)
    edits = record.get("edits", [])
    if str(record.get("stopped", "")).startswith(_BY_THE_USER):
        comments.append(f"That run was {record['stopped']}; this one goes to the end.")
    if not _named_by_size(result, edits):
        edits = []
        comments.append("Its domains have names of their own; here they are numbers by size.")
    lines = [
        *(f"# {comment}" for comment in comments),
        "result = trsmi.integrate(",
        f"    {expression},",
        *(f"    {name}={_literal(value)}," for name, value in arguments.items()),
        *(f"    {name}={_literal(value)}," for name, value in _parameters(record).items()),
        ")",
    ]
    imports = ["import napari_trsmi as trsmi"]
    if edits:
        imports.append("from napari_trsmi.viewer.domains.edits import DomainEdits")
        lines += ["", "edits = DomainEdits(result)", *map(_edit, edits), "result = edits.result()"]
    version = record.get("versions", {}).get("napari-trsmi", "")
    title = f'"""Find the domains again that napari-trsmi {version}'.rstrip() + ' found."""'
    ending = ["", 'trsmi.write_result(result, "domains.h5ad")']
    return "\n".join([title, "", *imports, "", *lines, *ending]) + "\n"


def _inputs(
    record: Mapping[str, Any], given: str | Sequence[str] | Mapping[str, str] | None
) -> tuple[list[str], str, dict[str, Any]]:
    """Return comments, the expression for the tables, and the other inputs."""
    inputs = dict(record.get("inputs", {}))
    comments = []
    if given is None and "simulate" in inputs:
        picture = {n: v for n, v in inputs.items() if n == "image_features" and v is not None}
        return [], f"trsmi.simulate({_arguments(inputs['simulate'])})", picture
    recorded = inputs.pop("tables", None)
    tables = recorded if given is None else given
    inputs.pop("simulate", None)
    if tables is None:
        comments.append("The tables came from memory: write the paths of their files here.")
        tables = {m["name"]: f"{m['name']}.h5ad" for m in record.get("modalities", [])}
        if sections := record.get("sections"):
            tables = {
                s["name"]: {m: f"{s['name']}_{m}.h5ad" for m in s["modalities"]} for s in sections
            }
    arguments = {name: value for name, value in inputs.items() if value is not None}
    if picked := arguments.pop("sections", None):  # of those that a column tells apart
        how = "".join(f", {name}={_literal(value)}" for name, value in arguments.items())
        loaded = f"trsmi.load_sections({_literal(tables)}{how}).only({_literal(picked)})"
        return comments, loaded, {}
    if placed := record.get("registration"):
        comments.append(
            "The picture was laid onto the spots by landmarks. With its path that is image="
            f"{_laid(placed)}."
        )
    for name, placed in record.get("further_images", {}).items():
        how = _laid(placed) if placed else "its path"
        comments.append(
            f"Beside the first picture lay another: image={{..., {_literal(name)}: {how}}}."
        )
    if "positions" in inputs and inputs["positions"] is None:
        comments.append("The positions came from memory: write the path of their file here.")
        arguments["positions"] = "positions.csv"
    if "image" in inputs and inputs["image"] is None:
        if "image_features" in inputs:
            comments.append("The image came from memory: pass it with image=.")
        else:
            comments.append("The image came from memory; the domains do not depend on it.")
    if "image_features" in inputs and inputs["image_features"] is None:
        comments.append("What was measured on the image came from memory: pass it as it was.")
    return comments, _literal(tables), arguments


def _laid(placed: Mapping[str, Any]) -> str:
    """How a picture was laid onto the spots, as Python."""
    return (
        f"trsmi.registered_image(path, trsmi.fit_landmarks({_literal(placed['spots'])}, "
        f"{_literal(placed['picture'])}, kind={_literal(placed['kind'])}))"
    )


def _parameters(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the seed, and what differs from the default."""
    written = record.get("parameters", {})
    used = {_RENAMED.get(name, name): value for name, value in written.items()}
    default = Config().model_dump(mode="json")
    return {
        name: value
        for name, value in used.items()
        if name in default and (name == "seed" or value != default[name])
    }


def _named_by_size(result: TRSMIResult, edits: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the domains are called as a new run would call them, once it is edited alike."""
    merged = sum(len(edit["domains"]) - 1 for edit in edits if edit["edit"] == "merge")
    gone = sum(len(edit.get("gone", ())) for edit in edits)
    n_found = result.n_domains + merged + gone - sum(map(_n_new, edits))
    names = {str(number) for number in range(1, n_found + 1)}
    for edit in edits:
        if edit["edit"] == "merge":
            names -= set(edit["domains"]) - {edit["to"]}
        elif edit["edit"] == "rename":
            names = (names - {edit["domain"]}) | {edit["to"]}
        elif edit["edit"] == "assign":
            names = (names | {edit["to"]}) - set(edit["gone"])
        elif edit["edit"] == "set_scale":
            names = (names | set(edit["new"])) - set(edit["gone"])
    counts = result.domains.value_counts(sort=False)
    decreasing = bool(edits) or counts.is_monotonic_decreasing
    return names == set(map(str, result.domains.cat.categories)) and decreasing


def _n_new(edit: Mapping[str, Any]) -> int:
    """Count the domains that came by assigning spots, or by going to another scale."""
    new = edit.get("new", ())
    return int(new) if isinstance(new, bool) else len(new)


def _edit(edit: Mapping[str, Any]) -> str:
    given = {
        "merge": lambda: [edit["domains"]],
        "assign": lambda: [edit["spots"], edit["to"]],
        "set_scale": lambda: [edit["to"]],
    }.get(edit["edit"], lambda: [edit["domain"], edit["to"]])()
    return f"edits.{edit['edit']}({', '.join(map(_literal, given))})"


def _arguments(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_literal(value)}" for name, value in given.items())


def _literal(value: Any) -> str:
    """Return a value of JSON types as Python."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, Mapping):
        inside = (f"{_literal(key)}: {_literal(item)}" for key, item in value.items())
        return f"{{{', '.join(inside)}}}"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
