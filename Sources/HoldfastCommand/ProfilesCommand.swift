import ArgumentParser
import Foundation
import StreamProfiles

/// `holdfast profiles`: the protocols that ship with the program, as a list or as the YAML that describes one.
struct ProfilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles",
        abstract: "Lists the built-in profiles, or prints one as a start for another.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the built-in profiles.")

        mutating func run() throws {
            let catalogue = ProfileCatalogue.builtIn
            let width = catalogue.names.map(\.count).max() ?? 0
            for name in catalogue.names {
                let padding = String(repeating: " ", count: width - name.count)
                print("\(name)\(padding)  \(catalogue.profile(named: name)?.description ?? "")")
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Prints a built-in profile as YAML.")

        @Argument(help: "The profile's name.")
        var name: String

        mutating func run() throws {
            guard let text = ProfileCatalogue.builtIn.profile(named: name)?.text else {
                let names = ProfileCatalogue.builtIn.names.joined(separator: ", ")
                throw ValidationError("there is no built-in profile `\(name)`; there are \(names)")
            }
            FileHandle.standardOutput.write(Data(text.utf8))
        }
    }
}
