"""The model page: what is known about how right the model is, and what it must not be used for."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import charts
from app.reports import Bundled, bundled, conversion_variants, training_scores
from edge.errors import EmotionError
from edge.model_info import Head

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
    """The page."""
    try:
        models = bundled()
    except EmotionError as error:
        st.error(str(error))
        return
    if not models:
        st.warning("No model is bundled: train one and convert it (`python -m train`, `python -m convert`).")
        return
    chosen = next((model for model in models if model.variant == st.session_state.get("model")), models[0])
    left, right = st.columns(2, gap="large")
    with left:
        _contract(chosen)
    with right:
        st.subheader("Limits of use")
        st.markdown(LIMITS)
    _accuracy(models)
    _details(training_scores(chosen.info))


def _contract(model: Bundled) -> None:
    info = model.info
    st.subheader(f"Contract of the {model.variant} file")
    rows = {
        "Network": info.name,
        "Input": "{} x {} pixels, {}".format(*info.input_size, info.color),
        "Crop": f"the face's square and a margin of {info.crop_margin:.0%}",
        "Labels": ", ".join(info.labels),
        "Data set": info.dataset,
        **{f"Head “{head.name}”": f"{head.meaning}; learned from {head.trained_on}" for head in info.heads},
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
    proofs = conversion_variants(models[0].info)
    st.html(_table(header, [_accuracy_row(*row, splits, proofs.get(row[0].variant)) for row in measured]))


def _accuracy_row(
    model: Bundled, head: Head, truth: str, splits: Sequence[str], proof: Mapping[str, Any] | None
) -> list[str]:
    by_split = head.accuracy[truth]
    figures = [f"{by_split[split]:.2%}" if split in by_split else "" for split in splits]
    losses = proof["losses_by_runtime"][proof["runtime"]].get(head.name, {}) if proof else {}
    agreement = f"{losses['agreement']:.2%}" if "agreement" in losses else ""
    drop = f"{losses['drop_points']:+.2f}" if losses.get("drop_points") is not None else ""
    return [model.variant, f"{model.size_bytes:,}", head.name, truth, *figures, agreement, drop]


def _details(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    if not scores:
        st.info("No report of the training run is shipped for this model: recall and confusions are not known here.")
        return
    choices = [
        (head, truth, split) for head, by_truth in scores.items() for truth in by_truth for split in by_truth[truth]
    ]
    chosen = st.selectbox("Test images", choices, format_func=", ".join, key="group", help=_GROUP_HELP)
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


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table class="facts"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    head = "".join(f"<th>{html.escape(label)}</th>" for label in labels)
    named = zip(labels, counts, strict=True)
    rows = "".join(f"<tr><th>{html.escape(label)}</th>{_cells(row)}</tr>" for label, row in named)
    return f'<div class="scroll"><table class="matrix"><tr><th></th>{head}</tr>{rows}</table></div>'


def _cells(counts: Sequence[int]) -> str:
    return "".join(_cell(count, count / max(1, sum(counts))) for count in counts)


def _cell(count: int, share: float) -> str:
    shade = f"background:color-mix(in srgb, #0072B2 {0.85 * share:.0%}, transparent)"
    return f'<td style="{shade}" title="{count} images">{share:.0%}</td>'
