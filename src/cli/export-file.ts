/** Writes documents into a file that was not there, a line each; only its owner may read it. It gets its name when it is whole. */
import { closeSync, existsSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { KittiwakeError, systemCode } from '../errors.ts'
import {
  discard,
  sweepLeftovers,
  takeNewName,
  temporaryBeside,
} from '../project/files/durable-file.ts'

/** Of another export into a file of the same name. */
const LEFTOVER_MS = 3_600_000

/**
 * How many there were.
 *
 * @throws KittiwakeError EXPORT_EXISTS, EXPORT_WRITE
 */
export function exportInto(path: string, documents: Iterable<string>): number {
  if (existsSync(path)) throw exists()
  const temporary = temporaryBeside(path)
  try {
    sweepLeftovers(path, LEFTOVER_MS)
    const count = writeLines(temporary, documents)
    if (!takeNewName(temporary, path)) throw exists()
    return count
  } catch (error) {
    const code = systemCode(error)
    if (code === null || error instanceof KittiwakeError) throw error
    throw new KittiwakeError('EXPORT_WRITE', `the file can't be written (${code})`, {
      hint: 'Name another file with --out.',
      cause: error,
    })
  } finally {
    discard(temporary)
  }
}

function writeLines(path: string, documents: Iterable<string>): number {
  const file = openSync(path, 'wx', 0o600)
  let count = 0
  try {
    for (const document of documents) {
      writeSync(file, `${document}\n`)
      count += 1
    }
    fsyncSync(file)
    return count
  } finally {
    closeSync(file)
  }
}

function exists(): KittiwakeError {
  return new KittiwakeError('EXPORT_EXISTS', 'the file is there already', {
    hint: 'Name another file with --out.',
  })
}
