"""The schema of a data file, with the metadata by which the Hub's library knows Audio and ClassLabel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from synth.tables import AUDIO, LABEL, MANIFEST


def manifest_schema(cells: Sequence[str], labels: Sequence[str] = (), extra: Sequence[pa.Field] = ()) -> pa.Schema:
    """Return the schema of MANIFEST; its metadata names the cells.

    With ``labels``, the classes of clips that have one label each, it has the column ``label`` as well.
    """
    fields = [*MANIFEST.schema(), *([pa.field(LABEL.name, LABEL.type)] if labels else []), *extra]
    features = {field.name: _feature(field.type) for field in fields}
    for name, classes in (("cell", cells), (LABEL.name, labels)):
        if classes:
            features[name] = {"names": list(classes), "_type": "ClassLabel"}
    return pa.schema(fields, metadata=_metadata(features))


def data_schema(cells: Sequence[str], labels: Sequence[str], rate_hz: int, stems: bool) -> pa.Schema:
    """Return the schema of a Parquet shard: MANIFEST with the column ``audio``, and ``stems`` if wanted."""
    plain = manifest_schema(cells, labels)
    audio = {"sampling_rate": rate_hz, "_type": "Audio"}
    fields = [pa.field("audio", AUDIO), *plain]
    features = {"audio": audio, **json.loads(plain.metadata[b"huggingface"])["info"]["features"]}
    if stems:
        fields.append(pa.field("stems", pa.list_(AUDIO)))
        features["stems"] = [audio]
    return pa.schema(fields, metadata=_metadata(features))


def _metadata(features: dict[str, Any]) -> dict[str, str]:
    return {"huggingface": json.dumps({"info": {"features": features}})}


def _feature(kind: pa.DataType) -> Any:  # noqa: ANN401  # a nested dict or list, as the library has it
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]  # as every version of the library reads it: the type List came with 4.0
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"dtype": {"double": "float64", "float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}
