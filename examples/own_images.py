"""Process your own images (here the demo's): any uint8 array (height, width, 3), blue first."""

from edge import EdgeConfig, Engine, Frame
from edge.sources import DemoSource

engine, camera = Engine(EdgeConfig(fps=0)), DemoSource()
for index in range(5):
    frame = Frame.now(camera.read(), index)
    result = engine.push(frame)  # None if it comes too soon for EdgeConfig.fps
    for face in result.faces if result else ():
        print(face.track_id, face.box, face.emotion, f"{face.confidence:.0%}")
