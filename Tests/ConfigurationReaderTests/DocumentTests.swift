import ConfigurationReader
import Testing

@Suite("A document's own mistakes")
struct DocumentTests {
    @Test("each syntax error has its position and a way out")
    func syntax() {
        #expect(
            mistakes(in: "a: 1\n\tb: 2\n") == [
                "test.yml:2:1: not valid YAML: found a tab character that violates indentation "
                    + "while scanning a plain scalar that begins in line 1; indent with spaces"
            ])
        #expect(
            mistakes(in: "a: @b\n") == [
                "test.yml:1:4: not valid YAML: found character that cannot start any token "
                    + "while scanning for the next token; put a text that begins with %, @ or ` in quotes, "
                    + "and indent with spaces"
            ])
        #expect(
            mistakes(in: "a: b: c\n") == [
                "test.yml:1:5: not valid YAML: mapping values are not allowed in this context; "
                    + "put a text that holds `: ` in quotes, and check the indentation"
            ])
        #expect(
            mistakes(in: "streams:\n  - name: a\n profile: b\n") == [
                "test.yml:3:2: not valid YAML: did not find expected key while parsing a block mapping "
                    + "that begins in line 1; check the indentation of this line"
            ])
    }

    @Test("text that is no UTF-8 is named by its place")
    func encoding() {
        let broken = ConfigurationDocument(bytes: Array("a: 1\nb: ä".utf8) + [0xFF], file: "test.yml")
        #expect(
            broken.diagnostics.map(\.description) == [
                "test.yml:2:5: not a text in UTF-8: invalid leading UTF-8 octet; save the file as UTF-8"
            ])
        let wide = ConfigurationDocument(bytes: [0xFF, 0xFE, 0x61, 0], file: "test.yml")
        #expect(wide.diagnostics.map(\.description) == ["test.yml:1:1: the file is UTF-16; save it as UTF-8"])
        let marked = ConfigurationDocument(bytes: [0xEF, 0xBB, 0xBF] + Array("a: 1".utf8), file: "test.yml")
        #expect(marked.root?.mapping()?.keys == ["a"])
    }

    @Test("duplicate keys are all reported, and reading goes on")
    func duplicates() {
        #expect(
            mistakes(in: "a: 1\nb: {c: 1, c: 2}\na: 2\nd: x\n") { root in
                _ = root.mapping()?["d"]?.int()
            } == [
                "test.yml:2:11: key `c` is given twice, first in line 2; remove one of them",
                "test.yml:3:1: key `a` is given twice, first in line 1; remove one of them",
                "test.yml:4:4: expected a whole number, found a string",
            ])
    }

    @Test("anchors, aliases and merged keys")
    func aliases() throws {
        let text = "base: &base {a: 1, b: 2}\nuse: {<<: *base, b: 3}\nmany: {<<: [*base, {c: 4}]}\n"
        let document = ConfigurationDocument(text: text, file: "test.yml")
        let root = try #require(document.root?.mapping())
        #expect(root["use"]?.mapping()?.values.map { "\($0.key)=\($0.value.int() ?? 0)" } == ["b=3", "a=1"])
        #expect(root["many"]?.mapping()?.keys == ["a", "b", "c"])
        #expect(document.diagnostics.isEmpty)
        #expect(
            mistakes(in: "base: &base 1\nx: *bose\ny: &y [*y]\nz: {<<: 1}\n") == [
                "test.yml:2:4: `*bose` refers to no anchor above it; did you mean `base`?",
                "test.yml:3:8: `*y` refers to what contains it; a value can't hold itself",
                "test.yml:4:9: `<<` takes a mapping or a list of mappings, such as `<<: *defaults`",
            ])
    }

    @Test("keys that are no texts, unknown tags and second documents")
    func oddities() {
        #expect(
            mistakes(in: "{a: b}: c\nd: !secret e\n") == [
                "test.yml:1:1: a key must be a text, but this is a mapping; a text with braces must be in quotes",
                "test.yml:2:4: tag `!secret` is not known here; remove it",
            ])
        #expect(
            mistakes(in: "a: 1\n---\nb: 2\n") == [
                "test.yml:2:1: a second document begins here (`---`); put it in a file of its own"
            ])
    }

    @Test("an empty file is an empty mapping")
    func empty() {
        for text in ["", "# nothing\n", "---\n", "~"] {
            #expect(read(text) { $0.mapping()?.keys }.value == [])
        }
        #expect(
            mistakes(in: "") { root in _ = root.mapping(keys: ["streams"])?.required("streams") }
                == ["test.yml:1:1: `streams` is missing; add it"])
    }

    @Test("a file that can't be read")
    func unreadable() {
        let document = ConfigurationDocument(path: "/nonexistent/holdfast.yml")
        #expect(
            document.diagnostics.map(\.description) == [
                "/nonexistent/holdfast.yml:1:1: cannot be read: No such file or directory; check the path"
            ])
        #expect(ConfigurationDocument(path: "/").diagnostics.first?.message.contains("name a file in it") == true)
    }
}

@Suite("Bounds of a document")
struct DocumentBoundsTests {
    @Test("size")
    func size() {
        var limits = ReadingLimits()
        limits.maximumBytes = 1024
        #expect(
            mistakes(in: String(repeating: "#", count: 1025), limits: limits)
                == ["test.yml:1:1: the file is larger than 1KiB; divide it"])
        #expect(mistakes(in: String(repeating: "#", count: 1024), limits: limits).isEmpty)
    }

    @Test("depth, of lists, mappings and aliases, far beyond what a stack would bear")
    func depth() {
        let many = String(repeating: "[", count: 100_000)
        #expect(mistakes(in: many).map { $0.hasSuffix(": nested too deeply; flatten it") } == [true])
        let some = String(repeating: "[", count: 500)
        #expect(mistakes(in: some) == ["test.yml:1:65: nested deeper than 64 levels; flatten it"])
        let compact = String(repeating: "- ", count: 100_000)
        #expect(mistakes(in: compact) == ["test.yml:1:129: nested deeper than 64 levels; flatten it"])
        var chain = "a0: &a0 [x]\n"
        for index in 1...70 { chain += "a\(index): &a\(index) [*a\(index - 1)]\n" }
        #expect(mistakes(in: chain) == ["test.yml:64:12: `*a62` nests deeper than 64 levels; flatten it"])
        let fine = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(mistakes(in: fine).isEmpty)
    }

    @Test("billions of laughs, in values and in keys")
    func laughs() {
        var text = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        for index in 1...20 {
            let alias = "*l\(index - 1)"
            text += "l\(index): &l\(index) [\(Array(repeating: alias, count: 9).joined(separator: ", "))]\n"
        }
        #expect(
            mistakes(in: text) == [
                "test.yml:7:15: more than 1000000 values, aliases followed; divide the file"
            ])
        var keys = "k0: &k0 [x]\n"
        for index in 1...60 { keys += "k\(index): &k\(index) {? *k\(index - 1) : *k\(index - 1)}\n" }
        #expect(mistakes(in: keys).count < 70)
    }

    @Test("the number of aliases and of mistakes")
    func counts() {
        var limits = ReadingLimits()
        limits.maximumAliases = 3
        #expect(
            mistakes(in: "a: &a 1\nb: [*a, *a, *a, *a]\n", limits: limits) == [
                "test.yml:2:17: more than 3 aliases; write the values out, or generate the file"
            ])
        limits.maximumDiagnostics = 2
        let many = mistakes(in: "a: 1\nb: 1\nc: 1\n", limits: limits) { _ = $0.mapping(keys: ["zzzzzz"]) }
        #expect(
            many == [
                "test.yml:1:1: unknown key `a`; known: `zzzzzz`",
                "test.yml:2:1: unknown key `b`; known: `zzzzzz`",
                "test.yml:2:1: more than 2 mistakes; the others are not listed",
            ])
    }
}
