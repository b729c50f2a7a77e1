import ConfigurationReader

/// What holds for every mistake that is reported about a text.
func demandSoundDiagnostics(_ diagnostics: [Diagnostic], of input: [UInt8]) throws {
    // Whatever a line's end may look like to somebody: more lines there are not.
    let lines = input.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 2
    for diagnostic in diagnostics {
        let text = diagnostic.description
        try demand(diagnostic.line >= 1 && diagnostic.column >= 1, "no position: \(text)")
        try demand(diagnostic.line <= lines, "a line behind the last: \(text)")
        try demand(diagnostic.column <= input.count + 2, "a column behind the last: \(text)")
        try demand(!diagnostic.message.isEmpty, "a mistake without a word")
        try demand(diagnostic.message.utf8.count <= 4000, "a message of \(diagnostic.message.utf8.count) bytes")
        try demand(
            diagnostic.message.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
            "control characters in \(text.debugDescription)")
    }
}
