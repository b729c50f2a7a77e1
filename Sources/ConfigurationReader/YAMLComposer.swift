/// Builds the tree of one document from libyaml's steps: without recursion, within the limits, with every duplicate
/// key, unknown anchor and unknown tag reported at its own position.
struct YAMLComposer {
    private struct Frame {
        var isMapping: Bool
        var position: SourcePosition
        var anchor: String?
        var items: [ConfigurationNode] = []
        var entries: [ConfigurationNode.Entry] = []
        /// First position of each key.
        var keys: [String: SourcePosition] = [:]
        var merges: [ConfigurationNode] = []
        var pendingKey: PendingKey?
        var height = 0
        var size = 1
    }

    private enum PendingKey {
        case key(String, SourcePosition)
        case merge
        /// Reported already; its value is read and left out.
        case ignored
    }

    private struct Anchor {
        var node: ConfigurationNode
        var height: Int
        var size: Int
    }

    private let context: ReadingContext
    private let limits: ReadingLimits
    private var stack: [Frame] = []
    private var anchors: [String: Anchor] = [:]
    private var root: ConfigurationNode?
    private var aliasCount = 0

    init(context: ReadingContext, limits: ReadingLimits) {
        self.context = context
        self.limits = limits
    }

    /// The document; nil where its syntax is broken or a limit is exceeded, which is then reported.
    mutating func compose(_ bytes: ArraySlice<UInt8>) -> ConfigurationNode? {
        let reader = YAMLEventReader(bytes)
        do throws(YAMLSyntaxError) {
            var documents = 0
            while true {
                let event = try reader.next()
                switch event.kind {
                case .streamEnd:
                    return root ?? ConfigurationNode(position: .start, content: .scalar(.init(text: "")))
                case .documentStart:
                    documents += 1
                    if documents > 1 {
                        throw YAMLSyntaxError(
                            position: event.position,
                            message: "a second document begins here (`---`); put it in a file of its own")
                    }
                case .alias(let name):
                    try insertAlias(name, at: event.position)
                case .scalar(let scalar):
                    checkTag(event.tag, expected: nil, at: event.position)
                    let node = ConfigurationNode(position: event.position, content: .scalar(scalar))
                    try insert(node, height: 0, size: 1, anchor: event.anchor)
                case .listStart:
                    checkTag(event.tag, expected: "tag:yaml.org,2002:seq", at: event.position)
                    try push(Frame(isMapping: false, position: event.position, anchor: event.anchor))
                case .mappingStart:
                    checkTag(event.tag, expected: "tag:yaml.org,2002:map", at: event.position)
                    try push(Frame(isMapping: true, position: event.position, anchor: event.anchor))
                case .collectionEnd:
                    try pop()
                case .other:
                    break
                }
            }
        } catch {
            context.report(.error, at: error.position, path: "", error.message)
            return nil
        }
    }

    private mutating func push(_ frame: Frame) throws(YAMLSyntaxError) {
        guard stack.count < limits.maximumDepth else {
            throw YAMLSyntaxError(
                position: frame.position, message: "nested deeper than \(limits.maximumDepth) levels; flatten it")
        }
        stack.append(frame)
    }

    private mutating func pop() throws(YAMLSyntaxError) {
        guard var frame = stack.popLast() else { return }
        if frame.isMapping {
            merge(&frame)
            let node = ConfigurationNode(position: frame.position, content: .mapping(frame.entries))
            try insert(node, height: frame.height + 1, size: frame.size, anchor: frame.anchor)
        } else {
            let node = ConfigurationNode(position: frame.position, content: .list(frame.items))
            try insert(node, height: frame.height + 1, size: frame.size, anchor: frame.anchor)
        }
    }

    private mutating func insertAlias(_ name: String, at position: SourcePosition) throws(YAMLSyntaxError) {
        aliasCount += 1
        guard aliasCount <= limits.maximumAliases else {
            throw YAMLSyntaxError(
                position: position,
                message: "more than \(limits.maximumAliases) aliases; write the values out, or generate the file")
        }
        guard let anchor = anchors[name] else {
            let isInside = stack.contains { $0.anchor == name }
            let message =
                isInside
                ? "`*\(name)` refers to what contains it; a value can't hold itself"
                : "`*\(name)` refers to no anchor above it"
                    + Spelling.suggestion(for: name, among: anchors.keys.sorted())
            context.report(.error, at: position, path: "", message)
            let nothing = ConfigurationNode(position: position, content: .scalar(.init(text: "")))
            return try insert(nothing, height: 0, size: 1, anchor: nil)
        }
        guard stack.count + anchor.height <= limits.maximumDepth else {
            throw YAMLSyntaxError(
                position: position,
                message: "`*\(name)` nests deeper than \(limits.maximumDepth) levels; flatten it")
        }
        try insert(anchor.node, height: anchor.height, size: anchor.size, anchor: nil, at: position)
    }

    private mutating func insert(
        _ node: ConfigurationNode, height: Int, size: Int, anchor: String?, at position: SourcePosition? = nil
    ) throws(YAMLSyntaxError) {
        let position = position ?? node.position
        if let anchor { anchors[anchor] = Anchor(node: node, height: height, size: size) }
        guard !stack.isEmpty else {
            root = node
            return
        }
        let top = stack.count - 1
        let (total, overflow) = stack[top].size.addingReportingOverflow(size)
        guard !overflow, total <= limits.maximumNodes else {
            throw YAMLSyntaxError(
                position: position,
                message: "more than \(limits.maximumNodes) values, aliases followed; divide the file")
        }
        stack[top].size = total
        stack[top].height = max(stack[top].height, height)
        if !stack[top].isMapping {
            stack[top].items.append(node)
        } else if let key = stack[top].pendingKey {
            stack[top].pendingKey = nil
            switch key {
            case .key(let text, let keyPosition):
                stack[top].entries.append(.init(key: text, keyPosition: keyPosition, value: node))
            case .merge:
                addMerge(node, to: top, at: position)
            case .ignored:
                break
            }
        } else {
            stack[top].pendingKey = key(from: node, at: position, in: top)
        }
    }

    private mutating func key(from node: ConfigurationNode, at position: SourcePosition, in top: Int) -> PendingKey {
        guard case .scalar(let scalar) = node.content else {
            context.report(
                .error, at: position, path: "",
                "a key must be a text, but this is \(node.summary); a text with braces must be in quotes")
            return .ignored
        }
        if scalar.text == "<<", scalar.style == .plain { return .merge }
        if let first = stack[top].keys[scalar.text] {
            context.report(
                .error, at: position, path: scalar.text,
                "key `\(Spelling.excerpt(scalar.text))` is given twice, first in line \(first.line); remove one of them"
            )
            return .ignored
        }
        stack[top].keys[scalar.text] = position
        return .key(scalar.text, position)
    }

    private mutating func addMerge(_ node: ConfigurationNode, to top: Int, at position: SourcePosition) {
        switch node.content {
        case .mapping:
            stack[top].merges.append(node)
        case .list(let items):
            for item in items { addMerge(item, to: top, at: item.position) }
        case .scalar:
            context.report(
                .error, at: position, path: "", "`<<` takes a mapping or a list of mappings, such as `<<: *defaults`")
        }
    }

    /// Adds what `<<` brings in: keys that the mapping itself has come first, then the merged ones in order.
    private func merge(_ frame: inout Frame) {
        for case .mapping(let entries) in frame.merges.map(\.content) {
            for entry in entries where frame.keys[entry.key] == nil {
                frame.keys[entry.key] = entry.keyPosition
                frame.entries.append(entry)
            }
        }
    }

    private func checkTag(_ tag: String?, expected: String?, at position: SourcePosition) {
        guard let tag, tag != "!", tag != expected else { return }
        let scalars = ["str", "int", "float", "bool", "null"].map { "tag:yaml.org,2002:" + $0 }
        if expected == nil, scalars.contains(tag) { return }
        context.report(.error, at: position, path: "", "tag `\(Spelling.excerpt(tag))` is not known here; remove it")
    }
}
