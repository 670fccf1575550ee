"""The model page: what is known about how right the model is, and what it must not be used for."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import charts
from app.reports import MAJORITY, SPLIT, Bundled, bundled, conversion_losses, of_a_hundred, training_scores
from edge.errors import EmotionError
from edge.model_info import PEOPLE, Head

RIGHT = (
    "On test photos it agreed with most people for <b>{} of 100</b> faces. These photos are small and "
    "gray and from the web: on your camera it may be wrong more often."
)
LIMITS = """
- It tells the **expression** that people would see in a face, not what the person feels.
- FER-2013's labels are noisy: people agree with them on 65 ± 5% of the images (Goodfellow et al., 2013), so no
  honest figure here is near 100%.
- It is weakest on disgust, fear and sad, in bad light, on turned or covered faces, and on faces below 50 pixels.
- FER-2013 was collected from the web and is not balanced by age, skin color or culture: expect uneven errors.
- Don't decide about people with it. In the European Union, emotion recognition at work and in education is
  prohibited (Regulation (EU) 2024/1689, Article 5).
"""


def show() -> None:
    """The page: what it is not for, how right it is in one number, then everything that is known."""
    try:
        models = bundled()
    except EmotionError as error:
        st.error(str(error))
        return
    if not models:
        st.warning("No model is bundled: train one and convert it (`python -m train`, `python -m convert`).")
        return
    chosen = next((model for model in models if model.variant == st.session_state.get("model")), models[0])
    if (right := of_a_hundred(chosen.info)) is not None:
        st.html(f'<p class="lead">{RIGHT.format(right)}</p>')
    st.subheader("Limits of use")
    st.markdown(LIMITS)
    _details(training_scores(chosen.info))
    _accuracy(models)
    _contract(chosen)


def _contract(model: Bundled) -> None:
    info = model.info
    st.subheader(f"What the {model.variant} file says of itself")
    rows = {
        "Network": info.name,
        "Input": "{} x {} pixels, {}".format(*info.input_size, info.color),
        "Crop": f"the face's square and a margin of {info.crop_margin:.0%}",
        "Labels": ", ".join(info.labels),
        "Data set": info.dataset,
        **{f"Scores “{head.name}”": f"{head.meaning}; learned from {head.trained_on}" for head in info.heads},
        "File": f"{model.size_bytes:,} bytes",
        "Keras file": info.keras_sha256[:12] or "unknown",
        "Made with": ", ".join(f"{name} {version}" for name, version in info.versions.items()) or "unknown",
    }
    st.html(_table([], [[name, text] for name, text in rows.items()]))


def _accuracy(models: Sequence[Bundled]) -> None:
    st.subheader("How often each file is right, and what conversion changed")
    st.caption(
        "“people”: right is what most of ten people said of the image (FER+). “label”: right is what one annotator "
        "wrote (FER-2013); two people agree with each other on about two of three of these."
    )
    measured = [(model, head, truth) for model in models for head in model.info.heads for truth in head.accuracy]
    splits = sorted({split for _, head, truth in measured for split in head.accuracy[truth]})
    header = ["file", "bytes", "scores", "right is", *splits, "agrees with Keras", "drop in points"]
    losses = conversion_losses(models[0].info)
    rows = [_accuracy_row(*row, splits, losses.get(row[0].variant, {})) for row in measured]
    st.html(_table(header, rows, "figures"))


def _accuracy_row(
    model: Bundled, head: Head, truth: str, splits: Sequence[str], losses: Mapping[str, Any]
) -> list[str]:
    by_split = head.accuracy[truth]
    figures = [f"{by_split[split]:.2%}" if split in by_split else "" for split in splits]
    lost = losses.get(head.name, {})
    agreement = f"{lost['agreement']:.2%}" if "agreement" in lost else ""
    drop = f"{lost['drop_points']:+.2f}" if lost.get("drop_points") is not None else ""
    return [model.variant, f"{model.size_bytes:,}", head.name, truth, *figures, agreement, drop]


def _details(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    if not scores:
        st.info("No report of the training run is shipped for this model: recall and confusions are not known here.")
        return
    choices = [
        (head, truth, split) for head, by_truth in scores.items() for truth in by_truth for split in by_truth[truth]
    ]
    usual = (PEOPLE, MAJORITY, SPLIT)
    first = choices.index(usual) if usual in choices else 0
    chosen = st.selectbox("Test images", choices, first, format_func=", ".join, key="group", help=_GROUP_HELP)
    score = scores[chosen[0]][chosen[1]][chosen[2]]
    recall, confusion = st.columns([2, 3], gap="large")
    with recall:
        st.subheader("Recall")
        st.caption(f"Of the {score['count']:,} images: the share of each class that was found.")
        bars = "".join(charts.bar(label, share) for label, share in score["recall"].items())
        st.markdown(bars, unsafe_allow_html=True)
    with confusion:
        st.subheader("Confusions")
        st.caption("Rows are the true class, columns the answer; shares of the row.")
        st.html(_matrix(list(score["recall"]), score["confusion"]))


_GROUP_HELP = "Which scores, what counts as right, and which part of the test images the figures below are about."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    whole = f'<table class="facts {kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll" tabindex="0">{whole}</div>'


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    head = "".join(f"<th><span>{html.escape(label)}</span></th>" for label in labels)
    named = zip(labels, counts, strict=True)
    rows = "".join(f"<tr><th>{html.escape(label)}</th>{_cells(row)}</tr>" for label, row in named)
    return f'<div class="scroll" tabindex="0"><table class="matrix"><tr><th></th>{head}</tr>{rows}</table></div>'


def _cells(counts: Sequence[int]) -> str:
    return "".join(_cell(count, count / max(1, sum(counts))) for count in counts)


def _cell(count: int, share: float) -> str:
    shade = f"background:color-mix(in srgb, #0072B2 {0.7 * share:.0%}, transparent)"
    return f'<td style="{shade}" title="{count} images">{share:.0%}</td>'
