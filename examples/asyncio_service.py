"""An asyncio service: the engine runs in a thread, and each client gets the newest result (nc 127.0.0.1 18765)."""

import asyncio

from edge import EdgeConfig, Engine, FrameResult

newest: list[FrameResult] = []


def watch() -> None:
    with Engine(EdgeConfig(source="demo")) as engine:
        for _, result in engine.results(seconds=4):
            newest[:] = [result]


async def main() -> None:
    asyncio.get_running_loop().run_in_executor(None, watch)
    await asyncio.start_server(lambda _, writer: writer.write(f"{newest}\n".encode()), "127.0.0.1", 18765)
    await asyncio.sleep(3)
    reader, _ = await asyncio.open_connection("127.0.0.1", 18765)
    print((await reader.readline()).decode())


asyncio.run(main())
