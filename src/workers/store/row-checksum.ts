/**
 * The checksum of an event's row: SQLite's own integrity check doesn't see a flipped bit in a body.
 */
import { crc32 } from 'node:zlib'

/** Why such a row is never sent. */
export const DAMAGED = 'CHECKSUM_MISMATCH'

/** The body of a tombstone. Its checksum stays, and by it the same event is known again. */
export const REMOVED = ''

/** CRC-32 over id, clock and body. */
export function rowChecksum(eventId: string, lamportClock: number, body: string): number {
  return crc32(body, crc32(`${eventId}\n${lamportClock}\n`))
}

/** Rows come without a checksum that counts, so whoever reads one for use asks here first. */
export function isIntact(row: {
  readonly event_id: string
  readonly lamport_clock: number
  readonly checksum: number
  readonly body: string
}): boolean {
  return rowChecksum(row.event_id, row.lamport_clock, row.body) === row.checksum
}
