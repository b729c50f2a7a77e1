import Testing

@testable import ExpositionServer

@Suite struct FollowerTests {
    @Test func aFollowerGetsTheSnapshotAndWhatComes() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let client = try test.client()
        client.request("GET", "/api/v1/audit?follow=true&limit=5&event=gap")
        let head = try client.readHead()
        #expect(head.status == 200 && head["Transfer-Encoding"] == "chunked")
        #expect(head["Content-Type"] == "application/x-ndjson")
        #expect(test.exporter.waits { $0.publish.count == 1 })
        test.exporter.publish("{\"line\":2}\n")
        let text = try client.readChunks(until: "2}\n")
        test.exporter.publish("{\"line\":3}\n")
        #expect(text + (try client.readChunks(until: "3}\n")) == "{\"line\":1}\n{\"line\":2}\n{\"line\":3}\n")
        #expect(test.exporter.state.withLock { $0.queries } == [AuditQuery(limit: 5, event: "gap")])
        #expect(test.server.followerCount == 1)
    }

    @Test func aKeepaliveNoticesADepartedFollower() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        var client: RawClient? = try test.client()
        client?.request("GET", "/api/v1/audit?follow=true")
        _ = try client?.readHead()
        _ = try client?.readChunks(until: "1}\n")
        test.server.tick(now: .now().advanced(byMilliseconds: 14_000))
        test.server.tick(now: .now().advanced(byMilliseconds: 16_000))
        #expect(try client?.readChunk() == "\n")
        client = nil
        // The first line after the departure is answered with a reset, the second one finds the connection gone.
        var now = MonotonicTime.now().advanced(byMilliseconds: 40_000)
        let deadline = MonotonicTime.now().advanced(byMilliseconds: 10_000)
        while test.exporter.state.withLock({ $0.cancelled }) == 0, .now() < deadline {
            test.server.tick(now: now)
            now = now.advanced(byMilliseconds: 16_000)
            _ = test.exporter.state.wait(until: .now().advanced(byMilliseconds: 5)) { $0.cancelled > 0 ? true : nil }
        }
        #expect(test.exporter.state.withLock { $0.cancelled } == 1)
        #expect(test.server.followerCount == 0)
    }

    @Test func aFollowerThatStopsReadingDelaysNobody() throws {
        let test = try TestServer { $0.limits.followerQueueBytes = 64 * 1024 }
        defer { test.server.stop() }
        let stuck = try test.client(receiveBufferBytes: 4096)
        stuck.request("GET", "/api/v1/audit?follow=true")
        _ = try stuck.readHead()
        #expect(test.exporter.waits { $0.publish.count == 1 })
        let line = String(repeating: "x", count: 1023) + "\n"
        // More than all buffers on the way can hold.
        for _ in 0..<20_000 { test.exporter.publish(line) }
        #expect(test.exporter.state.withLock { $0.dropped } > 1000)
        #expect(try test.answer("GET", "/metrics").status == 200)
        #expect(try test.answer("GET", "/-/healthy").status == 200)
    }

    @Test func stopEndsFollowersWithWhatIsQueued() throws {
        let test = try TestServer { $0.limits.stopGraceMilliseconds = 5000 }
        let client = try test.client()
        client.request("GET", "/api/v1/audit?follow=true")
        _ = try client.readHead()
        #expect(test.exporter.waits { $0.publish.count == 1 })
        test.exporter.publish("last\n")
        test.server.stop()
        #expect(try client.readChunks(until: "last\n") == "{\"line\":1}\nlast\n")
        #expect(try client.readChunk() == nil)
        #expect(try client.isClosedByServer())
        #expect(test.exporter.state.withLock { $0.cancelled } == 1)
    }

    @Test func followersAreLimited() throws {
        let test = try TestServer { $0.limits.followers = 1 }
        defer { test.server.stop() }
        let client = try test.client()
        client.request("GET", "/api/v1/audit?follow=true")
        #expect(try client.readHead().status == 200)
        #expect(try test.answer("GET", "/api/v1/audit?follow=1").status == 503)
    }

    @Test func whatDoesNotFitIsDroppedCountedAndNamed() {
        let dropped = Monitor(0)
        let follower = Follower(
            capacity: 10, now: .now(), onDrop: { count in dropped.withLock { $0 += count } },
            notice: { Array("-\($0)\n".utf8) })
        follower.publish(Array("aaaa\n".utf8))
        follower.open(snapshot: Array("a long snapshot\n".utf8)) {}
        follower.publish(Array("bbbb\n".utf8))
        follower.publish(Array("c\n".utf8))
        follower.publish(Array("d\n".utf8))
        #expect(dropped.withLock { $0 } == 2)
        #expect(Self.read(follower) == "a long snapshot\naaaa\nbbbb\n")
        follower.publish(Array("e\n".utf8))
        #expect(Self.read(follower) == "-2\ne\n")
        follower.publish(Array("f\n".utf8))
        follower.finish()
        follower.publish(Array("g\n".utf8))
        #expect(Self.read(follower) == "f\n")
    }

    @Test func anEndBeforeTheSnapshotLosesNothing() {
        let follower = Follower(capacity: 10, now: .now())
        follower.publish(Array("b\n".utf8))
        follower.finish()
        #expect(Self.read(follower) == "")
        let ends = Monitor(0)
        follower.open(snapshot: Array("a\n".utf8)) { ends.withLock { $0 += 1 } }
        #expect(Self.read(follower) == "a\nb\n")
        #expect(ends.withLock { $0 } == 1)
    }

    @Test func theEndIsToldOnce() {
        let ends = Monitor(0)
        let follower = Follower(capacity: 10, now: .now())
        follower.abandon()
        follower.open(snapshot: []) { ends.withLock { $0 += 1 } }
        follower.finish()
        follower.abandon()
        #expect(ends.withLock { $0 } == 1)
    }

    private static func read(_ follower: Follower) -> String {
        var text = ""
        var room = [UInt8](repeating: 0, count: 7)
        while case .bytes(let count) = room.withUnsafeMutableBytes({ follower.read(into: $0) }) {
            text += String(decoding: room[..<count], as: UTF8.self)
        }
        return text
    }
}
