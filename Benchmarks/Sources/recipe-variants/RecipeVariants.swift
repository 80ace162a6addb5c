import Foundation
import Unlearning

/// Measures on Fashion-MNIST what `unlearn compare` cannot, in the same way against retraining:
///
///     recipe-variants settings|plain-cnn FOLDER CLASSES SEEDS
///
/// `settings`: variants of the default recipe on ResNet-18 (7x7 stem). `plain-cnn`: the presets on a small network without
/// batch norm. FOLDER keeps what is finished, and what `unlearn compare` keeps there is taken. Prints a JSON object with a
/// row for each method.
@main
struct RecipeVariants {
    static func main() async {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            guard arguments.count == 4, let study = Study(rawValue: arguments[1]),
                let seeds = UInt64(arguments[4]), seeds > 0
            else { throw VariantsError(message: "usage: recipe-variants settings|plain-cnn FOLDER CLASSES SEEDS") }
            let folder = URL(fileURLWithPath: arguments[2], isDirectory: true)
            let classes = try arguments[3].split(separator: ",").map { text in
                guard let number = Int(text) else { throw VariantsError(message: "'\(text)' is no class") }
                return number
            }
            let (train, test) = (try FashionMNIST(split: .train), try FashionMNIST(split: .test))
            let network = try study.network
            let result = try await MethodComparison(methods: study.methods, seeds: Array(0..<seeds)).run(
                { try Model(untrained: network, for: train, seed: $0) }, forgetting: Set(classes), images: train,
                test: test, keepingIn: folder
            ) { step, progress in
                guard progress.step == 1 else { return }
                FileHandle.standardError.write(Data("\(step.seed) \(step.name): \(progress.phase)\n".utf8))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            print(String(decoding: try encoder.encode(Report(result)), as: UTF8.self))
        } catch {
            FileHandle.standardError.write(Data("recipe-variants: \(error)\n".utf8))
            exit(1)
        }
    }
}

/// What is compared on which network.
enum Study: String {
    case settings
    case plain = "plain-cnn"

    var network: any Architecture {
        get throws {
            switch self {
            case .settings: try Architectures.named(ArchitectureIdentifier(name: "resnet18"))
            case .plain: PlainCNN()
            }
        }
    }

    var methods: [any UnlearningMethod] {
        switch self {
        case .settings: Variant.all
        case .plain:
            [
                PrototypeRepair.default, PrototypeRepair.fast, UNSIR(configuration: .paper), MaskedTeacherRepair(),
                LastRowEdit(),
            ]
        }
    }
}

struct VariantsError: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}

/// A method with settings that differ from its preset's, under a name that says in what.
struct Variant: UnlearningMethod {
    let name: String
    let base: any UnlearningMethod

    var requirements: Set<Requirement> { base.requirements }
    var supportsSamples: Bool { base.supportsSamples }

    func validate() throws { try base.validate() }
    func phaseCosts(of request: UnlearningRequest) -> [Double] { base.phaseCosts(of: request) }
    func run(_ request: UnlearningRequest, _ run: UnlearningSession) throws -> Model { try base.run(request, run) }
    func encode(to encoder: any Encoder) throws { try base.encode(to: encoder) }

    /// The default's settings with changes; without its guard, so that what is measured is the recipe.
    private static func prototypes(_ name: String, _ change: (inout PrototypeRepair) -> Void) -> Variant {
        var method = PrototypeRepair.default
        method.guarding = nil
        change(&method)
        return Variant(name: name, base: method)
    }

    static let all: [Variant] = [
        prototypes("as-default") { _ in },
        prototypes("mu-0") { $0.featureWeight = 0 },
        prototypes("mu-1") { $0.featureWeight = 1 },
        prototypes("mu-16") { $0.featureWeight = 16 },
        prototypes("labels-alone") { $0.labelShare = 1 },
        prototypes("teacher-alone") { $0.labelShare = 0 },
        prototypes("rate-0.002") { $0.learningRate = 2e-3 },
        prototypes("rate-0.008") { $0.learningRate = 8e-3 },
        prototypes("last-quarter") { $0.trainedShare = 0.25 },
        prototypes("whole-network") { $0.trainedShare = 1 },
    ]
}

/// What is printed.
struct Report: Encodable {
    let rows: [Row]

    init(_ result: ComparedMethods) {
        rows = result.methods.map { Row(result, $0) }
    }
}

/// A variant's means, named as in `unlearn compare-methods --json`.
struct Row: Encodable {
    struct Figure: Encodable {
        let mean: Double
        let margin: Double?
    }

    let method: String
    let figures: [String: Figure]

    init(_ result: ComparedMethods, _ method: String) {
        self.method = method
        figures = Dictionary(
            uniqueKeysWithValues: ComparedFigure.allCases.compactMap { figure in
                result.summary(of: figure, for: method).map {
                    (figure.rawValue, Figure(mean: $0.mean, margin: $0.margin))
                }
            })
    }
}
