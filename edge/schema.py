"""The JSON lines for results, and for cameras that fail or recover, and their JSON Schema."""

import time
from collections import Counter
from dataclasses import replace
from typing import Any

from edge.names import own_device
from edge.results import CameraState, CameraStatus, Face, FrameResult

SCHEMA = 2
"""Version of the lines; it grows when a field changes its meaning or is removed. New fields may appear any time."""


def to_json(result: FrameResult, device: str = "") -> dict[str, Any]:
    """The result as JSON values, as in `json_schema`; all numbers are finite. `device` is this one unless given."""
    timings = {name.removesuffix("_ms"): round(value, 3) for name, value in vars(result.timings).items()}
    return {
        "schema": SCHEMA,
        "device": device or own_device(),
        "source": result.source,
        **({} if result.file is None else {"file": result.file}),
        "frame_index": result.frame_index,
        "captured_at": round(result.captured_at, 3),
        "position_s": None if result.position_s is None else round(result.position_s, 3),
        "age_ms": round(result.age_ms, 1),
        "scores": result.scores,
        "faces": [_face(face) for face in result.faces],
        "timings_ms": timings,
    }


def status_to_json(status: CameraStatus, device: str = "") -> dict[str, Any]:
    """A line about a camera's state: it has `state`, and no `faces` (but see `frozen_to_json`)."""
    return {
        "schema": SCHEMA,
        "device": device or own_device(),
        "source": status.name,
        "state": status.state.value,
        "reason": status.reason,
        "since": round(status.since_unix_s, 3),
    }


def frozen_to_json(status: CameraStatus, last: FrameResult, device: str = "") -> dict[str, Any]:
    """A line about a frozen camera: its state, and the result of the image that it keeps showing, with its true age."""
    age_ms = (time.monotonic() - last.captured_monotonic_s) * 1000
    return {**to_json(replace(last, age_ms=age_ms), device), **status_to_json(status, device)}


def people_to_json(result: FrameResult, device: str = "") -> dict[str, Any]:
    """A short line for a service's journal: how many people are in view, and with which emotions."""
    return {
        "schema": SCHEMA,
        "device": device or own_device(),
        "source": result.source,
        "captured_at": round(result.captured_at, 3),
        "people": len(result.faces),
        "emotions": count_emotions(result),
    }


def count_emotions(result: FrameResult) -> dict[str, int]:
    """The number of faces that show each emotion."""
    return dict(sorted(Counter(face.emotion for face in result.faces).items()))


def _face(face: Face) -> dict[str, Any]:
    return {
        "box": list(face.box),
        "track_id": face.track_id,
        "emotion": face.emotion,
        "confidence": round(face.confidence, 4),
        "scores": {label: round(score, 4) for label, score in face.scores.as_dict().items()},
        "quality": round(face.quality, 4),
        "face_score": round(face.face_score, 4),
        "certainty": round(face.certainty, 4),
        "intensity": round(face.intensity, 4),
        "valence": round(face.valence, 4),
        "arousal": round(face.arousal, 4),
    }


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a line: one of its three kinds."""
    kinds = {"frame": _frame_schema(), "people": _people_schema(), "camera": _camera_schema()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "One line: a processed frame, who is in view (--journal), or a camera whose state has changed",
        **_with_identity(_object(_NAMES)),
        "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds],
        "$defs": kinds,
    }


def _with_identity(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the fields that only the first line has."""
    version = {"type": "string", "description": "this program's; in the first line only"}
    model = {"type": "string", "description": "the SHA-256 of the network's file; in the first line only"}
    return {**schema, "properties": {**schema["properties"], "version": version, "model_sha256": model}}


_SCHEMA = {"const": SCHEMA, "description": "version of these lines"}
_NAMES = {
    "schema": _SCHEMA,
    "device": {"type": "string", "description": "the device's name: its owner's choice, or its host name and an id"},
    "source": {"type": "string", "description": "the camera's name, or its source's without a password"},
}


def _frame_schema() -> dict[str, Any]:
    frame = _object(
        {
            **_NAMES,
            "frame_index": _number("integer", "counted by the source from 0; gaps are frames not processed", 0),
            "captured_at": _number("number", "when the image was read, Unix seconds"),
            "position_s": {
                "type": ["number", "null"],
                "description": "seconds from the beginning of a video file; null of a live source",
            },
            "age_ms": _number("number", "from reading the image to its result", 0),
            "scores": {
                "type": "string",
                "description": "what all scores are: people (shares of people's votes), label (FER-2013's label), "
                "or a name of the model's own",
            },
            "faces": {"type": "array", "items": _face_schema()},
            "timings_ms": {
                "type": "object",
                "description": "milliseconds of each stage; 0 if it did not run",
                "additionalProperties": {"type": "number", "minimum": 0},
            },
        }
    )
    frame["properties"]["late"] = {"const": True, "description": "it waited for a broker; not of others"}
    frame["properties"]["file"] = {"type": "string", "description": "the photo's name in its folder; not of others"}
    frame["properties"].update(_state_fields())  # not required: only of a camera that has frozen at this image
    return frame


def _people_schema() -> dict[str, Any]:
    return _object(
        {
            **_NAMES,
            "captured_at": _number("number", "when the image was read, Unix seconds"),
            "people": _number("integer", "how many faces are in view", 0),
            "emotions": {
                "type": "object",
                "description": "how many of them show each emotion",
                "additionalProperties": _number("integer", "", 1),
            },
        }
    )


def _camera_schema() -> dict[str, Any]:
    return {
        **_object({**_NAMES, **_state_fields()}),
        "not": {"anyOf": [{"required": ["faces"]}, {"required": ["people"]}]},
    }


def _state_fields() -> dict[str, Any]:
    states = [state.value for state in CameraState]
    return {
        "state": {"enum": states, "description": "online again, or why no new images come"},
        "reason": {"type": "string", "description": "what went wrong, in words; empty if nothing did"},
        "since": _number("number", "when this state began, Unix seconds"),
    }


def _face_schema() -> dict[str, Any]:
    return _object(
        {
            "box": {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 4,
                "maxItems": 4,
                "description": "x, y, width, height in full-frame pixels",
            },
            "track_id": _number("integer", "the same face keeps it from frame to frame", 1),
            "emotion": {
                "type": "string",
                "description": "a key of scores, or uncertain: the best score or the quality is too low",
            },
            "confidence": _number("number", "the score of emotion, or the best one if uncertain", 0, 1),
            "scores": {
                "type": "object",
                "description": "label to smoothed probability; they sum to 1; all alike: nothing is known",
                "additionalProperties": _number("number", "", 0, 1),
            },
            "quality": _number(
                "number", "how well the face can be judged: its size, sharpness, turn, and the share in the image", 0, 1
            ),
            "face_score": _number("number", "the detector's confidence; 1 if it has none", 0, 1),
            "certainty": _number("number", "1 minus the normalised entropy of scores", 0, 1),
            "intensity": _number("number", "distance from neutral on the circumplex", 0, 1),
            "valence": _number("number", "unpleasant to pleasant", -1, 1),
            "arousal": _number("number", "calm to excited", -1, 1),
        }
    )


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _number(kind: str, text: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    limits = {name: value for name, value in (("minimum", low), ("maximum", high)) if value is not None}
    return {"type": kind, **({"description": text} if text else {}), **limits}
