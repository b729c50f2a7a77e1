import Glibc
import Testing

@testable import ExpositionServer

func shutdownSending(_ client: RawClient) { shutdown(client.descriptor, Int32(SHUT_WR)) }

@Suite struct LifecycleTests {
    @Test func severalAddresses() throws {
        let server = ExpositionServer(metrics: FakeMetrics(), api: FakeExporter())
        try server.start(listenAddresses: [
            ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "localhost", port: 0),
        ])
        defer { server.stop() }
        let ports = server.boundAddresses.map(\.port)
        #expect(ports.count == 2 && ports[0] != ports[1] && !ports.contains(0))
        let client = try RawClient(port: ports[0])
        client.request("GET", "/-/healthy")
        #expect(try client.readAnswer().status == 200)
    }

    @Test func aTakenPortIsNamed() throws {
        let first = try TestServer()
        defer { first.server.stop() }
        let second = ExpositionServer(metrics: FakeMetrics(), api: FakeExporter())
        let error = #expect(throws: ExpositionServerError.self) {
            try second.start(listenAddresses: [
                ListenAddress(host: "127.0.0.1", port: 0), ListenAddress(host: "127.0.0.1", port: first.port),
            ])
        }
        #expect(
            error?.description == "cannot listen on 127.0.0.1:\(first.port): address already in use; stop the program "
                + "that holds port \(first.port), or choose another port")
        #expect(second.boundAddresses.isEmpty)
        #expect(try first.answer("GET", "/-/healthy").status == 200)
    }

    @Test func anAddressOfAnotherMachine() {
        let server = ExpositionServer(metrics: FakeMetrics(), api: FakeExporter())
        let error = #expect(throws: ExpositionServerError.self) {
            try server.start(listenAddresses: [ListenAddress(host: "192.0.2.1", port: 0)])
        }
        #expect(error?.description.hasPrefix("cannot listen on 192.0.2.1:0: this machine has no such address") == true)
    }

    @Test func everyAddressOfTheMachine() throws {
        let server = ExpositionServer(metrics: FakeMetrics(), api: FakeExporter())
        try server.start(listenAddresses: [ListenAddress(port: 0)])
        defer { server.stop() }
        let client = try RawClient(port: try #require(server.boundAddresses.first).port)
        client.request("GET", "/metrics")
        #expect(try client.readAnswer().status == 200)
    }

    @Test func stopIsQuickWhateverWaits() throws {
        let test = try TestServer { $0.limits.stopGraceMilliseconds = 200 }
        test.metrics.hold()
        let clients = try (0..<30).map { _ in try test.client() }
        for (index, client) in clients.enumerated() {
            switch index % 3 {
            case 0: client.request("GET", "/api/v1/audit?follow=true")
            case 1: client.request("GET", "/metrics")
            default: client.send("GET /metr")
            }
        }
        #expect(test.metrics.waits { $0.renderings == 1 })
        #expect(test.exporter.waits { $0.publish.count == 10 })
        let begin = MonotonicTime.now()
        // The rendering ends only when the stop is under way: its requests are answered without it.
        let releaser = ThreadHandle(name: "releaser") { [metrics = test.metrics, server = test.server] in
            while !server.boundAddresses.isEmpty { usleep(1000) }
            metrics.release()
        }
        test.server.stop()
        releaser?.join()
        #expect(MonotonicTime.now().milliseconds(since: begin) < 5000)
        for client in clients { #expect(try client.isClosedByServer()) }
        #expect(throws: (any Error).self) { try test.client() }
        test.server.stop()
    }

    @Test func startingAndStoppingOverAndOver() throws {
        for _ in 0..<20 {
            let test = try TestServer { $0.limits.stopGraceMilliseconds = 0 }
            let clients = try (0..<5).map { _ in try test.client() }
            for client in clients { client.request("GET", "/api/v1/audit?follow=true") }
            test.server.stop()
        }
    }

    @Test(arguments: [
        (":10046", nil, 10046), ("localhost:0", "localhost", 0), ("[::1]:9", "::1", 9),
        ("10.0.0.1:65535", "10.0.0.1", 65535),
    ])
    func addressesAreParsed(text: String, host: String?, port: UInt16) throws {
        let address = try ListenAddress(parsing: text)
        #expect(address == ListenAddress(host: host, port: port))
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", "10046", "host:", ":x", ":65536", ":-1", "::1:9", "[::1]", "[::1:9", "[host]:9", "a/b:1", "[]:1",
    ])
    func wrongAddressesAreExplained(text: String) {
        let error = #expect(throws: ExpositionServerError.self) { try ListenAddress(parsing: text) }
        #expect(error?.description.hasPrefix("“\(text)” is no listen address: ") == true)
    }
}
