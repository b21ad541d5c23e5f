import VAEData
import VAERecipes

extension TableOptions {
  /// How a table is read for what a recipe says of its data.
  ///
  /// - Parameters:
  ///   - types: what somebody says of columns.
  ///   - data: what the recipe says; nil before there are data.
  public init(types: [String: TableColumnType], for data: DataDescription?) {
    self.init(
      types: types, recorded: data?.columns, recordedLabel: data?.labelColumn,
      needsLabels: data?.condition?.kind == .label)
  }
}
