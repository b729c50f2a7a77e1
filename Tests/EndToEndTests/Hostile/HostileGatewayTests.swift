import Foundation
import Testing

extension EndToEnd {
    /// A gateway that attacks one stream while another, well-behaved one goes on. Each time: a named reason, bounded
    /// memory, and not one message less on the other stream.
    @Suite struct HostileGateway {
        @Test func aFrameAByteAtATime() async throws {
            try await story {
                let siege = try Siege()
                let peer = try siege.live()
                for number in 1...20 {
                    for byte in WebSocketWire.frame(1, Array(Peer.event(number).utf8)) { try peer.send([byte]) }
                    if number == 10 { try siege.demandProgress() }
                }
                try siege.exporter.wait("holdfast_messages_received_total", "attacked", is: 20)
                try siege.exporter.wait("holdfast_messages_lost_total", "attacked", is: 0)
                try siege.end()
            }
        }

        @Test(arguments: ["X-A: b\r\n", "a"])
        func aResponseHeadOfTenMebibytes(part: String) async throws {
            try await story {
                let siege = try Siege()
                let arrival = try siege.arrival()
                try arrival.socket.write(Array("HTTP/1.1 101 Switching Protocols\r\nX: ".utf8))
                let chunk = Array(String(repeating: part, count: 65_536 / part.utf8.count).utf8)
                for _ in 0..<160 {
                    // The client ends the connection when it has seen enough.
                    do { try arrival.socket.write(chunk) } catch { break }
                }
                try siege.demandReason(
                    "holdfast_connect_failures_total", "protocol", event: "connect_failed", detail: "head")
                try siege.end()
            }
        }

        @Test(arguments: [65_536, 0])
        func aMessageWithoutEndInFragments(size: Int) async throws {
            try await story {
                let siege = try Siege()
                let peer = try siege.live()
                let fragment = [UInt8](WebSocketWire.frame(0, Array(repeating: 0x61, count: size)))
                let continuation = [fragment[0] & 0x7F] + fragment.dropFirst()
                try peer.send([0x01, 0x00])
                // Of empty ones as many as a gibibyte of large ones would be, and more.
                let batch = Array(repeatElement(continuation, count: size == 0 ? 8192 : 1).joined())
                for _ in 0..<(size == 0 ? 4 * Siege.scale : 16_384) {
                    // What it is not told any more the client reads and drops, until the peer has had its time to close.
                    do { try peer.send(batch) } catch { break }
                }
                if size == 0 {
                    // Nothing was sent, however often: it is no message yet, and none that is too large.
                    try peer.send([0x80, 0x00])
                    try siege.exporter.wait("holdfast_messages_received_total", "attacked", is: 1)
                } else {
                    try siege.demandReason("holdfast_disconnects_total", "too_large", event: "connection_lost")
                }
                try siege.end()
            }
        }

        @Test func aMillionPings() async throws {
            try await story {
                let siege = try Siege()
                let peer = try siege.live()
                let batch = Array(repeatElement(WebSocketWire.frame(9, Array("ping".utf8)), count: 10_000).joined())
                // Nothing of what the client answers is read until the last is sent.
                for number in 1...10 * Siege.scale {
                    try peer.send(batch)
                    if number == 5 { try siege.demandProgress() }
                }
                try peer.event(1)
                try siege.exporter.wait("holdfast_last_sequence", "attacked", is: 1)
                try siege.end()
            }
        }

        @Test func deepJSON() async throws {
            try await story {
                let siege = try Siege()
                let arrival = try siege.arrival()
                let peer = try arrival.accept()
                _ = try peer.text()
                let deep = [
                    String(repeating: "[", count: 500_000), String(repeating: #"{"type":"#, count: 100_000),
                    String(repeating: #"{"data":[{"sequence":"#, count: 40_000) + "1",
                ]
                // Before the acknowledgment, when messages are looked at more closely, and while live.
                try peer.send(deep)
                try peer.send(MockGateway.ack)
                try siege.exporter.wait("holdfast_stream_up", "attacked", is: 1)
                try siege.exporter.wait("holdfast_messages_flushed_total", "attacked", is: 3)
                try peer.send(deep)
                try peer.event(1, 2)
                try siege.exporter.wait("holdfast_messages_received_total", "attacked", is: 5)
                try siege.exporter.wait("holdfast_last_sequence", "attacked", is: 2)
                try siege.end()
            }
        }

        @Test func sequencesThatAreNone() async throws {
            try await story {
                let siege = try Siege()
                let peer = try siege.live()
                try peer.event(1)
                let strange = [
                    "-1", "1.5", "2.0", "1e3", "1E400", "-0", "9223372036854775808", "18446744073709551616",
                    String(repeating: "9", count: 10_000), "null", "true", "[2]", "{}", #""2""#, "02", "0x2", "+2",
                    "NaN",
                ]
                try peer.send(strange.map { #"{"type":"event","sequence":\#($0)}"# })
                try peer.event(2)
                try siege.exporter.wait("holdfast_messages_received_total", "attacked", is: Double(strange.count + 2))
                let scrape = try siege.exporter.scrape()
                #expect(scrape["holdfast_last_sequence", "attacked"] == 2)
                #expect(scrape["holdfast_messages_expected_total", "attacked"] == 2)
                #expect(scrape["holdfast_sequence_gaps_total", "attacked"] == 0)
                #expect(scrape["holdfast_messages_duplicate_total", "attacked"] == 0)
                try siege.end()
            }
        }

        @Test func aJumpOfATrillionMillions() async throws {
            try await story {
                let siege = try Siege()
                let peer = try siege.live()
                try peer.event(1, 1_000_000_000_000_000_000, 9_223_372_036_854_775_807)
                let scrape = try siege.exporter.scrape(until: "both jumps are lost") {
                    ($0["holdfast_messages_lost_total", "attacked"] ?? 0) > 9e18
                }
                #expect(scrape["holdfast_sequence_gaps_total", "attacked"] == 2)
                #expect(scrape["holdfast_messages_received_total", "attacked"] == 3)
                #expect(scrape["holdfast_messages_pending", "attacked"] == 0)
                let ratio = scrape["holdfast_continuity_ratio", "attacked"] ?? -1
                #expect((0...1).contains(ratio))
                let lines = try siege.exporter.trail().filter { $0.event == "messages_lost" }
                #expect(lines.count == 2, "a range is one line")
                // Numbers in every order, so that every one opens a gap or looks like a new numbering.
                try peer.send(
                    (0..<20_000).map { Peer.event($0 % 2 == 0 ? 9_000_000_000_000_000_000 + $0 : 40_000 - $0) })
                try siege.exporter.wait("holdfast_messages_received_total", "attacked", is: 20_003)
                try siege.end()
            }
        }

        @Test(arguments: ["length", "chunks"])
        func aTokenAnswerOfAHundredMebibytes(framing: String) async throws {
            try await story {
                let server = try RawServer { socket in
                    var head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    if framing == "length" { head += "Content-Length: \(100 << 20)\r\n" }
                    if framing == "chunks" { head += "Transfer-Encoding: chunked\r\n" }
                    try socket.write(Array((head + "\r\n").utf8))
                    let part = [UInt8](repeating: 0x20, count: 1 << 20)
                    for _ in 0..<100 {
                        if framing == "chunks" { try socket.write(Array("100000\r\n".utf8)) }
                        try socket.write(part)
                        if framing == "chunks" { try socket.write(Array("\r\n".utf8)) }
                    }
                }
                let siege = try Siege(tokenURL: "http://127.0.0.1:\(server.port)/oauth/token")
                try siege.demandReason(
                    "holdfast_connect_failures_total", "token", event: "connect_failed",
                    detail: "larger than 65536 bytes")
                let outcome = ["credential": "attacked", "outcome": "error"]
                #expect(try siege.exporter.scrape().value("holdfast_token_requests_total", outcome) == 1)
                try siege.end()
            }
        }

        @Test func aRedirectOfTheTokenRequestIsNotFollowed() async throws {
            try await story {
                let elsewhere = try MockGateway()
                let server = try RawServer { [url = elsewhere.tokenURL] socket in
                    try socket.write(
                        Array("HTTP/1.1 307 Temporary Redirect\r\nLocation: \(url)\r\nContent-Length: 0\r\n\r\n".utf8))
                    _ = try socket.readToEnd()
                }
                let siege = try Siege(tokenURL: "http://127.0.0.1:\(server.port)/oauth/token")
                try siege.demandReason(
                    "holdfast_connect_failures_total", "token", event: "connect_failed", detail: "307")
                #expect(elsewhere.tokenRequests.isEmpty, "the secret was sent to somebody else")
                try siege.end()
            }
        }

        @Test(arguments: [302, 308])
        func aRedirectOfTheHandshakeIsNotFollowed(status: Int) async throws {
            try await story {
                let elsewhere = try MockGateway()
                let siege = try Siege()
                try siege.arrival().refuse(status, headers: "Location: \(elsewhere.url("attacked"))\r\n")
                let line = try siege.demandReason(
                    "holdfast_connect_failures_total", "http_error", event: "connect_failed", detail: "redirect")
                #expect(line["httpStatus"] == .number(Double(status)))
                #expect(elsewhere.handshakeCount == 0, "the token was sent to somebody else")
                try siege.end()
            }
        }

        @Test(arguments: ["a byte now and then", "hints without end"])
        func aHandshakeThatNeverEnds(how: String) async throws {
            try await story {
                let siege = try Siege(connectTimeout: "2s")
                let arrival = try siege.arrival()
                try arrival.socket.write(Array("HTTP/1.1 1".utf8))
                if how == "a byte now and then" {
                    try arrival.socket.write(Array("01 Switching Protocols\r\nX: ".utf8))
                    // More comes for as long as the client takes it: what never falls silent is given up all the same.
                    while (try? arrival.socket.write([0x61])) != nil { usleep(20_000) }
                } else if how == "hints without end" {
                    try arrival.socket.write(Array("03 Early Hints\r\n\r\n".utf8))
                    while (try? arrival.socket.write(Array("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".utf8)))
                        != nil
                    {
                    }
                }
                let reason = how == "hints without end" ? "protocol" : "timeout"
                try siege.demandReason("holdfast_connect_failures_total", reason, event: "connect_failed")
                try siege.end()
            }
        }

        @Test func anInflateBomb() async throws {
            try await story {
                let siege = try Siege()
                let arrival = try siege.arrival()
                let key = arrival.headers["sec-websocket-key"] ?? ""
                #expect(arrival.headers["sec-websocket-extensions"]?.contains("permessage-deflate") == true)
                try arrival.socket.write(
                    Array(
                        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            + "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                            + "Sec-WebSocket-Accept: \(WebSocketWire.acceptance(of: key))\r\n\r\n").utf8))
                let peer = Peer(arrival.socket)
                _ = try peer.frame()
                try peer.send(MockGateway.ack)
                try siege.exporter.wait("holdfast_stream_up", "attacked", is: 1)
                // A mebibyte that inflates to 158.
                var bomb = WebSocketWire.frame(2, DeflateBomb.bytes(1 << 20))
                bomb[0] |= 0x40
                try peer.send(bomb)
                try siege.demandReason("holdfast_disconnects_total", "too_large", event: "connection_lost")
                try siege.end()
            }
        }
    }
}

/// Deflate data (RFC 1951) that is nearly all repetition.
private enum DeflateBomb {
    /// So many bytes of a block with fixed codes: a zero, and then again and again 258 bytes from one byte back.
    static func bytes(_ count: Int) -> [UInt8] {
        var bits: [Bool] = [false, true, false]
        // Codes are written from their highest bit on (section 3.2.6): literal 0, then length 258 at distance 1.
        bits += [false, false, true, true, false, false, false, false]
        let again: [Bool] = [true, true, false, false, false, true, false, true] + Array(repeating: false, count: 5)
        // Thirteen bits: after eight of them the bytes repeat.
        while bits.count < 8 * (2 + 2 * 13) { bits += again }
        let bytes = stride(from: 0, to: bits.count - 7, by: 8).map { start in
            (0..<8).reduce(UInt8(0)) { $0 | (bits[start + $1] ? 1 << UInt8($1) : 0) }
        }
        let period = bytes[2..<15]
        return Array(bytes[..<2] + repeatElement(period, count: (count - 2) / 13).joined())
    }
}
