"""The newest image on its way to the browser."""

import asyncio

from app.rendering import RenderOptions
from app.sessions import SessionRegistry
from app.slot import ImageSlot
from app.video_stream import video_parts
from edge.config import EdgeConfig


def test_a_slow_viewer_skips_images_and_a_closed_slot_ends_it() -> None:
    async def follow() -> list[bytes]:
        slot, seen = ImageSlot(), []
        slot.put(b"1")
        async for jpeg in slot.follow():
            seen.append(jpeg)
            if jpeg == b"1":
                slot.put(b"2")
                slot.put(b"3")
            else:
                slot.close()
        assert slot.viewers == 0
        return seen

    assert asyncio.run(asyncio.wait_for(follow(), 5)) == [b"1", b"3"]


def test_a_tab_that_stopped_gets_no_more_images_of_a_shared_worker() -> None:
    async def follow() -> list[bytes]:
        registry = SessionRegistry()
        one, other = registry.open(), registry.open()
        worker = registry.start(one, EdgeConfig(source="demo"), RenderOptions())
        registry.start(other, EdgeConfig(source="demo"), RenderOptions())
        parts = []
        async for part in video_parts(one, worker):
            parts.append(part)
            if len(parts) == 2:
                registry.stop(one)
        assert worker.running
        registry.shut_down()
        return parts

    assert len(asyncio.run(asyncio.wait_for(follow(), 30))) == 2
