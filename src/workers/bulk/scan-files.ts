/** Finds the lines of some files that have a term; stateless, so that a pool can take many. */
import { join } from 'node:path'
import { readBounded } from '../../project/files/bounded-file.ts'
import { categoryOfLine, categoryOfPath } from '../../project/bulk-edit/occurrence-category.ts'
import { hasTerm } from '../../project/bulk-edit/term.ts'

export type ScanTask = {
  /** Absolute. */
  readonly root: string
  /** Below the root. */
  readonly paths: readonly string[]
  /** Longest first. */
  readonly terms: readonly string[]
}

export type FoundLine = {
  readonly path: string
  /** From 1; 0: the path itself has the term. */
  readonly line: number
  /** Null where no kind fits. */
  readonly category: string | null
}

export type ScanAnswer = {
  readonly found: readonly FoundLine[]
  /** Files that hold the term, or may hold it, and can't be looked at line by line. */
  readonly opaque: readonly { readonly path: string; readonly reason: string }[]
}

const FILE_SIZE_MAX_BYTES = 16 * 1024 * 1024
/** Git, too, calls a file binary by what stands at its beginning. */
const BINARY_LOOK_BYTES = 8_000

/** Total: any file gives an answer. Symbolic links are not followed, nothing waits for a pipe. */
export default function scanFiles({ root, paths, terms }: ScanTask): ScanAnswer {
  const found: FoundLine[] = []
  const opaque: { path: string; reason: string }[] = []
  for (const path of paths) {
    if (hasTerm(path, terms)) found.push({ path, line: 0, category: 'filesystem_paths' })
    const read = readBounded(join(root, path), FILE_SIZE_MAX_BYTES, { followLink: false })
    if (read.state !== 'read') {
      // A link is told by its name alone, and what is gone has nothing.
      if (read.state === 'unusable' && read.reason !== 'not_a_file') {
        opaque.push({ path, reason: read.reason })
      }
      continue
    }
    const { bytes } = read
    if (!terms.some((term) => bytes.includes(term))) continue
    if (bytes.subarray(0, BINARY_LOOK_BYTES).includes(0)) opaque.push({ path, reason: 'binary' })
    else found.push(...linesIn(path, bytes.toString('utf8'), terms))
  }
  return { found, opaque }
}

function linesIn(path: string, text: string, terms: readonly string[]): readonly FoundLine[] {
  // Of all but code, the path says what its lines are.
  const category = categoryOfPath(path)
  return text.split('\n').flatMap((line, at) =>
    hasTerm(line, terms)
      ? [
          {
            path,
            line: at + 1,
            category: category === 'code_symbols' ? categoryOfLine(path, line) : category,
          },
        ]
      : [],
  )
}
