/**
 * Long lists of which a run tries a part: which one turns with the seed, so that all are tried in the course of time.
 * `ALL_ROWS=1` tries each; `ROWS_SEED` repeats what a failed run has printed.
 */

export const ALL_ROWS = process.env['ALL_ROWS'] === '1'
/** `build-once.ts` draws it once for all test files. */
export const ROWS_SEED = Number(process.env['ROWS_SEED'] ?? 0)

/** A step through a long sweep, and where this run begins: at least 1, at most the step. */
export type Stride = { readonly every: number; readonly first: number }

export function stride(every: number): Stride {
  return ALL_ROWS ? { every: 1, first: 1 } : { every, first: 1 + (ROWS_SEED % every) }
}

/** One of each `every` rows, and those that are always tried. */
export function rowsInTurn<Row>(
  rows: readonly Row[],
  every: number,
  isAlways: (row: Row) => boolean = () => false,
): Row[] {
  const { every: step, first } = stride(every)
  return rows.filter((row, at) => at % step === first - 1 || isAlways(row))
}
