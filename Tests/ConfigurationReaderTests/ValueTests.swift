import ConfigurationReader
import Testing

@Suite("Typed values")
struct ValueTests {
    @Test("an unknown key is met with the nearest known one, or all of them")
    func unknownKeys() {
        let text = "heartbeet: 1\nack-timeout: 2\nzzz: 3\nHEARTBEAT: 4\n"
        #expect(
            mistakes(in: text) { _ = $0.mapping(keys: ["heartbeat", "ack_timeout"]) } == [
                "test.yml:1:1: unknown key `heartbeet`; did you mean `heartbeat`?",
                "test.yml:2:1: unknown key `ack-timeout`; did you mean `ack_timeout`?",
                "test.yml:3:1: unknown key `zzz`; known: `heartbeat`, `ack_timeout`",
                "test.yml:4:1: unknown key `HEARTBEAT`; did you mean `heartbeat`?",
            ])
    }

    @Test("every mistake is collected, with the path of its value")
    func paths() {
        let text = "streams:\n  - name: 42\n    backoff: {cap: 30}\n  - backoff: []\n"
        let document = ConfigurationDocument(text: text, file: "test.yml")
        for stream in document.root?.mapping()?["streams"]?.list() ?? [] {
            let mapping = stream.mapping(keys: ["name", "backoff"])
            _ = mapping?.required("name")?.string()
            _ = mapping?["backoff"]?.mapping(keys: ["cap"])?["cap"]?.duration()
        }
        #expect(
            document.diagnostics.map(\.path) == [
                "streams[0].name", "streams[0].backoff.cap", "streams[1]", "streams[1].backoff",
            ])
        #expect(
            document.diagnostics.map(\.description) == [
                "test.yml:2:11: expected a string, found an integer; put it in quotes",
                "test.yml:3:20: expected a duration such as 500ms, 30s or 1m30s, found `30`: 30 of what? "
                    + "Write a unit, such as `30s`",
                "test.yml:4:5: `name` is missing in `streams[1]`; add it",
                "test.yml:4:14: expected a mapping of keys to values, found a list",
            ])
        #expect(document.hasErrors)
    }

    @Test("strings")
    func strings() {
        #expect(read("hello world") { $0.string() }.value == "hello world")
        #expect(read("'42'") { $0.string() }.value == "42")
        #expect(read("!!str 42") { $0.string() }.value == "42")
        #expect(read("no") { $0.string() }.value == "no")
        #expect(read("2026-11-22") { $0.string() }.value == "2026-11-22")
        #expect(read("1.2.3") { $0.string() }.value == "1.2.3")
        #expect(
            read("true") { $0.string() }.mistakes
                == ["test.yml:1:1: expected a string, found the boolean true; put it in quotes"])
        #expect(
            read("{a}") { $0.string() }.mistakes
                == ["test.yml:1:1: expected a string, found a mapping; a text with braces must be in quotes"])
        #expect(read("~") { $0.string() }.mistakes == ["test.yml:1:1: expected a string, found nothing"])
        #expect(
            read("''") { $0.string(allowingEmpty: false) }.mistakes
                == ["test.yml:1:1: expected a text, found an empty string"])
        #expect(read("[a, b]") { $0.strings() }.value == ["a", "b"])
        #expect(
            read("a") { $0.strings() }.mistakes
                == ["test.yml:1:1: expected a list, found a string; write `[…]` around it, or `- ` before it"])
    }

    @Test(
        "whole numbers",
        arguments: [
            ("42", 42), ("-7", -7), ("+7", 7), ("0", 0), ("0x1F", 31), ("0o17", 15),
            ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min),
        ])
    func integers(text: String, value: Int) {
        #expect(read(text) { $0.int() }.value == value)
    }

    @Test("what is no whole number")
    func notIntegers() {
        #expect(
            read("'42'") { $0.int() }.mistakes
                == ["test.yml:1:1: expected a whole number, found a string; remove the quotes"])
        #expect(read("4.0") { $0.int() }.mistakes == ["test.yml:1:1: expected a whole number, found a number"])
        #expect(
            read("9223372036854775808") { $0.int() }.mistakes
                == ["test.yml:1:1: expected a whole number, found `9223372036854775808`"])
        #expect(
            read("11") { $0.int(in: 0...10) }.mistakes
                == ["test.yml:1:1: expected a whole number from 0 to 10, found `11`"])
        #expect(
            read("-1") { $0.int(in: 0 ... .max) }.mistakes
                == ["test.yml:1:1: expected a whole number of at least 0, found `-1`"])
        #expect(read("010") { $0.int() }.mistakes.first?.contains("leading zeros") == true)
        #expect(read("1_000") { $0.int() }.value == nil)
    }

    @Test("numbers")
    func numbers() {
        #expect(read("0.4") { $0.double() }.value == 0.4)
        #expect(read("2") { $0.double() }.value == 2)
        #expect(read("1e3") { $0.double() }.value == 1000)
        #expect(read("-.5") { $0.double() }.value == -0.5)
        #expect(
            read("1.5") { $0.double(in: 0...1) }.mistakes
                == ["test.yml:1:1: expected a number from 0.0 to 1.0, found `1.5`"])
        #expect(read(".nan") { $0.double() }.mistakes == ["test.yml:1:1: expected a number, found `.nan`"])
        #expect(read(".inf") { $0.double() }.value == nil)
        #expect(read("e3") { $0.double() }.value == nil)
        #expect(read(".") { $0.double() }.value == nil)
    }

    @Test("booleans are true and false, nothing else")
    func booleans() {
        #expect(read("true") { $0.bool() }.value == true)
        #expect(read("false") { $0.bool() }.value == false)
        #expect(
            read("yes") { $0.bool() }.mistakes
                == ["test.yml:1:1: expected true or false, found `yes`; write `true`"])
        #expect(
            read("Off") { $0.bool() }.mistakes
                == ["test.yml:1:1: expected true or false, found `Off`; write `false`"])
        #expect(read("1") { $0.bool() }.mistakes == ["test.yml:1:1: expected true or false, found an integer"])
    }

    private enum Fruit: String, CaseIterable { case apple, banana }

    @Test("enumerations suggest")
    func enumerations() {
        #expect(read("banana") { $0.enumeration(Fruit.self) }.value == .banana)
        #expect(
            read("bananna") { $0.enumeration(Fruit.self) }.mistakes
                == ["test.yml:1:1: expected one of `apple`, `banana`, found `bananna`; did you mean `banana`?"])
        #expect(
            read("x: ") { $0.mapping()?["x"]?.enumeration(Fruit.self) }.mistakes
                == ["test.yml:1:3: expected one of `apple`, `banana`, found nothing"])
    }

    @Test("keys that exclude each other")
    func exclusion() {
        #expect(
            mistakes(in: "url: a\nhost: b\n") { $0.mapping()?.exclusive(["host", "url"]) }
                == ["test.yml:1:1: `host` and `url` exclude each other; keep one of them"])
    }
}

@Suite("Environment variables")
struct EnvironmentTests {
    private let environment = ["HOST": "example.org", "PORT": "9400", "EMPTY": "", "ODD": "${HOST}", "ON": "true"]

    @Test("stand in any string, and are not expanded again")
    func expansion() {
        #expect(
            read("http://${HOST}:${PORT}/", environment: environment) { $0.string() }.value
                == "http://example.org:9400/")
        #expect(read("'${PORT}'", environment: environment) { $0.string() }.value == "9400")
        #expect(read("${PORT}", environment: environment) { $0.string() }.value == "9400")
        #expect(read("${ODD}", environment: environment) { $0.string() }.value == "${HOST}")
        #expect(read("a$${HOST}$HOST$$x$", environment: environment) { $0.string() }.value == "a${HOST}$HOST$$x$")
        #expect(read("${EMPTY}", environment: environment) { $0.string() }.value == "")
    }

    @Test("are read by their form where a number or a boolean is wanted")
    func types() {
        #expect(read("${PORT}", environment: environment) { $0.int() }.value == 9400)
        #expect(read("${ON}", environment: environment) { $0.bool() }.value == true)
        #expect(read("${PORT}ms", environment: environment) { $0.duration() }.value == .milliseconds(9400))
    }

    @Test("every one that is missing is named, and no value is shown")
    func mistakes_() {
        #expect(
            read("${A}-${B}", environment: environment) { $0.string() }.mistakes == [
                "test.yml:1:1: environment variable `A` is not set; set it, or write `$${A}` for the text itself",
                "test.yml:1:1: environment variable `B` is not set; set it, or write `$${B}` for the text itself",
            ])
        #expect(read("${HOST", environment: environment) { $0.string() }.mistakes.count == 1)
        #expect(read("${a b}", environment: environment) { $0.string() }.mistakes.count == 1)
        #expect(
            read("${PORT}", environment: environment) { $0.int(in: 1...2) }.mistakes
                == ["test.yml:1:1: expected a whole number from 1 to 2, found `${PORT}`"])
    }

    @Test("what a mistake quotes of a value is shown as it was written")
    func quotations() {
        let long = String(repeating: "s3cr3t-", count: 20)
        let environment = ["TOKEN": "hush-hush", "LONG": long, "LINES": "first line\nsecond line"]
        func quoted(_ text: String) -> [String] {
            read(text, environment: environment) { value in
                value.string().map { value.error("unknown `\(Spelling.excerpt($0))`") }
            }.mistakes
        }
        #expect(quoted("a ${TOKEN} b") == ["test.yml:1:1: unknown `a ${TOKEN} b`"])
        #expect(quoted("${LINES}") == ["test.yml:1:1: unknown `${LINES}`"])
        // Shortened, and so not there as a whole.
        #expect(quoted("${LONG}") == ["test.yml:1:1: unknown `${LONG}…`"])
        #expect(quoted("${TOKEN} ${LONG}") == ["test.yml:1:1: unknown `${TOKEN} ${LONG}…`"])
        // What was not read out of the environment is not looked for.
        #expect(quoted("hush-hush") == ["test.yml:1:1: unknown `hush-hush`"])
    }

    @Test("a mistake is told on one line, without what would move a cursor")
    func controlCharacters() {
        let text = "{\"a\\tb\\e[2J\\u2028c\": 1}"
        #expect(
            read(text) { $0.mapping(keys: ["x"]) }.mistakes == ["test.yml:1:2: unknown key `a b [2J c`; known: `x`"])
    }
}
