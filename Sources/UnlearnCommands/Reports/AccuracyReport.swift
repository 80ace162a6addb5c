import Unlearning

/// Accuracies as shares from 0 to 1; null where there are no examples.
struct AccuracyReport: Encodable {
    let all: Double?
    let forgotten: Double?
    let retained: Double?
    let perClass: [Double?]

    init(_ accuracy: Accuracy) {
        all = accuracy.all
        forgotten = accuracy.forgotten
        retained = accuracy.retained
        perClass = accuracy.perClass
    }

    enum CodingKeys: CodingKey {
        case all, forgotten, retained, perClass
    }

    // Written out, so that a missing number is null and not a missing key.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(all, forKey: .all)
        try container.encode(forgotten, forKey: .forgotten)
        try container.encode(retained, forKey: .retained)
        try container.encode(perClass, forKey: .perClass)
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
    package func names(of labels: Set<Int>) -> String {
        labels.sorted().map { name(of: $0).asName }.joined(separator: ", ")
    }
}
