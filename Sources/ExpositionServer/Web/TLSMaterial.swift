// Unsafe pointers: `fread` is told how much room there is; the texts for libmicrohttpd are copies that are wiped and
// freed after the call that parses them; a connection's pointer is valid during the callback that it came with.

internal import CMicrohttpd
internal import Glibc

/// Certificate, key and authorities, read from their files.
struct TLSMaterial: Sendable {
    var certificate: String
    var key: String
    var clientAuthorities: String?
    var priorities: String

    /// Reads the files.
    init(_ configuration: TLSConfiguration) throws(ExpositionServerError) {
        certificate = try Self.read(configuration.certificate, "cert_file", expecting: "CERTIFICATE")
        key = try Self.read(configuration.key, "key_file", expecting: "PRIVATE KEY")
        if let authorities = configuration.clientAuthorities {
            clientAuthorities = try Self.read(authorities, "client_ca_file", expecting: "CERTIFICATE")
        }
        priorities = configuration.priorities
    }

    private static func read(
        _ source: PEMSource, _ name: String, expecting label: String
    ) throws(ExpositionServerError) -> String {
        let text: String
        let place: String
        switch source {
        case .inline(let inline): (text, place) = (inline, name.replacing("_file", with: ""))
        case .file(let path):
            (text, place) = (try contents(of: path, name), "\(name) \(path)")
        }
        guard text.contains("-----BEGIN "), text.contains("\(label)-----"), !text.utf8.contains(0) else {
            throw .webConfiguration("tls_server_config: \(place) has no “BEGIN \(label)” in PEM form")
        }
        return text
    }

    private static let maximumFileBytes = 1024 * 1024

    private static func contents(of path: String, _ name: String) throws(ExpositionServerError) -> String {
        guard let file = fopen(path, "re") else {
            throw .webConfiguration(
                "tls_server_config: cannot read \(name) \(path): \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        let bytes = [UInt8](unsafeUninitializedCapacity: maximumFileBytes) { room, count in
            count = fread(room.baseAddress, 1, room.count, file)
        }
        guard ferror(file) == 0 else {
            throw .webConfiguration(
                "tls_server_config: cannot read \(name) \(path): \(String(cString: strerror(errno)))")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Calls `body` with the options of a daemon; nil makes none. The texts are valid during the call, and
    /// libmicrohttpd parses them in it. They are what a daemon needs to start; each connection then gets the
    /// `TLSCredentials` of its time.
    static func withOptions<Result>(_ tls: Self?, _ body: ([MHD_OptionItem]) -> Result) -> Result {
        guard let tls else { return body([]) }
        var options: [MHD_OptionItem] = []
        var texts: [UnsafeMutablePointer<CChar>] = []
        defer {
            for text in texts {
                // The key is among them.
                explicit_bzero(text, strlen(text))
                free(text)
            }
        }
        func add(_ option: MHD_OPTION, _ text: String) {
            guard let copy = strdup(text) else { return }
            texts.append(copy)
            options.append(MHD_OptionItem(option: option, value: 0, ptr_value: copy))
        }
        add(MHD_OPTION.HTTPS_PRIORITIES, tls.priorities)
        add(MHD_OPTION.HTTPS_MEM_KEY, tls.key)
        add(MHD_OPTION.HTTPS_MEM_CERT, tls.certificate)
        return body(options)
    }
}
