import Foundation
import ImageDatasets
import ImageFolders
import NeuralGraph
import Unlearning
import UnlearningReports

/// What this machine has, and what is missing.
struct CheckReport: Report {
    /// Something that keeps the program from working, or from working well.
    struct Problem: Encodable, Sendable {
        enum Severity: String, Encodable {
            /// The program works, but worse than it could.
            case warning
            /// What was asked for does not work.
            case missing
        }

        let severity: Severity
        let message: String
        let remedy: String

        var text: String { "\(severity == .missing ? "Missing" : "Warning"): \(message); \(remedy)\n" }
    }

    let processor = ProcessorInfo.current
    let engine: EngineEnvironment
    let memory: SystemMemory
    /// The bytes that a training step of a ResNet-18 takes with the default options.
    let trainingBytes = Self.trainingBytes
    let datasets: [CheckedDataset]
    let libraries: [String: String]
    /// Whether standard error is a terminal on which progress is drawn.
    let isInteractive = Terminal.isPresent
    let problems: [Problem]

    init(engine: EngineEnvironment, memory: SystemMemory, datasets: [CheckedDataset]) {
        self.engine = engine
        self.memory = memory
        self.datasets = datasets
        var libraries = Dictionary(uniqueKeysWithValues: PictureLibraries.versions.map { ($0.name, $0.version) })
        libraries["LAPACK"] = engine.lapackVersion
        libraries["zlib"] = ZlibLibrary.version
        libraries["OpenSSL"] = SHA256Digest.libraryVersion
        self.libraries = libraries
        let environment = ProcessInfo.processInfo.environment
        problems =
            Self.problems(of: engine, environment: environment)
            + Self.problems(of: memory, trainingBytes: trainingBytes)
            + datasets.compactMap(Self.problem)
    }

    /// What is wrong with loops, kernels and the program itself.
    static func problems(of engine: EngineEnvironment, environment: [String: String]) -> [Problem] {
        var problems: [Problem] = []
        #if DEBUG
            problems.append(
                Problem(
                    severity: .warning,
                    message: "this program was built without optimization and is about 50 times slower",
                    remedy: "build it by swift build -c release"))
        #endif
        if engine.bfloat16Kernels != engine.bestBFloat16Kernels {
            problems.append(
                Problem(
                    severity: .warning,
                    message: "UNLEARNING_KERNELS picks the \(engine.bfloat16Kernels) loops, and this processor has "
                        + engine.bestBFloat16Kernels,
                    remedy: "unset the variable"))
        }
        if let better = engine.betterMatrixKernels {
            problems.append(kernelProblem(engine, better: better, chosen: environment["OPENBLAS_CORETYPE"]))
        }
        return problems
    }

    /// - Parameters:
    ///   - better: the kernels to ask for.
    ///   - chosen: what `OPENBLAS_CORETYPE` asks for; nil if it is not set.
    private static func kernelProblem(_ engine: EngineEnvironment, better: String, chosen: String?) -> Problem {
        let kernels =
            "OpenBLAS's \(engine.matrixKernels) kernels, which run at a fraction of this processor's speed: audits take "
            + "longer, training does not"
        if let chosen {
            return Problem(
                severity: .warning, message: "OPENBLAS_CORETYPE=\(chosen) picks \(kernels)",
                remedy: "unset the variable")
        }
        return Problem(
            severity: .warning,
            message: "OpenBLAS \(engine.openBLASVersion) does not know this processor and falls back to \(kernels)",
            remedy: "set OPENBLAS_CORETYPE=\(better), or install a newer OpenBLAS")
    }

    private static func problems(of memory: SystemMemory, trainingBytes: Int) -> [Problem] {
        guard memory.usable < trainingBytes else { return [] }
        return [
            Problem(
                severity: .warning,
                message:
                    "\(memory.usable.gibibytes) of memory are usable, and training resnet18 with the default options "
                    + "takes \(trainingBytes.gibibytes)",
                remedy: "give a smaller --batch-size")
        ]
    }

    private static func problem(_ dataset: CheckedDataset) -> Problem? {
        guard let fault = dataset.fault else { return nil }
        // Every message of a data set ends in its remedy.
        let parts = fault.split(separator: "; ", maxSplits: 1)
        return Problem(
            severity: .missing, message: "\(dataset.name): \(parts[0])",
            remedy: parts.count > 1 ? String(parts[1]) : "give another data set by --dataset")
    }

    private static var trainingBytes: Int {
        guard let network = try? Architectures.named(ArchitectureIdentifier(name: "resnet18")),
            let graph = try? network.graph(inputShape: [32, 32, 3], classes: 10)
        else { return 0 }
        let plan = ExecutionSummary(training: graph, batchCapacity: TrainingConfiguration().batchSize)
        // The optimizer keeps two numbers for each parameter.
        let trained = graph.parameters.map(\.specification).filter(\.isTrained)
        let parameters = trained.reduce(0) { $0 + $1.shape.count }
        return plan.byteCount + 2 * MemoryLayout<Float>.stride * parameters
    }

    private var missing: [Problem] { problems.filter { $0.severity == .missing } }

    var exitCode: Int32 { missing.isEmpty ? 0 : 1 }

    var error: String? {
        missing.isEmpty ? nil : missing.map { "\($0.message); \($0.remedy)" }.joined(separator: "; also: ")
    }

    var text: String {
        var table = TextTable(alignsAllLeft: true)
        for (title, value) in facts { table.add([title, value]) }
        let ending = missing.isEmpty ? "Ready.\n" : "Not ready: \(missing.count) missing.\n"
        return table.text + "\n" + problems.map(\.text).joined() + ending
    }

    private var facts: [(String, String)] {
        let limits = [
            engine.processorAffinity.map { "\($0) by affinity" }, engine.processorQuota.map { "\($0) by quota" },
        ].compactMap(\.self)
        let memoryLimits = [
            memory.groupLimit.map { "control group's limit \($0.gibibytes)" },
            memory.addressSpaceLimit.map { "address space \($0.gibibytes)" },
        ].compactMap(\.self)
        let processors = ["\(engine.usableProcessors) usable", "\(engine.onlineProcessors) online"] + limits
        let memories = ["\(memory.usable.gibibytes) usable", "\(memory.total.gibibytes) in all"] + memoryLimits
        let versions = libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        var facts: [(String, String)] = [
            ("program", "unlearn \(PackageVersion.current)"),
            ("processor", "\(processor.name), \(processor.architecture)"),
            ("own loops", "\(engine.vectorKernels); bfloat16: \(engine.bfloat16Kernels)"),
            ("OpenBLAS", "\(engine.openBLASVersion), \(engine.matrixKernels) kernels"),
            ("products", products),
            ("processors", processors.joined(separator: ", ")),
            ("memory", memories.joined(separator: ", ")),
            ("training", "resnet18 with the default options takes \(trainingBytes.gibibytes)"),
        ]
        for dataset in datasets { facts.append(("data set", dataset.text)) }
        facts.append(("libraries", versions.joined(separator: ", ")))
        let terminal = isInteractive ? "interactive, \(Terminal.columns) columns" : "not interactive, no progress shown"
        facts.append(("terminal", terminal))
        return facts
    }
}

extension CheckReport {
    /// What multiplies matrices that plans do not pack.
    private var products: String {
        engine.usesOwnProducts
            ? "by own loops, since OpenBLAS's \(engine.matrixKernels) kernels are slower"
            : "by own loops where a plan packs weights, others by OpenBLAS's \(engine.matrixKernels) kernels"
    }

    enum CodingKeys: CodingKey {
        case datasets, error, libraries, memory, openBLAS, problems, processor, ready, terminal, trainingBytes, version
    }

    private enum ProcessorKeys: CodingKey {
        case affinity, architecture, bestBFloat16Kernels, bestVectorKernels, bfloat16Kernels, name, online, quota,
            usable, vectorKernels
    }

    private enum MemoryKeys: CodingKey {
        case addressSpaceLimit, available, groupLimit, total, usable
    }

    private enum OpenBLASKeys: CodingKey {
        case configuration, kernels, multiplies, version
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(datasets, forKey: .datasets)
        try container.encodeIfPresent(error.map { FailureDetails(exitCode: exitCode, message: $0) }, forKey: .error)
        try container.encode(libraries, forKey: .libraries)
        try container.encode(problems, forKey: .problems)
        try container.encode(missing.isEmpty, forKey: .ready)
        try container.encode(["isInteractive": isInteractive], forKey: .terminal)
        try container.encode(trainingBytes, forKey: .trainingBytes)
        try container.encode(PackageVersion.current, forKey: .version)
        var blas = container.nestedContainer(keyedBy: OpenBLASKeys.self, forKey: .openBLAS)
        try blas.encode(engine.openBLASConfiguration, forKey: .configuration)
        try blas.encode(engine.matrixKernels, forKey: .kernels)
        try blas.encode(!engine.usesOwnProducts, forKey: .multiplies)
        try blas.encode(engine.openBLASVersion, forKey: .version)
        var bytes = container.nestedContainer(keyedBy: MemoryKeys.self, forKey: .memory)
        try bytes.encode(memory.addressSpaceLimit, forKey: .addressSpaceLimit)
        try bytes.encode(memory.available, forKey: .available)
        try bytes.encode(memory.groupLimit, forKey: .groupLimit)
        try bytes.encode(memory.total, forKey: .total)
        try bytes.encode(memory.usable, forKey: .usable)
        var cores = container.nestedContainer(keyedBy: ProcessorKeys.self, forKey: .processor)
        try cores.encode(engine.processorAffinity, forKey: .affinity)
        try cores.encode(processor.architecture, forKey: .architecture)
        try cores.encode(engine.bestBFloat16Kernels, forKey: .bestBFloat16Kernels)
        try cores.encode(engine.bestVectorKernels, forKey: .bestVectorKernels)
        try cores.encode(engine.bfloat16Kernels, forKey: .bfloat16Kernels)
        try cores.encode(processor.name, forKey: .name)
        try cores.encode(engine.onlineProcessors, forKey: .online)
        try cores.encode(engine.processorQuota, forKey: .quota)
        try cores.encode(engine.usableProcessors, forKey: .usable)
        try cores.encode(engine.vectorKernels, forKey: .vectorKernels)
    }
}

/// The processor by name.
struct ProcessorInfo: Sendable {
    let name: String
    let architecture: String

    /// This machine's.
    static var current: ProcessorInfo {
        var system = utsname()
        uname(&system)
        let architecture = withUnsafeBytes(of: &system.machine) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return ProcessorInfo(name: modelName ?? "unknown", architecture: architecture)
    }

    private static var modelName: String? {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }
}

extension Int {
    /// Bytes in GiB with one decimal.
    fileprivate var gibibytes: String { String(format: "%.1f GiB", Double(self) / Double(1 << 30)) }
}
