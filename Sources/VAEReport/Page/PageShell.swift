/// What all pages have around their sections.
struct PageShell {
  let title: String
  /// Markup that stands below the title.
  let lead: String
  let sections: [Section]
  /// What the script draws from, as JSON; nil where nothing moves.
  var data: String?
  /// Whether the file will be written again while it is looked at.
  var isLive = false

  /// A part of a page with a heading.
  struct Section {
    let id: String
    let title: String
    let body: String
  }

  /// The whole document. It loads nothing: the policy in its head forbids that.
  var document: String {
    markup {
      "<!DOCTYPE html>"
      "<html lang=\"en\"\(isLive ? " data-live" : "")>"
      "<head><meta charset=\"utf-8\"><title>\(escaped(title))</title>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\">"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        + "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
      "<style>\n\(PageStyle.text)\n</style></head>"
      "<body><a class=\"skip\" href=\"#main\">Skip to the content</a>"
      "<header><h1>\(escaped(title))</h1>\n\(lead)"
      if isLive {
        "<p class=\"live\"><label><input type=\"checkbox\" id=\"reload\" checked> still training: load this page anew "
          + "every 15 seconds</label></p>"
      }
      "<nav aria-label=\"Sections\"><ul>"
      sections.map { "<li><a href=\"#\($0.id)\">\(escaped($0.title))</a></li>" }
      "</ul></nav></header>"
      "<main id=\"main\">"
      sections.map { section in
        "<section id=\"\(section.id)\" aria-labelledby=\"\(section.id)-title\">"
          + "<h2 id=\"\(section.id)-title\">\(escaped(section.title))</h2>\n\(section.body)\n</section>"
      }
      "</main>"
      "<footer>Every number is in nats per example, with all constants: −ELBO = distortion + rate. "
        + "Made by vae-zoo from what the run recorded while it was trained.</footer>"
      if let data {
        "<script type=\"application/json\" id=\"data\">\(data)</script>"
      }
      "<script>\n\(PageScript.text)\n</script>"
      "</body></html>\n"
    }
  }
}
