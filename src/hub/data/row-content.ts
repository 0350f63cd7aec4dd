/** When the contents of two rows are the same. */
import { hash } from 'node:crypto'
import { FRAME_LENGTH_MAX } from '../../contracts/wire/read-frames.ts'
import { encodeJson, parseJson } from '../../contracts/json/json.ts'
import type { FeedRow } from './stored.ts'

/** The checksum that a row is kept with. */
export function hashOf(body: string): Buffer {
  // By way of a text, because such buffers share their memory, and each of the other kind has its own.
  return Buffer.from(hash('sha256', body, 'binary'), 'latin1')
}

/** Another writer may order the keys or escape the text differently; the event is the same then. */
export function isSameJson(one: string, other: string): boolean {
  try {
    return canonical(one) === canonical(other)
  } catch {
    return false
  }
}

/** An emptied row can't be compared any more: whoever sends it again was told of it once. */
export function isForgottenOrSame(stored: string, other: string): boolean {
  return stored === '' || isSameJson(stored, other)
}

function canonical(text: string): string {
  return encodeJson(parseJson(text, FRAME_LENGTH_MAX))
}

/** Rows up to a length, at least one; `body` is empty where it no longer matches its checksum. */
export function wholeRows(
  rows: Iterable<FeedRow & { readonly content_hash: Buffer }>,
  bytesMax: number,
): FeedRow[] {
  const whole: FeedRow[] = []
  let bytes = 0
  for (const { content_hash, ...row } of rows) {
    bytes += row.body.length
    if (bytes > bytesMax && whole.length > 0) break
    whole.push(content_hash.equals(hashOf(row.body)) ? row : { ...row, body: '' })
  }
  return whole
}
