/// Puts environment variables into a text.
///
/// `${NAME}` stands for the variable `NAME`; `$${NAME}` for the literal text `${NAME}`; any other `$` is itself.
/// What comes out is not expanded again.
enum EnvironmentExpansion {
    struct Problem: Error {
        var messages: [String]
    }

    static func expand(_ text: String, with environment: [String: String]) -> Result<String, Problem> {
        guard text.utf8.contains(0x24) else { return .success(text) }
        let bytes = Array(text.utf8)
        var output: [UInt8] = []
        var messages: [String] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: [0x24, 0x24, 0x7B]) {
                output += [0x24, 0x7B]
                index += 3
            } else if bytes[index...].starts(with: [0x24, 0x7B]) {
                guard let end = bytes[index...].firstIndex(of: 0x7D) else {
                    messages.append("`${` without `}`; close it, or write `$${` for the text itself")
                    break
                }
                let name = String(decoding: bytes[(index + 2)..<end], as: UTF8.self)
                if !isName(name) {
                    messages.append(
                        "`${\(Spelling.excerpt(name))}` names no environment variable; "
                            + "names are made of letters, digits and `_`, and `$${` stands for the text itself")
                } else if let value = environment[name] {
                    output += Array(value.utf8)
                } else {
                    messages.append(
                        "environment variable `\(name)` is not set; set it, or write `$${\(name)}` for the text itself")
                }
                index = end + 1
            } else {
                output.append(bytes[index])
                index += 1
            }
        }
        return messages.isEmpty
            ? .success(String(decoding: output, as: UTF8.self)) : .failure(Problem(messages: messages))
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
            default: false
            }
        }
    }
}
