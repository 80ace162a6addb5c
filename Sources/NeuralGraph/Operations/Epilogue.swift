/// What a fused operation does to its results before it writes them: an addition, then an activation.
struct Epilogue: Sendable {
    /// Whether the operation's last input is added.
    var addsResidual = false
    /// What is applied to the sum; nil for nothing.
    var activation: ReLU?

    /// What comes after the operation's own name in its kind.
    var suffix: String {
        (addsResidual ? " + addition" : "") + (activation.map { " + \($0.kind)" } ?? "")
    }
}
