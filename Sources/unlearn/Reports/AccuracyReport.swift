import Unlearning

/// What a command has to say: as JSON and as text for people.
protocol Report: Encodable, Sendable {
    /// A few aligned lines, each ended by a line break.
    var text: String { get }
    /// How the program ends once this is printed; 0 unless something was found that a pipeline should stop at.
    var exitCode: Int32 { get }
}

extension Report {
    var exitCode: Int32 { 0 }
}

/// Accuracies in percent; null where there are no examples.
struct AccuracyReport: Encodable {
    let all: Double?
    let forgotten: Double?
    let retained: Double?
    let perClass: [Double?]

    init(_ accuracy: Accuracy) {
        all = Self.percent(accuracy.all)
        forgotten = Self.percent(accuracy.forgotten)
        retained = Self.percent(accuracy.retained)
        perClass = accuracy.perClass.map(Self.percent)
    }

    enum CodingKeys: CodingKey {
        case all, forgotten, retained, perClass
    }

    // Written out, so that a missing number is null and not a missing key.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try encode(into: &container)
    }

    func encode(into container: inout KeyedEncodingContainer<CodingKeys>) throws {
        try container.encode(all, forKey: .all)
        try container.encode(forgotten, forKey: .forgotten)
        try container.encode(retained, forKey: .retained)
        try container.encode(perClass, forKey: .perClass)
    }

    /// Percent from a share, rounded so that 57 % is not written as 56.99999999999999.
    private static func percent(_ share: Double?) -> Double? {
        share.map { ($0 * 100_000_000).rounded() / 1_000_000 }
    }
}

extension Duration {
    /// Seconds to the microsecond.
    var reported: Double { (seconds * 1_000_000).rounded() / 1_000_000 }
}

/// Accuracies side by side, class by class.
struct AccuracyTable {
    /// What was measured, with a title for its column.
    let columns: [(title: String, accuracy: Accuracy)]
    let classNames: [String]

    var text: String {
        guard let first = columns.first?.accuracy else { return "" }
        var table = TextTable()
        table.add(["accuracy"] + columns.map(\.title) + ["images"])
        add(&table, "all classes", first.counts.reduce(0, +)) { $0.all }
        if !first.forgottenClasses.isEmpty {
            let forgotten = first.forgottenClasses.reduce(0) { $0 + first.counts[$1] }
            add(&table, "forgotten", forgotten) { $0.forgotten }
            add(&table, "retained", first.counts.reduce(0, +) - forgotten) { $0.retained }
        }
        for (label, count) in first.counts.enumerated() {
            let mark = first.forgottenClasses.contains(label) ? " (forgotten)" : ""
            add(&table, "  \(classNames.name(of: label).asName)\(mark)", count) { $0.perClass[label] }
        }
        return table.text
    }

    private func add(
        _ table: inout TextTable, _ title: String, _ count: Int, _ value: (Accuracy) -> Double?
    ) {
        table.add([title] + columns.map { value($0.accuracy).percentText } + ["\(count)"])
    }
}

extension [String] {
    /// A class's name, or its number if it has none.
    func name(of label: Int) -> String { className(label) }

    /// Several classes' names in words, for people to read.
    func names(of labels: Set<Int>) -> String {
        labels.sorted().map { name(of: $0).asName }.joined(separator: ", ")
    }
}
