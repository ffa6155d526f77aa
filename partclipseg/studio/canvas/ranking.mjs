// Names in their order as bars: how long each is and what stands beside it. Pure.

const percentOf = (share) => (share > 0 && share < 0.01 ? "<1%" : `${Math.round(share * 100)}%`);

/**
 * @param rows [{label, similarity, probability}], best first
 * @param by "similarity" (bars in proportion to the best) or "probability" (to certainty)
 * @returns [{label, text, length}]: length 0..1; a negative cosine has no bar
 */
export function ranking(rows, by) {
  const whole = by === "probability" ? 1 : Math.max(0, ...rows.map((row) => row.similarity));
  return rows.map((row) => ({
    label: row.label,
    text: by === "probability" ? percentOf(row.probability) : row.similarity.toFixed(2).replace("-", "−"),
    length: whole > 0 ? Math.min(1, Math.max(0, row[by] / whole)) : 0,
  }));
}

/** The surest objects in a line: "car 62%, truck 20%". */
export function inOneLine(rows, most = 3) {
  return rows.slice(0, most).map(({ label, probability }) => `${label} ${percentOf(probability)}`).join(", ");
}
