import Testing

@testable import ExpositionServer

@Suite struct RouteTests {
    @Test func everyPathAnswers() throws {
        let test = try TestServer { $0.lifecycleEnabled = true }
        defer { test.server.stop() }
        let expected: [(method: String, target: String, status: Int, type: String, text: String)] = [
            ("GET", "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "up 1\n"),
            ("GET", "/", 200, "text/html; charset=utf-8", "<!doctype html><title>Holdfast</title>"),
            ("GET", "/-/healthy", 200, "text/plain; charset=utf-8", "Healthy\n"),
            ("GET", "/-/ready", 200, "text/plain; charset=utf-8", "Ready\n"),
            ("POST", "/-/reload", 200, "text/plain; charset=utf-8", "The configuration has been loaded.\n"),
            ("PUT", "/-/reload", 200, "text/plain; charset=utf-8", "The configuration has been loaded.\n"),
            (
                "POST", "/api/v1/streams/queue-1/reconnect", 202, "text/plain; charset=utf-8",
                "The stream “queue-1” will reconnect.\n"
            ),
            (
                "POST", "/api/v1/streams/queue-busy/reconnect", 409, "text/plain; charset=utf-8",
                "It is stopping.\n"
            ),
            ("POST", "/api/v1/streams/x/reconnect", 404, "text/plain; charset=utf-8", "There is no stream “x”.\n"),
            ("GET", "/api/v1/streams", 200, "application/json", "{\"streams\":[]}"),
            ("GET", "/api/v1/audit", 200, "application/x-ndjson", "{\"line\":1}\n"),
            ("GET", "http://exporter.example/-/healthy", 200, "text/plain; charset=utf-8", "Healthy\n"),
        ]
        let client = try test.client()
        for (method, target, status, type, text) in expected {
            client.request(method, target)
            let answer = try client.readAnswer()
            #expect(answer.status == status, "\(method) \(target)")
            #expect(answer["Content-Type"] == type, "\(method) \(target)")
            #expect(answer.text == text, "\(method) \(target)")
        }
    }

    @Test func headHasTheHeadersOfGetAndNoBody() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let client = try test.client()
        for target in [
            "/metrics", "/", "/-/healthy", "/-/ready", "/api/v1/streams", "/api/v1/audit", "/nothing",
        ] {
            client.request("GET", target)
            let get = try client.readAnswer()
            client.request("HEAD", target)
            let head = try client.readAnswer(isHead: true)
            #expect(head.status == get.status, "\(target)")
            let names: (RawClient.Answer) -> [String] = { answer in
                answer.headers.filter { $0.name != "Date" }.map { "\($0.name): \($0.value)" }.sorted()
            }
            #expect(names(head) == names(get), "\(target)")
        }
        // The connection is still in step: no body followed any of them.
        client.request("GET", "/-/healthy")
        #expect(try client.readAnswer().text == "Healthy\n")
        client.request("HEAD", "/api/v1/audit?follow=true")
        let tail = try client.readAnswer(isHead: true)
        #expect(tail.status == 200 && tail["Connection"]?.lowercased() == "close")
        #expect(try client.isClosedByServer())
        #expect(test.server.followerCount == 0)
    }

    @Test func unknownPathsAndMethods() throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let expected: [(method: String, target: String, status: Int, allow: String?)] = [
            ("GET", "/nothing", 404, nil), ("GET", "/metrics/", 404, nil), ("POST", "/x", 404, nil),
            ("POST", "/metrics", 405, "GET, HEAD"), ("DELETE", "/", 405, "GET, HEAD"),
            ("GET", "/-/reload", 405, "POST, PUT"), ("GET", "/api/v1/streams/a/reconnect", 405, "POST"),
            ("OPTIONS", "/-/healthy", 405, "GET, HEAD"), ("BREW", "/-/ready", 405, "GET, HEAD"),
            ("POST", "/-/reload", 403, nil), ("POST", "/api/v1/streams/queue-1/reconnect", 403, nil),
        ]
        for (method, target, status, allow) in expected {
            let answer = try test.answer(method, target)
            #expect(answer.status == status, "\(method) \(target)")
            #expect(answer["Allow"] == allow, "\(method) \(target)")
            #expect(answer["Content-Type"] == "text/plain; charset=utf-8")
        }
        #expect(test.exporter.state.withLock { $0.reconnected.isEmpty })
    }

    @Test func namesAndQueriesAreDecoded() throws {
        let test = try TestServer { $0.lifecycleEnabled = true }
        defer { test.server.stop() }
        #expect(try test.answer("POST", "/api/v1/streams/queue%2F%C3%A4/reconnect").status == 202)
        #expect(test.exporter.state.withLock { $0.reconnected } == ["queue/ä"])
        #expect(try test.answer("GET", "/api/v1/audit?limit=7&stream=a%20b+c&event=gap").status == 200)
        #expect(
            test.exporter.state.withLock { $0.queries } == [AuditQuery(limit: 7, stream: "a b c", event: "gap")])
    }

    @Test(arguments: [
        "/api/v1/audit?limit=-1", "/api/v1/audit?limit=x", "/api/v1/audit?limit=", "/api/v1/audit?limit=10001",
        "/api/v1/audit?limit=99999999999999999999", "/api/v1/audit?follow=maybe", "/api/v1/audit?stream=",
        "/api/v1/audit?stream=%zz", "/api/v1/audit?limit=1&limit=2", "/api/v1/streams/%f/reconnect", "/%FF", "/%00",
        "*",
    ])
    func badTargetsAreRefusedWithASentence(target: String) throws {
        let test = try TestServer()
        defer { test.server.stop() }
        let answer = try test.answer("GET", target)
        #expect(answer.status == 400)
        #expect(answer.text.hasSuffix(".\n"))
    }

    @Test func notReadyAndFailedReload() throws {
        let test = try TestServer { $0.lifecycleEnabled = true }
        defer { test.server.stop() }
        test.exporter.state.withLock { state in
            state.unready = "2 of 3 streams have been started."
            state.reloadError = "holdfast.yml:3:1: unknown key"
        }
        let ready = try test.answer("GET", "/-/ready")
        #expect(ready.status == 503 && ready.text == "2 of 3 streams have been started.\n")
        let reload = try test.answer("POST", "/-/reload")
        #expect(reload.status == 500)
        #expect(reload.text == "The configuration has not been loaded: holdfast.yml:3:1: unknown key\n")
    }

    @Test func anotherTelemetryPathAndHeaders() throws {
        let web = try WebConfiguration(headers: ["X-Frame-Options": "deny"])
        let test = try TestServer(web: web) { $0.telemetryPath = "probe/metrics" }
        defer { test.server.stop() }
        let answer = try test.answer("GET", "/probe/metrics")
        #expect(answer.status == 200 && answer["X-Frame-Options"] == "deny")
        #expect(try test.answer("GET", "/metrics").status == 404)
    }
}
