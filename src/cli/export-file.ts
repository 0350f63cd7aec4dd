/** Writes documents into a file that was not there, a line each; only its owner may read it. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { KittiwakeError, systemCode } from '../errors.ts'

/**
 * How many there were.
 *
 * @throws KittiwakeError EXPORT_EXISTS, EXPORT_WRITE
 */
export function exportInto(path: string, documents: Iterable<string>): number {
  let file: number | null = null
  let count = 0
  try {
    file = openSync(path, 'wx', 0o600)
    for (const document of documents) {
      writeSync(file, `${document}\n`)
      count += 1
    }
    return count
  } catch (error) {
    const code = systemCode(error)
    if (code === null || error instanceof KittiwakeError) throw error
    const isThere = code === 'EEXIST'
    throw new KittiwakeError(
      isThere ? 'EXPORT_EXISTS' : 'EXPORT_WRITE',
      isThere ? 'the file is there already' : `the file can't be written (${code})`,
      { hint: 'Name another file with --out.', cause: error },
    )
  } finally {
    if (file !== null) closeSync(file)
  }
}
