import Foundation
import Testing

extension EndToEnd {
    /// A server that echoes the token in all that it says, and a program that says nothing of it to anybody.
    @Test func noSecretAndNoTokenGetsOut() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let secret = "hush-hush-secret"
            _ = try folder.write("Bearer-file-token-4711\n", to: "token")
            let bearer = """
                    credential: file
                    url: \(gateway.url("b"))
                """
            let text = Self.configuration(gateway, folder, streams: [("s", ""), ("b", "")])
                .replacingOccurrences(
                    of: "defaults:",
                    with: "  file: {type: bearer, token_file: \(folder.file("token"))}\ndefaults:"
                )
                .replacingOccurrences(
                    of: "    url: \(gateway.url("b"))\n    credential: genesys", with: bearer
                )
                .replacingOccurrences(of: "stdout: false", with: "stdout: true")
            let exporter = try Exporter(text, in: folder, flags: ["--log.level", "debug"], waits: false)

            for stream in ["s", "b"] {
                let first = try gateway.next(stream)
                let body =
                    #"{"message":"token \#(first.token) of \#(secret) at /?access_token=\#(first.token) is expired"}"#
                try first.refuse(401, headers: "X-Token: \(first.token)\r\n", body: body)
                let second = try gateway.next(stream)
                try second.refuse(502, headers: "Server: \(second.token)\r\n", body: "<p>\(second.token)</p>")
                let third = try gateway.next(stream)
                let peer = try third.accept()
                _ = try peer.text()
                try peer.close(1008, "no: \(third.token)")
                let (live, _, arrival) = try gateway.live(stream)
                try live.send(#"{"type":"event","sequence":1,"token":"\#(arrival.token)"}"#)
                try live.close(4401, "401 \(arrival.token)")
                let (next, _, again) = try gateway.live(stream, ack: MockGateway.reconnectAck)
                try next.send([0xF1, 0x01] + Array(again.token.utf8))
                // And a status line that is none, with the token in it.
                let last = try gateway.next(stream)
                try last.socket.write(Array("HTTP/1.1 200 \(last.token)\r\nLocation: /\(last.token)\r\n\r\n".utf8))
                last.socket.close()
                try exporter.scrape(until: "the last refusal is counted") {
                    ($0["holdfast_connect_failures_total", stream, ["reason": "http_error"]] ?? 0)
                        + ($0["holdfast_connect_failures_total", stream, ["reason": "protocol"]] ?? 0) >= 1
                }
            }
            var places: [String: String] = [:]
            for path in ["/metrics", "/", "/api/v1/streams", "/api/v1/audit?limit=10000"] {
                places[path] = try exporter.get(path).text
            }
            exporter.program.signal(SIGTERM)
            #expect(try exporter.program.status() == 0)
            places["stdout"] = exporter.program.output
            places["stderr"] = exporter.program.errors
            places["audit"] = folder.text("audit.jsonl")
            #expect(gateway.tokens.count > 3)
            #expect(places["stderr"]?.contains("level=debug") == true, "the log was at its most talkative")
            for (place, text) in places {
                #expect(!text.isEmpty, "\(place)")
                for token in gateway.tokens + [secret, "Bearer-file-token-4711"] {
                    #expect(!text.contains(token), "\(token) in \(place): \(context(of: token, in: text))")
                    let encoded = Data("c:\(secret)".utf8).base64EncodedString()
                    #expect(!text.contains(encoded), "the basic authorization in \(place)")
                }
            }
        }
    }
}

private func context(of needle: String, in text: String) -> String {
    text.split(separator: "\n").first { $0.contains(needle) }.map(String.init) ?? ""
}
