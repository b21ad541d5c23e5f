import ArgumentParser
import VAEFiles
import VAEReport
import VAETraining

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write one HTML file that shows what happened in a training.",
    discussion: """
      Learning curves, the way through the plane of rate and distortion, the latent space through training against its \
      prior, rates of units, reconstructions and samples, evaluations, recipe and timing, from what the run folder \
      recorded: data and model are not needed. The file loads nothing, so it can be sent and kept. It also works while \
      the run is trained.
      """)

  @Argument(help: ArgumentHelp("A run folder.", valueName: "run")) var path: String
  @Option(
    help: ArgumentHelp("The file to write (default: report.html in the run).", valueName: "file"))
  var out: String?
  @OptionGroup var limits: LimitOptions

  func run() throws {
    let output = try out.map { try PageOutput($0) } ?? PageOutput(run: path)
    let history = try RunHistory.read(path)
    for notice in history.notices { Console.error(text: notice) }
    try output.write(Report.page(history))
    if history.records.isEmpty {
      Console.error(
        "\(path) has no records, so the page shows neither latents nor pictures; train without --no-records"
      )
    }
  }
}

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Show several runs side by side.",
    discussion: """
      A table on standard output: the last held-out numbers of each run and, where it was evaluated, what that found; \
      then means and standard deviations of the runs that differ in their seeds only. \
      With --out also an HTML file: all runs in one plane of rate and distortion, learning curves, one slider that \
      moves latents, rates, histograms and pictures of all runs through the training, and the settings that differ.

        vae-zoo compare beta1 beta2 beta4 --out betas.html
      """)

  @Argument(help: ArgumentHelp("Run folders, two or more.", valueName: "run")) var paths: [String]
  @Option(help: ArgumentHelp("The HTML file to write.", valueName: "file")) var out: String?
  @OptionGroup var limits: LimitOptions

  func validate() throws {
    if paths.count < 2 { throw ValidationError("compare takes two runs or more") }
  }

  func run() throws {
    let output = try out.map { try PageOutput($0) }
    let runs = try paths.map(RunHistory.read)
    for notice in runs.flatMap(\.notices) { Console.error(text: notice) }
    let comparison = Comparison(runs)
    comparison.print()
    try output?.write(Report.page(comparison))
  }
}

extension Comparison {
  /// Prints the tables on standard output.
  func print() {
    if let note { Console.error(text: note) }
    Console.error(Console.unitsNotice)
    for table in [table] + (seedTable.map { [$0] } ?? []) {
      Console.print(Console.table([table.header] + table.rows))
    }
  }
}

/// Where a page goes.
struct PageOutput {
  private enum Place {
    /// A file that the user named.
    case file(String)
    /// The report of a run folder.
    case run(String)
  }

  private let place: Place

  /// The report of a run folder.
  init(run path: String) { place = .run(path) }

  /// Checks the ending of the path.
  init(_ path: String) throws {
    guard path.hasSuffix(".html") || path.hasSuffix(".htm") else {
      throw ValidationError("--out \(path) must end in .html")
    }
    place = .file(path)
  }

  /// Writes the page whole or not at all, and says so.
  func write(_ page: [UInt8]) throws {
    let written: String
    switch place {
    case .file(let path):
      try DurableFiles.replace(path, with: page)
      written = path
    case .run(let path): written = try RunFolder.open(path).writeReport(page)
    }
    Console.error("wrote \(written), \(Console.fixed(Double(page.count) / 1e6, 1)) MB")
  }
}
