import ArgumentParser
import Foundation
import NeuralGraph
import Unlearning

/// `unlearn list`
struct ListCommand: ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists methods, measures, data sets or architectures.",
        discussion: """
            With a name, shows everything about one of them: a method's settings, a measure's definition and limits, a \
            data set's files, an architecture's options.

            EXAMPLES
              unlearn list methods
              unlearn list methods scrub
              unlearn list measures --json
            """)

    /// What can be listed.
    enum Subject: String, CaseIterable, Sendable {
        case methods, measures, datasets, architectures

        var listed: [any Listed] {
            switch self {
            case .methods: UnlearningMethods.all.map(ListedMethod.init)
            case .measures: AuditConfiguration.everyMeasure.map(ListedMeasure.init)
            case .datasets: DatasetArgument.kinds.map(ListedDataset.init)
            case .architectures: Architectures.names.map(ListedArchitecture.init)
            }
        }

        var header: [String] {
            switch self {
            case .methods: ["method", "data", "what it does"]
            case .measures: ["measure", "unit", "what it measures"]
            case .datasets: ["data set", "installed", "what it is"]
            case .architectures: ["architecture", "parameters", "options"]
            }
        }

        /// One of them, for messages.
        var singular: String { self == .datasets ? "data set" : String(rawValue.dropLast()) }
    }

    @Argument(
        help: ArgumentHelp("methods, measures, datasets or architectures.", valueName: "subject"),
        completion: WordParsing.completion(Subject.self), transform: WordParsing.word("list"))
    var subject: Subject

    @Argument(help: ArgumentHelp("One of them, to show in full.", valueName: "name"))
    var name: String?

    @OptionGroup var flags: PlainFlags

    func validate() throws { _ = try chosen }

    /// The one that is named; nil if none is.
    private var chosen: (any Listed)? {
        get throws {
            guard let name else { return nil }
            let listed = subject.listed
            guard let found = listed.first(where: { $0.name == name }) else {
                let names = listed.map(\.name)
                throw ValidationError(
                    "there is no \(subject.singular) '\(name)'\(NearestName.hint(for: name, in: names)); use one of: "
                        + names.joined(separator: ", "))
            }
            return found
        }
    }

    func perform(_ console: Console) async throws -> ListReport {
        let chosen = try chosen
        return ListReport(subject: subject, items: chosen.map { [$0] } ?? subject.listed, isFull: chosen != nil)
    }
}

/// A list, or one entry of it in full.
struct ListReport: Report {
    let subject: ListCommand.Subject
    let items: [any Listed]
    let isFull: Bool

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: SubjectKey.self)
        var list = container.nestedUnkeyedContainer(forKey: SubjectKey(stringValue: subject.rawValue))
        for item in items { try item.encode(to: list.superEncoder()) }
    }

    private struct SubjectKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    var text: String {
        var table = TextTable(alignsAllLeft: true)
        if isFull, let item = items.first {
            for (title, value) in [(subject.singular, item.name)] + item.facts { table.add([title, value]) }
            return table.text
        }
        table.add(subject.header)
        for item in items { table.add([item.name] + item.cells) }
        return table.text
    }
}

/// Something with a name that a list shows.
protocol Listed: Encodable, Sendable {
    var name: String { get }
    /// The cells after the name in a table.
    var cells: [String] { get }
    /// Everything but the name, with titles.
    var facts: [(String, String)] { get }
}
