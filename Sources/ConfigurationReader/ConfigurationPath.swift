/// Where a value stands in the document. Written out only where somebody asks, which is where something is wrong: of
/// ten thousand sound streams no path is ever made.
indirect enum ConfigurationPath {
    case root
    case key(String, in: ConfigurationPath)
    case item(Int, in: ConfigurationPath)

    /// Such as `streams[1].backoff.cap`; empty for the root.
    var text: String {
        switch self {
        case .root: return ""
        case .item(let index, let parent): return "\(parent.text)[\(index)]"
        case .key(let key, let parent):
            let name = Spelling.excerpt(key)
            let before = parent.text
            return before.isEmpty ? name : "\(before).\(name)"
        }
    }
}
