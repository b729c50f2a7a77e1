import ConfigurationReader
import StreamMetrics
import StreamModel
import StreamProfiles
import StreamRuntime
import WebSocketTransport

/// The `streams:` of a configuration.
struct StreamReading {
    let catalogue: ProfileCatalogue
    let defaults: StreamSettings
    let credentials: CredentialReading

    private static let keys = ["name", "profile", "url", "credential", "labels", "client_id"]
    private static let nameLimit = 200

    func read(_ value: ConfigurationValue) -> [StreamSpecification] {
        guard let list = value.list() else { return [] }
        if list.isEmpty { value.warning("there are no streams to hold") }
        var streams: [StreamSpecification] = []
        var names: Set<String> = []
        var users: [String: Int] = [:]
        for item in list {
            guard let stream = read(item, names: &names) else { continue }
            streams.append(stream)
            if let credential = stream.credential, let limit = stream.profile.streamsPerCredential {
                let key = "\(stream.profile.name) \(credential)"
                users[key, default: 0] += 1
                if users[key] == limit, stream.profile.lifecycle.handover == .makeBeforeBreak {
                    item.warning(
                        "\(limit) streams of profile `\(stream.profile.name)` use credential `\(credential)`, all that "
                            + "the service allows: a planned hand-over, which needs one more for a moment, will end one"
                    )
                }
                if users[key] == limit + 1 {
                    item.error(
                        "more than \(limit) streams of profile `\(stream.profile.name)` use credential `\(credential)`, "
                            + "which is all that the service allows; give the others a credential of their own")
                }
            }
        }
        return streams
    }

    private func read(_ value: ConfigurationValue, names: inout Set<String>) -> StreamSpecification? {
        guard let mapping = value.mapping() else { return nil }
        let name = readName(mapping, &names)
        guard let shared = mapping.required("profile").flatMap({ catalogue.profile(namedBy: $0) }) else {
            // The keys of an unknown profile are unknown as well: only what every stream has is looked at.
            _ = readCommon(mapping)
            return nil
        }
        let profile = shared.profile
        mapping.reportUnknown(besides: Self.keys + StreamSettings.keys + shared.variableNames)
        let errors = value.errorCount
        let common = readCommon(mapping)
        let url = readURL(mapping, profile)
        let credential = readCredential(mapping, profile)
        let settings = defaults.overridden(by: StreamSettings.read(from: mapping))
        let variables = shared.readVariables(from: mapping, hasURL: mapping["url"] != nil)
        guard let name, let variables, value.errorCount == errors else { return nil }
        return StreamSpecification(
            name: name, sharedProfile: shared, policy: profile.policy(settings), labels: common.labels, url: url,
            credential: credential, variables: variables, maxMessageSize: profile.maximumMessageSize(settings),
            clientID: common.clientID)
    }

    private func readName(_ mapping: ConfigurationMapping, _ names: inout Set<String>) -> String? {
        guard let value = mapping.required("name"), let name = value.string(allowingEmpty: false) else { return nil }
        guard name.utf8.count <= Self.nameLimit, !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            value.error("a stream's name has at most \(Self.nameLimit) bytes and no control characters")
            return nil
        }
        guard names.insert(name).inserted else {
            value.error("another stream is called `\(name)` already; names must differ")
            return nil
        }
        return name
    }

    private func readCommon(_ mapping: ConfigurationMapping) -> (labels: [StreamIdentity.Label], clientID: String?) {
        var labels: [StreamIdentity.Label] = []
        for (name, value) in mapping["labels"]?.mapping()?.values ?? [] {
            guard let text = value.string() else { continue }
            if StreamMetrics.reservedLabels.contains(name) {
                mapping["labels"]?.mapping()?.error(
                    atKey: name, "label `\(name)` is Holdfast's own; choose another name")
            } else if !Self.isLabelName(name) {
                mapping["labels"]?.mapping()?.error(
                    atKey: name,
                    "`\(name)` is no label name: letters, digits and underscores, no digit and no `__` first")
            } else {
                labels.append(StreamIdentity.Label(name: name, value: text))
            }
        }
        return (labels, mapping["client_id"]?.string(allowingEmpty: false))
    }

    private static func isLabelName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first), !name.hasPrefix("__") else { return false }
        return name.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
        }
    }

    private func readURL(_ mapping: ConfigurationMapping, _ profile: Profile) -> String? {
        // Where a request made first gives the WebSocket's address, `url` is one of the profile's variables.
        guard profile.endpoint.urlVariable == nil else { return nil }
        guard let value = mapping["url"], let url = value.string(allowingEmpty: false) else { return nil }
        do {
            let target = try ConnectTarget(url)
            guard target.scheme == .ws || target.scheme == .wss else {
                value.error("`url` must begin with ws:// or wss://, found `\(target.scheme.rawValue)://`")
                return nil
            }
            return url
        } catch {
            value.error("`url` is no address: \(error)")
            return nil
        }
    }

    private func readCredential(_ mapping: ConfigurationMapping, _ profile: Profile) -> String? {
        guard let value = mapping["credential"] else {
            if profile.token.isUsed {
                mapping.value.error(
                    "`credential` is missing, which profile `\(profile.name)` needs; name one of `credentials:`")
            }
            return nil
        }
        guard let name = value.string(allowingEmpty: false) else { return nil }
        guard credentials.names.contains(name) else {
            let suggestion = Spelling.suggestion(for: name, among: credentials.names.sorted())
            value.error("there is no credential `\(name)`\(suggestion)")
            return nil
        }
        return name
    }
}
