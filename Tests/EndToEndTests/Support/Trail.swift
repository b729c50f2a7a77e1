import Foundation

/// A JSON value that can be compared.
enum JSON: Equatable, CustomStringConvertible {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(_ value: Any?) {
        switch value {
        case let text as String: self = .string(text)
        case let number as NSNumber:
            self = CFBool.isBool(number) ? .bool(number.boolValue) : .number(number.doubleValue)
        case let list as [Any]: self = .array(list.map(JSON.init))
        case let object as [String: Any]: self = .object(object.mapValues(JSON.init))
        default: self = .null
        }
    }

    init(parsing text: String) throws {
        self.init(try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed))
    }

    subscript(key: String) -> JSON? {
        if case .object(let object) = self { return object[key] }
        return nil
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Double? { if case .number(let number) = self { number } else { nil } }
    var array: [JSON] { if case .array(let array) = self { array } else { [] } }

    var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let values): "[" + values.map(\.description).joined(separator: ",") + "]"
        case .object(let values):
            "{" + values.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",") + "}"
        }
    }
}

private enum CFBool {
    /// Foundation hands both booleans and numbers out as `NSNumber`; only a boolean says `c`.
    static func isBool(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}

/// One line of the audit trail.
struct TrailLine {
    let bytes: String
    let object: JSON

    var event: String { object["event"]?.text ?? "" }
    var stream: String { object["stream"]?.text ?? "" }
    subscript(key: String) -> JSON? { object[key] }

    static func all(in text: String) throws -> [TrailLine] {
        try text.split(separator: "\n").map { TrailLine(bytes: String($0), object: try JSON(parsing: String($0))) }
    }
}

extension Exporter {
    /// The whole lines of the audit file.
    func trail() throws -> [TrailLine] {
        let text = folder.text("audit.jsonl")
        let whole = text.lastIndex(of: "\n").map { String(text[...$0]) } ?? ""
        return try TrailLine.all(in: whole)
    }

    /// Waits for the `count`th line of `event` of `stream`.
    @discardableResult
    func waitForLine(_ event: String, _ stream: String, count: Int = 1) throws -> TrailLine {
        try eventually("line \(count) of \(event) of \(stream)") {
            guard program.isRunning else { throw Trouble("holdfast ended: \(program.errors)") }
            let found = try trail().filter { $0.event == event && $0.stream == stream }
            return found.count >= count ? found[count - 1] : nil
        }
    }
}
