import Foundation
package import Unlearning

/// What doing a recorded run again has shown.
package struct ReplayResult: Sendable {
    /// How a replay ended.
    package enum Outcome: String, Sendable, Codable {
        /// The new model has the recorded digest.
        case same
        /// The original, the images, a loss or the new model are others than recorded.
        case mismatch
        /// This machine computes with other last bits, so that nothing can be said.
        case notReplayable
    }

    /// How it ended.
    package let outcome: Outcome
    /// What differs, or why nothing can be said, in sentences for people; empty if all is the same.
    package let findings: [String]
    /// The digest of the model that was made again; nil if none was made.
    package let digest: SHA256Digest?
    /// The optimizer steps that were taken.
    package let steps: Int

    package init(_ outcome: Outcome, findings: [String] = [], digest: SHA256Digest? = nil, steps: Int = 0) {
        self.outcome = outcome
        self.findings = findings
        self.digest = digest
        self.steps = steps
    }
}

extension ForgettingRun {
    /// Why a machine gives other last bits than the one that the run was on; empty if it gives the same.
    package func obstacles(on machine: ComputingEnvironment = .current) -> [String] {
        guard let environment else { return ["the record does not say what the run computed with"] }
        return environment.differences(to: machine, in: precision ?? .float32)
            + environment.hints(on: machine, in: precision ?? .float32)
    }

    /// Where the losses of the run done again differ first; nil if all are equal.
    package func firstDifference(to outcome: UnlearningOutcome) -> String? {
        for phase in RunPhase.allCases {
            let (recorded, found) = (losses[phase.rawValue] ?? [], outcome.losses[phase] ?? [])
            if let step = zip(recorded, found).enumerated().first(where: { $0.element.0 != $0.element.1 })?.offset {
                return
                    "The losses differ from step \(step + 1) of \(phase.rawValue) on: \(recorded[step]) is recorded, and "
                    + "\(found[step]) came out."
            }
            if recorded.count != found.count {
                return "\(recorded.count) steps of \(phase.rawValue) are recorded, and \(found.count) were taken."
            }
        }
        return nil
    }
}

extension ComputingEnvironment {
    /// What a user may set so that a machine computes like this one, as far as its processor can.
    fileprivate func hints(on machine: ComputingEnvironment, in precision: Precision) -> [String] {
        var hints: [String] = []
        guard architecture == machine.architecture else { return [] }
        if matrixKernels != machine.matrixKernels, openBLASVersion == machine.openBLASVersion {
            hints.append("OPENBLAS_CORETYPE=\(matrixKernels) selects the recorded kernels, if this processor has them")
        }
        if vectorKernels != machine.vectorKernels, processorLevel == machine.processorLevel {
            hints.append("UNLEARNING_KERNELS=\(vectorKernels) selects the recorded loops")
        } else if precision == .bfloat16, let bfloat16Kernels, bfloat16Kernels != machine.bfloat16Kernels {
            hints.append("UNLEARNING_KERNELS=\(bfloat16Kernels) selects the recorded ones, if this processor has them")
        }
        return hints
    }
}

extension Model {
    /// Where another model's tensors differ, in sentences for people; empty if none does.
    package func tensorDifferences(to other: Model, limit: Int = 5) -> [String] {
        let (own, others) = (stateDictionary, other.stateDictionary)
        var found: [String] = []
        for name in Set(own.keys).union(others.keys).sorted() {
            guard let first = own[name], let second = others[name], first.shape == second.shape else {
                found.append("Tensor '\(name)' is missing in one of them, or has another shape.")
                continue
            }
            let changed = zip(first.elements, second.elements).count { $0.bitPattern != $1.bitPattern }
            if changed > 0 { found.append("Tensor '\(name)' differs in \(changed) of \(first.count) numbers.") }
        }
        return found.count > limit ? found.prefix(limit) + ["\(found.count - limit) more tensors differ."] : found
    }
}
