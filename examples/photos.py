"""List the photos of a folder, the happiest one first: python examples/photos.py FOLDER."""

import sys
from pathlib import Path

from edge import EdgeConfig, Engine
from edge.sources import PORTRAIT

folder = Path(sys.argv[1]) if sys.argv[1:] else PORTRAIT.parent
happiness = []
with Engine(EdgeConfig(source=str(folder))) as engine:
    for frame, result in engine.results():
        happiest = max((face.scores.as_dict()["happy"] for face in result.faces), default=0.0)
        happiness.append((happiest, frame.index, len(result.faces)))
for score, index, faces in sorted(happiness, reverse=True):
    print(f"{score:.0%} photo {index} with {faces} faces")
