import Testing

@testable import ExpositionServer

@Suite("GET /api/v1/targets") struct ScrapeTargetsTests {
    private func answer(_ targets: ScrapeTargets, host: String, path: String = "/metrics") throws -> RawClient.Answer {
        let test = try TestServer {
            $0.targets = targets
            $0.telemetryPath = path
        }
        defer { test.server.stop() }
        let client = try test.client()
        client.send("GET /api/v1/targets HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try client.readAnswer()
    }

    @Test(
        "alone, it lists itself under the name by which it was reached",
        arguments: [
            ("exporter.example:10046", "exporter.example:10046"), ("[::1]:9", "[::1]:9"), ("127.0.0.1", "127.0.0.1:80"),
            ("[::1]", "[::1]:80"),
        ])
    func alone(host: String, target: String) throws {
        let answer = try answer(ScrapeTargets(), host: host, path: "/probe")
        #expect(answer.status == 200 && answer["Content-Type"] == "application/json")
        #expect(
            answer.text == "[{\"targets\":[\"\(target)\"],\"labels\":"
                + "{\"__scheme__\":\"http\",\"__metrics_path__\":\"/probe\"}}]\n")
    }

    @Test("a name that no host has is not listed", arguments: ["a\"b", "a b", "a/b", "ü", ":80", "a:x:1"])
    func nonsense(host: String) throws {
        let answer = try answer(ScrapeTargets(), host: host)
        #expect(answer.status == 400)
        #expect(!answer.text.contains("targets"))
    }

    @Test("with peers, it lists every shard, whoever is asked")
    func peers() throws {
        let pattern = "holdfast-{index}.holdfast:10046"
        for index in 0..<2 {
            let targets = ScrapeTargets(shard: .init(index: index, count: 2), peers: pattern)
            let expected = (0..<2).map { peer in
                "{\"targets\":[\"holdfast-\(peer).holdfast:10046\"],\"labels\":{\"__scheme__\":\"http\","
                    + "\"__metrics_path__\":\"/metrics\",\"__meta_holdfast_shard\":\"\(peer)\","
                    + "\"__meta_holdfast_shards\":\"2\"}}"
            }
            #expect(try answer(targets, host: "any").text == "[\(expected.joined(separator: ","))]\n")
        }
    }

    @Test("a shard without peers knows only itself")
    func shard() throws {
        let answer = try answer(ScrapeTargets(shard: .init(index: 1, count: 3)), host: "a:1")
        #expect(answer.text.contains("[\"a:1\"]") && answer.text.contains("\"__meta_holdfast_shard\":\"1\""))
    }

    @Test("patterns", arguments: [("a:1", "has no {index}"), ("{index}", "no port"), (":1{index}", "both given")])
    func mistakes(pattern: String, words: String) throws {
        let mistake = try #require(ScrapeTargets.mistake(inPattern: pattern))
        #expect(mistake.contains(words))
    }

    @Test("good patterns", arguments: ["h-{index}:1", "h:1000{index}", "[fd00::{index}]:1", "{index}.{index}.h:1"])
    func good(pattern: String) {
        #expect(ScrapeTargets.mistake(inPattern: pattern) == nil)
    }

    @Test("with TLS, the scheme and the port that goes without saying are those of https")
    func secure() throws {
        var request = Request(method: "GET", target: try RequestTarget(parsing: "/api/v1/targets"))
        request.host = "exporter.example"
        let response = ScrapeTargets().response(to: request, telemetryPath: "/metrics", isSecure: true)
        guard case .bytes(let bytes) = response.body else {
            Issue.record("no bytes")
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("[\"exporter.example:443\"]") && text.contains("\"__scheme__\":\"https\""))
        request.host = nil
        #expect(ScrapeTargets().response(to: request, telemetryPath: "/metrics", isSecure: true).status == 400)
    }
}
