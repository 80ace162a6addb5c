public import Foundation
import Plotting
public import Unlearning

/// An audit as one HTML file for people: the verdict, then all measures as plots and tables.
///
/// The page needs no network, and adapts to phones, paper, and light and dark mode.
public struct AuditReport: Sendable {
    /// The audit's result.
    package let result: AuditResult
    /// The record of the result.
    package let record: AuditRecord
    /// The learned noise to show; may be empty.
    package let noise: [Noise]

    /// Creates a report.
    /// - Parameters:
    ///   - result: the audit's result, with its figures.
    ///   - record: the record of the result.
    ///   - noise: the learned noise to show, if any.
    public init(_ result: AuditResult, record: AuditRecord, noise: [Noise] = []) {
        self.result = result
        self.record = record
        self.noise = noise
    }

    /// Writes the report atomically.
    /// - Throws: `FileError` if it cannot be written, or an encoding error.
    public func write(to url: URL) throws {
        try AtomicFile.write(Data(try html().utf8), to: url)
    }

    /// Renders the report as HTML.
    /// - Throws: an encoding error.
    public func html() throws -> String {
        var page = Page()
        addMeasures(to: &page)
        addClasses(to: &page)
        addConfusion(to: &page)
        addRun(to: &page)
        addLayers(to: &page)
        addMembership(to: &page)
        addEmbeddings(to: &page)
        addAttention(to: &page)
        addRelearning(to: &page)
        try addRecord(to: &page)
        addGlossary(to: &page)

        return page.document(title: title) { addSummary(to: &$0) }
    }

    /// The forgotten classes in words.
    var forgottenNames: String {
        if let samples = result.forgottenSamples { return "\(samples) samples" }
        return result.forgottenClasses.map(result.classNames.className).inWords
    }

    private var title: String { "Unlearning audit: \(forgottenNames)" }
}
