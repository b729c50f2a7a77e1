import CYaml

/// One step of a YAML document, as libyaml reports it.
struct YAMLEvent {
    enum Kind {
        case streamEnd
        case documentStart
        case alias(String)
        case scalar(ConfigurationScalar)
        case listStart
        case mappingStart
        case collectionEnd
        case other
    }

    var kind: Kind
    var anchor: String?
    var tag: String?
    var position: SourcePosition
}

/// What libyaml found wrong with the text itself.
struct YAMLSyntaxError: Error {
    var position: SourcePosition
    var message: String
}

/// Pulls the steps of a YAML text out of libyaml, the parser that Yams carries.
///
/// Yams' own `compose` is not used: it gives up at the first duplicate key without its position, follows aliases
/// without a bound, and hashes keys of any shape, so that a few lines of aliases can keep it busy for ever.
final class YAMLEventReader {
    // libyaml keeps pointers into the parser and into the text, so both live at fixed addresses for as long as this
    // object does; nobody else sees them.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>
    private let initialized: Bool

    init(_ bytes: ArraySlice<UInt8>) {
        text = .allocate(capacity: max(1, bytes.count))
        _ = text.initialize(from: bytes)
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        initialized = yaml_parser_initialize(parser) == 1
        if initialized {
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, text.baseAddress, bytes.count)
        }
    }

    deinit {
        if initialized { yaml_parser_delete(parser) }
        parser.deallocate()
        text.deallocate()
    }

    func next() throws(YAMLSyntaxError) -> YAMLEvent {
        guard initialized else { throw YAMLSyntaxError(position: .start, message: "out of memory") }
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let position = Self.position(event.start_mark)
        switch event.type {
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
            return YAMLEvent(kind: .streamEnd, position: position)
        case YAML_DOCUMENT_START_EVENT:
            return YAMLEvent(kind: .documentStart, position: position)
        case YAML_ALIAS_EVENT:
            return YAMLEvent(kind: .alias(Self.string(event.data.alias.anchor) ?? ""), position: position)
        case YAML_SCALAR_EVENT:
            return scalar(event.data.scalar, at: position)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            return YAMLEvent(
                kind: .listStart, anchor: Self.string(start.anchor), tag: Self.string(start.tag), position: position)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            return YAMLEvent(
                kind: .mappingStart, anchor: Self.string(start.anchor), tag: Self.string(start.tag),
                position: position)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
            return YAMLEvent(kind: .collectionEnd, position: position)
        default:
            return YAMLEvent(kind: .other, position: position)
        }
    }

    private func scalar(
        _ data: yaml_event_s.__Unnamed_union_data.__Unnamed_struct_scalar, at position: SourcePosition
    ) -> YAMLEvent {
        // The length counts: a double-quoted scalar may hold a zero byte.
        let bytes = UnsafeBufferPointer(start: data.value, count: data.length)
        let tag = Self.string(data.tag)
        let style: ConfigurationScalar.Style = data.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted
        let scalar = ConfigurationScalar(text: String(decoding: bytes, as: UTF8.self), style: style, tag: tag)
        return YAMLEvent(kind: .scalar(scalar), anchor: Self.string(data.anchor), tag: tag, position: position)
    }

    private func failure() -> YAMLSyntaxError {
        let problem = Self.text(parser.pointee.problem)
        // libyaml has a bound of its own on nesting, which a line of a thousand brackets meets before ours.
        if problem?.hasPrefix("Maximum nesting level") == true {
            return YAMLSyntaxError(
                position: Self.position(parser.pointee.mark), message: "nested too deeply; flatten it")
        }
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR:
            return YAMLSyntaxError(position: Self.position(parser.pointee.mark), message: "out of memory")
        case YAML_READER_ERROR:
            let position = Self.position(of: parser.pointee.problem_offset, in: UnsafeBufferPointer(text))
            let message = "not a text in UTF-8: \(problem ?? "unreadable"); save the file as UTF-8"
            return YAMLSyntaxError(position: position, message: message)
        default:
            return YAMLSyntaxError(
                position: Self.position(parser.pointee.problem_mark), message: syntaxMessage(problem))
        }
    }

    private func syntaxMessage(_ problem: String?) -> String {
        var message = "not valid YAML: \(problem ?? "unknown error")"
        if let context = Self.text(parser.pointee.context) {
            message += " \(context)"
            let mark = parser.pointee.context_mark
            if mark.line != parser.pointee.problem_mark.line { message += " that begins in line \(mark.line + 1)" }
        }
        switch problem {
        case "found a tab character that violates indentation":
            message += "; indent with spaces"
        case "found character that cannot start any token":
            message += "; put a text that begins with %, @ or ` in quotes, and indent with spaces"
        case "mapping values are not allowed in this context":
            message += "; put a text that holds `: ` in quotes, and check the indentation"
        case "did not find expected key", "did not find expected '-' indicator":
            message += "; check the indentation of this line"
        case "could not find expected ':'":
            message += "; a key needs a colon and a space after it"
        default:
            break
        }
        return message
    }

    private static func string(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func position(_ mark: yaml_mark_t) -> SourcePosition {
        SourcePosition(line: mark.line + 1, column: mark.column + 1)
    }

    private static func position(of offset: Int, in bytes: UnsafeBufferPointer<UInt8>) -> SourcePosition {
        var position = SourcePosition.start
        for byte in bytes.prefix(offset) {
            if byte == 0x0A {
                position = SourcePosition(line: position.line + 1, column: 1)
            } else if byte & 0xC0 != 0x80 {
                position.column += 1
            }
        }
        return position
    }
}
