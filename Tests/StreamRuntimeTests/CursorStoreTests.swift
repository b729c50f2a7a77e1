import Foundation
import Testing

@testable import StreamRuntime

@Suite("The store of cursors")
final class CursorStoreTests {
    private let directory = FileManager.default.temporaryDirectory.appending(path: "cursors-\(UUID().uuidString)").path

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    private var file: String { directory + "/cursors.jsonl" }
    private var text: String? { FileManager.default.contents(atPath: file).map { String(decoding: $0, as: UTF8.self) } }

    private func store() throws -> CursorStore { try CursorStore(directory: directory) }

    private func write(_ text: String, to path: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test("what was saved is there in the next life, one line a stream, sorted")
    func roundTrip() throws {
        do {
            let store = try store()
            store.offer(Cursor(stream: "b", clientID: "id-b", lastSequence: nil))
            store.offer(Cursor(stream: "a", clientID: "id-a", lastSequence: 42))
            #expect(text == nil)
            try store.save()
        }
        #expect(
            text == """
                {"clientID":"id-a","lastSequence":42,"stream":"a"}
                {"clientID":"id-b","stream":"b"}

                """)
        let store = try store()
        #expect(store.cursor(of: "a") == Cursor(stream: "a", clientID: "id-a", lastSequence: 42))
        #expect(store.cursor(of: "b")?.lastSequence == nil)
        #expect(store.cursor(of: "c") == nil)
    }

    @Test("a forgotten stream is gone from the file as well")
    func forget() throws {
        let store = try store()
        store.offer(Cursor(stream: "a", clientID: "1", lastSequence: 1))
        try store.save()
        store.forget("a")
        store.forget("never there")
        #expect(store.cursor(of: "a") == nil)
        try store.save()
        #expect(text == "")
    }

    @Test("nothing is written where nothing has changed")
    func unchanged() throws {
        let store = try store()
        store.offer(Cursor(stream: "a", clientID: "1", lastSequence: 1))
        try store.save()
        try FileManager.default.removeItem(atPath: file)
        store.offer(Cursor(stream: "a", clientID: "1", lastSequence: 1))
        try store.save()
        #expect(text == nil)
    }

    @Test("a second process is told that the directory is in use, and may have it afterwards")
    func locked() throws {
        do {
            let first = try store()
            let error = try #require(throws: CursorStore.Failure.self) { try CursorStore(directory: directory) }
            #expect(error.description.contains("used by another process"))
            #expect(first.cursor(of: "a") == nil)
        }
        _ = try store()
    }

    @Test(
        "what cannot be understood is set aside, and the lines around it are kept",
        arguments: ["{\"stream\":", "\u{0}\u{0}", "[]", "{\"stream\":\"x\"}", "{\"clientID\":1,\"stream\":\"x\"}"])
    func damaged(line: String) throws {
        let damaged = "{\"clientID\":\"1\",\"stream\":\"a\",\"lastSequence\":7}\n\(line)\n"
        try write(damaged, to: file)
        let store = try store()
        #expect(store.cursor(of: "a")?.lastSequence == 7)
        let aside = FileManager.default.contents(atPath: file + ".unreadable")
        #expect(aside == Data(damaged.utf8))
        #expect(text == nil)
        // What was understood is not lost with the next crash.
        try store.save()
        #expect(text == "{\"clientID\":\"1\",\"lastSequence\":7,\"stream\":\"a\"}\n")
    }

    @Test("a torn last line costs that line alone")
    func torn() throws {
        try write("{\"clientID\":\"1\",\"stream\":\"a\"}\n{\"clientID\":\"2\",\"str", to: file)
        #expect(try store().cursor(of: "a")?.clientID == "1")
    }

    @Test("a directory that cannot be made says what to do")
    func impossibleDirectory() throws {
        try write("a file", to: directory + "/file")
        let error = try #require(throws: CursorStore.Failure.self) {
            try CursorStore(directory: directory + "/file/state")
        }
        #expect(error.description.contains("cannot be made"))
        #expect(error.description.contains("state.directory"))
    }

    @Test("a save that failed is tried again, and leaves the old file as it was")
    func retried() throws {
        let store = try store()
        store.offer(Cursor(stream: "a", clientID: "1", lastSequence: 1))
        try store.save()
        let before = text
        store.offer(Cursor(stream: "a", clientID: "1", lastSequence: 2))
        // A directory of that name is in the way of the file that is written beside.
        try FileManager.default.createDirectory(atPath: file + ".new", withIntermediateDirectories: true)
        let error = try #require(throws: CursorStore.Failure.self) { try store.save() }
        #expect(error.description.hasPrefix("cursors not saved: open "))
        #expect(text == before)
        try FileManager.default.removeItem(atPath: file + ".new")
        try store.save()
        #expect(text?.contains("\"lastSequence\":2") == true)
        #expect(!FileManager.default.fileExists(atPath: file + ".new"))
    }

    @Test("saves from several threads leave a whole file")
    func concurrent() async throws {
        let store = try store()
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<10 {
                        store.offer(Cursor(stream: "\(task)", clientID: "1", lastSequence: UInt64(number)))
                        do { try store.save() } catch { Issue.record("\(error)") }
                    }
                }
            }
        }
        #expect(text?.split(separator: "\n").count == 4)
        #expect((0..<4).allSatisfy { store.cursor(of: "\($0)")?.lastSequence == 9 })
    }
}
