import Foundation
import StreamModel
import Testing
import WebSocketTransport

@testable import StreamRuntime

@Suite("Cursors of streams")
final class CursorTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "cursors-\(UUID().uuidString)").path
    private let store: CursorStore

    init() throws {
        store = try CursorStore(directory: directory)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    private func bench() -> Bench {
        let bench = Bench()
        bench.options.cursors = store
        return bench
    }

    @Test("a cursor is offered after counting, at most once a second, and at the end")
    func offered() throws {
        let bench = bench()
        let (connection, _) = try bench.live()
        #expect(store.cursor(of: "s")?.lastSequence == nil)
        connection.receive(numbered(1), numbered(2))
        #expect(store.cursor(of: "s")?.lastSequence == 2)
        connection.receive(numbered(3))
        #expect(store.cursor(of: "s")?.lastSequence == 2)
        bench.advance(.seconds(1))
        connection.receive(numbered(4))
        #expect(store.cursor(of: "s")?.lastSequence == 4)
        connection.receive(numbered(5))
        connection.close(1011)
        #expect(store.cursor(of: "s")?.lastSequence == 5)
    }

    @Test("another life resumes where this one was, under the same identifier")
    func resumes() throws {
        store.offer(Cursor(stream: "s", clientID: "kept", lastSequence: 41))
        let bench = bench()
        bench.apply(try Bench.stream(credential: nil))
        let hearing = try bench.hearing()
        #expect(hearing.events.first == .started(lastSequence: 41))
        let connection = try bench.connection()
        #expect(connection.request.target.query?.contains("reconnect=true") == true)
        connection.open()
        #expect(connection.sent.first?.contains(#""clientId":"kept""#) == true)
        #expect(connection.sent.first?.contains(#""lastSequence":41"#) == true)
    }

    @Test("a number that is still waited for is asked for again by the next life")
    func gap() throws {
        let bench = bench()
        let (connection, _) = try bench.live()
        connection.receive(numbered(1))
        bench.advance(.seconds(1))
        connection.receive(numbered(5))
        #expect(store.cursor(of: "s")?.lastSequence == 1)
        bench.advance(.seconds(3))
        connection.receive(numbered(6))
        #expect(store.cursor(of: "s")?.lastSequence == 6)
    }

    @Test("a stream that leaves the plan is forgotten")
    func forgotten() throws {
        store.offer(Cursor(stream: "s", clientID: "kept", lastSequence: 41))
        let bench = bench()
        bench.apply(try Bench.stream(credential: nil))
        bench.apply()
        bench.advance(.seconds(5))
        #expect(bench.removed == ["s"])
        #expect(store.cursor(of: "s") == nil)
    }

    @Test("a stream whose service cannot resume keeps none")
    func notResumable() throws {
        let bench = bench()
        bench.apply(try Bench.stream(profile: "genesys-notify", credential: nil))
        let connection = try bench.connection()
        connection.open()
        connection.receive("{}")
        #expect(try bench.hearing().state == .live)
        #expect(store.cursor(of: "s") == nil)
    }
}
