"""Python's websockets and json: processor time of a message in nanoseconds."""
import asyncio, json, resource, sys
import websockets


def processor_ns():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e9


async def main(port, compression):
    async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=compression) as socket:
        await socket.recv()
        began, count, highest = processor_ns(), 0, 0
        try:
            while True:
                message = json.loads(await socket.recv())
                highest = max(highest, message.get("sequence", 0))
                count += 1
        except websockets.ConnectionClosed:
            pass
    print(f"{(processor_ns() - began) / count:.1f}")


asyncio.run(main(sys.argv[1], "deflate" if len(sys.argv) > 2 else None))
