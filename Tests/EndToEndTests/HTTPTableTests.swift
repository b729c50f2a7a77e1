import Foundation
import Testing

extension EndToEnd {
    private static let answers = [
        ("/metrics", "text/plain; version=0.0.4"), ("/", "text/html"), ("/-/healthy", ""), ("/-/ready", ""),
        ("/api/v1/streams", "application/json"), ("/api/v1/audit", "application/x-ndjson"),
    ]

    @Test(arguments: [false, true])
    func everyPathAnswersAsTheTableSays(lifecycle: Bool) async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("s", "")]), in: folder,
                flags: lifecycle ? ["--web.enable-lifecycle"] : [])
            let (peer, _, _) = try gateway.live("s")
            try exporter.wait("holdfast_stream_up", "s", is: 1)
            for (path, type) in Self.answers {
                let get = try exporter.get(path)
                #expect(get.status == 200, "GET \(path)")
                #expect(get.headers["content-type"]?.hasPrefix(type) == true, "\(path): \(get.headers)")
                #expect(!get.body.isEmpty)
                let head = try HTTP.request("HEAD", exporter.port, path)
                #expect(head.status == 200 && head.body.isEmpty, "HEAD \(path)")
                #expect(head.headers["content-type"] == get.headers["content-type"])
                for method in ["POST", "DELETE", "PATCH"] {
                    let wrong = try HTTP.request(method, exporter.port, path)
                    #expect(wrong.status == 405, "\(method) \(path)")
                    let allowed = wrong.headers["allow"] ?? ""
                    #expect(allowed.contains("GET") && allowed.contains("HEAD"), "\(method) \(path): \(allowed)")
                }
            }
            for path in ["/nothing", "/metrics/", "/api/v1", "/api/v1/streams/s", "/-/quit"] {
                #expect(try exporter.get(path).status == 404, "GET \(path)")
            }
            for path in ["/-/reload", "/api/v1/streams/s/reconnect"] {
                let get = try exporter.get(path)
                #expect(get.status == 405 && get.headers["allow"]?.contains("POST") == true, "GET \(path)")
                #expect(try HTTP.request("DELETE", exporter.port, path).status == 405)
            }
            if lifecycle {
                #expect(try exporter.post("/-/reload").status == 200)
            } else {
                #expect(try exporter.post("/-/reload").status == 403)
                #expect(try exporter.post("/api/v1/streams/s/reconnect").status == 403)
                #expect(try exporter.post("/api/v1/streams/nobody/reconnect").status == 403)
            }
            let streams = try JSON(parsing: try exporter.get("/api/v1/streams").text)
            #expect(streams["streams"]?.array.first?["stream"] == .string("s"))
            #expect(streams["streams"]?.array.first?["state"] == .string("live"))
            #expect(try exporter.get("/").text.contains("live"))
            #expect(try exporter.stop() == 0)
            _ = peer
        }
    }

    @Test func scrapesAreNegotiated() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let exporter = try Exporter(
                Self.configuration(gateway, folder, streams: [("s", "")]), in: folder,
                flags: ["--web.telemetry-path", "/other"])
            #expect(try exporter.get("/metrics").status == 404)
            let open = "application/openmetrics-text"
            for (accept, type) in [
                ("", "text/plain"), ("*/*", "text/plain"), ("\(open);version=1.0.0", open),
                ("\(open);version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.9", "text/plain"),
                ("\(open);version=1.0.0,\(open);version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", open),
                ("\(open);version=1.0.0;q=0, text/plain;q=0.1", "text/plain"), ("application/json", "text/plain"),
            ] {
                let answer = try exporter.get("/other", headers: accept.isEmpty ? [:] : ["Accept": accept])
                #expect(answer.headers["content-type"]?.hasPrefix(type) == true, "\(accept): \(answer.headers)")
                #expect(answer.text.hasSuffix("# EOF\n") == (type == open))
            }
            let zipped = try exporter.get("/other", headers: ["Accept-Encoding": "gzip"])
            #expect(zipped.headers["content-encoding"] == "gzip")
            try Data(zipped.body).write(to: URL(fileURLWithPath: folder.file("scrape.gz")))
            let gunzip = try Program("/bin/gzip", ["-dc", folder.file("scrape.gz")], in: folder, name: "gunzip")
            #expect(try gunzip.status() == 0)
            #expect(gunzip.output.contains("holdfast_stream_up{"))
            let plain = try exporter.get("/other", headers: ["Accept-Encoding": "gzip;q=0, identity"])
            #expect(plain.headers["content-encoding"] == nil)
            #expect(try exporter.stop() == 0)
        }
    }

    @Test func theTrailCanBeFollowed() async throws {
        try await story {
            let gateway = try MockGateway()
            let folder = try Folder()
            let exporter = try Exporter(Self.configuration(gateway, folder, streams: [("s", "")]), in: folder)
            let (peer, _, _) = try gateway.live("s")
            try exporter.waitForLine("stream_live", "s")
            let socket = try Socket(port: exporter.port)
            try socket.write(Array(HTTP.head("GET", exporter.port, "/api/v1/audit?follow=true&stream=s", [:], "").utf8))
            #expect(try socket.readHead().line.contains(" 200 "))
            func follow(until event: String) throws -> String {
                while true {
                    let line = try socket.readLine()
                    if line.contains(#""event":"\#(event)""#) { return line }
                }
            }
            _ = try follow(until: "stream_live")
            peer.socket.close()
            _ = try follow(until: "connection_lost")
            let (next, _, _) = try gateway.live("s", ack: MockGateway.reconnectAck)
            let line = try follow(until: "websocket_reconnection")
            try eventually("the same bytes in the file") {
                folder.text("audit.jsonl").contains(line + "\n") ? true : nil
            }
            // A tail that stays open does not keep the process.
            #expect(try exporter.stop() == 0)
            _ = next
        }
    }
}
