/// The slider that moves everything below it through the training, with a button that plays it.
struct Scrubber {
  /// Positions of the slider; it stands at the last one.
  let count: Int
  /// What it says of itself.
  let name: String
  /// What the last position is.
  let text: String

  /// The controls, and the text that stands for them where there is no script, or on paper.
  var markup: String {
    VAEReport.markup {
      "<div class=\"scrubber\" role=\"group\" aria-label=\"Moment of the training\">"
      "<button type=\"button\" id=\"play\">▶ Play</button>"
      "<input type=\"range\" id=\"slider\" min=\"0\" max=\"\(count - 1)\" value=\"\(count - 1)\" step=\"1\" "
        + "aria-label=\"\(escaped(name))\">"
      "<output id=\"moment\" for=\"slider\">\(escaped(text))</output></div>"
      "<p class=\"note without-script\">Without a script this part shows the last record.</p>"
      "<p class=\"printed\" id=\"moment-printed\">\(escaped(text))</p>"
    }
  }
}
