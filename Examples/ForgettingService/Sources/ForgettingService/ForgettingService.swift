import ArgumentParser
import Foundation
import Hummingbird
import Logging
import UnlearningLedger

/// A web service over a ledger: it takes requests, runs `unlearn ledger run` for them, and hands out records and reports.
///
/// The ledger is all that it keeps. Killed at any moment, it goes on where it was when it is started again.
@main
struct ForgettingService: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forgetting-service",
        abstract: "Serves a ledger made by 'unlearn ledger init' over HTTP.",
        discussion: "What follows -- goes to 'unlearn ledger run', such as --retain fashion-mnist.")

    @Argument(help: "The ledger's folder.")
    var ledger: String

    @Option(help: "The file whose first line is the bearer token that clients send.")
    var tokenFile: String

    @Option(help: "The program 'unlearn'.")
    var unlearn = ".build/release/unlearn"

    @Option(help: "The address to listen on. Put a proxy with TLS before any other than the default.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on.")
    var port = 8080

    @Argument(parsing: .postTerminator, help: "Options of 'unlearn ledger run'.")
    var runOptions: [String] = []

    func run() async throws {
        let url = URL(fileURLWithPath: ledger, isDirectory: true)
        // A ledger that is missing or damaged shows before anything listens.
        _ = try Ledger(url).state()
        var logger = Logger(label: "forgetting-service")
        logger.logLevel = .info
        let events = EventStream()
        let worker = Worker(
            ledger: url, program: URL(fileURLWithPath: unlearn), options: runOptions, events: events, logger: logger)
        let routes = Routes(ledger: url, worker: worker, events: events)
        let application = Application(
            router: routes.router(token: try token()),
            configuration: .init(address: .hostname(host, port: port), serverName: "forgetting-service"),
            services: [worker], logger: logger)
        try await application.runService()
    }

    private func token() throws -> String {
        let text = try String(contentsOfFile: tokenFile, encoding: .utf8)
        let line = text.split(whereSeparator: \.isNewline).first.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
        guard line.utf8.count >= 16 else {
            throw ValidationError("\(tokenFile): the token needs 16 characters or more, as by 'openssl rand -hex 32'")
        }
        return line
    }
}
