import ArgumentParser
import Foundation
import Logging
import ModelInterchange
import Unlearning

/// `unlearn inspect`
struct Inspect: ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what a model consists of, and the memory that training it takes.",
        discussion: """
            Shows inputs, classes, operations with their counts, the memory of a training step, and which tensors are \
            not trained, and why.

            EXAMPLES
              unlearn inspect model.onnx
              unlearn inspect Classifier.mlpackage
              unlearn inspect model.safetensors --batch-size 128 --json
            """)

    @OptionGroup var model: ModelFlags

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Images in the training step whose memory is shown. (default: 64)", valueName: "number"),
        transform: NumberParsing.integer(.lengths))
    var batchSize: Int = 64

    @OptionGroup var flags: ThreadFlags

    func perform(_ console: Console) async throws -> InspectReport {
        let network = try model.network.read(model.path)
        let fault = network.numericFault.map { "\($0)" }
        if let fault { console.logger.warning("\(model.path): \(fault)") }
        let plan = ExecutionSummary(
            model: network, batchCapacity: batchSize, computing: .parameters, modes: [.training],
            workers: flags.options.threadCount ?? ThreadTeam.processorCount, precision: flags.options.precision)
        return InspectReport(
            summary: ModelSummary(network), model: model.path, batchSize: batchSize, trainingBytes: plan.byteCount,
            fault: fault)
    }
}

/// A model's parts.
struct InspectReport: Report {
    let summary: ModelSummary
    let model: String
    let batchSize: Int
    let trainingBytes: Int
    /// A number that makes the model useless; nil if all is well.
    let fault: String?

    enum CodingKeys: CodingKey {
        case architecture, architectureOptions, batchSize, classCount, classNames, droppedOutputs, fault, fixed,
            forgottenClasses, inputShape, model, notes, operations, outputs, parameters, requests, source, stateNumbers,
            trainingBytes
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(summary.metadata.architecture?.name, forKey: .architecture)
        try container.encode(summary.metadata.architecture?.options ?? [:], forKey: .architectureOptions)
        try container.encode(batchSize, forKey: .batchSize)
        try container.encode(summary.metadata.classNames, forKey: .classNames)
        try container.encode(summary.classCount, forKey: .classCount)
        try container.encode(summary.metadata.droppedClasses, forKey: .droppedOutputs)
        try container.encodeIfPresent(fault, forKey: .fault)
        try container.encode(summary.fixed, forKey: .fixed)
        try container.encode(summary.metadata.forgottenClasses.sorted(), forKey: .forgottenClasses)
        try container.encode(summary.inputShape.dimensions, forKey: .inputShape)
        try container.encode(model, forKey: .model)
        try container.encode(summary.notes, forKey: .notes)
        try container.encode(summary.operations, forKey: .operations)
        try container.encode(summary.outputs, forKey: .outputs)
        try container.encode(summary.trainedCount, forKey: .parameters)
        try container.encode(summary.metadata.requests, forKey: .requests)
        try container.encode(summary.source, forKey: .source)
        try container.encode(summary.stateCount, forKey: .stateNumbers)
        try container.encode(trainingBytes, forKey: .trainingBytes)
    }

    var text: String {
        let axes = summary.inputShape.rank == 3 ? " (height x width x channels)" : ""
        var facts = [
            ("file", summary.source),
            ("input", "\(summary.inputShape)\(axes)"),
            ("classes", "\(summary.classCount)" + named),
            ("parameters", "\(summary.trainedCount) trained, \(fixedCount) not; \(summary.stateCount) statistics"),
            ("training step", "\(max(1, trainingBytes >> 20)) MiB for \(batchSize) images, without the optimizer"),
        ]
        if !summary.metadata.forgottenClasses.isEmpty {
            facts.insert(("forgotten", summary.metadata.classNames.names(of: summary.metadata.forgottenClasses)), at: 3)
        }
        if !summary.metadata.droppedClasses.isEmpty {
            let indices = summary.metadata.droppedClasses.map(String.init).joined(separator: ", ")
            facts.insert(("outputs removed", "of classes \(indices), as they were numbered before"), at: 3)
        }
        for request in summary.metadata.requests.reversed() { facts.insert(("request", request.text), at: 3) }
        if let architecture = summary.metadata.architecture { facts.insert(("architecture", "\(architecture)"), at: 1) }
        if !summary.outputs.isEmpty {
            let names = summary.outputs.map { output in
                "'\(output.name)'" + (output.shape.map { " " + $0 } ?? "") + (output.isRead ? " (read)" : "")
            }
            facts.insert(("outputs", names.joined(separator: ", ")), at: facts.count - 2)
        }
        facts = facts.map { ($0.0, $0.1.visible()) }
        let width = facts.map(\.0.count).max() ?? 0
        var text = facts.map { "\($0.0.padded(to: width))  \($0.1)\n" }.joined()
        var table = TextTable()
        table.add(["operation", "nodes", "parameters"])
        for operation in summary.operations {
            table.add([
                operation.kind.asName, "\(operation.count)",
                operation.parameters == 0 ? "-" : "\(operation.parameters)",
            ])
        }
        text += "\n" + table.text
        if !summary.fixed.isEmpty {
            var rows = TextTable()
            rows.add(["not trained", "numbers", "why"])
            let width = summary.fixed.map(\.reason.count).max() ?? 0
            for tensor in summary.fixed {
                rows.add([tensor.name.asName, "\(tensor.count)", tensor.reason.padded(to: width)])
            }
            text += "\n" + rows.text
        }
        return text + summary.notes.map { "\nNote: \($0.visible())\n" }.joined()
    }

    private var fixedCount: Int { summary.fixed.reduce(0) { $0 + $1.count } }

    private var named: String {
        let names = summary.metadata.classNames
        guard !names.isEmpty else { return "" }
        return ": " + names.prefix(10).map(\.asName).joined(separator: ", ") + (names.count > 10 ? ", ..." : "")
    }
}

extension ForgottenRequest {
    /// The request in words, such as `classes 0, 2; 2026-01-31T12:00:00Z; record 1a2b...`.
    fileprivate var text: String {
        let what =
            samples.map { $0 == 1 ? "1 sample" : "\($0) samples" }
            ?? (classes.count == 1 ? "class " : "classes ") + classes.map(String.init).joined(separator: ", ")
        return ([what, date ?? "no date"] + [record.map { "record \($0)" } ?? "no record"]).joined(separator: "; ")
    }
}
