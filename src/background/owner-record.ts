/** Who holds the background lock, as its holder wrote it down; to be believed only while the lock is held. */
import { rmSync } from 'node:fs'
import { parseJsonObject } from '../contracts/json/json.ts'
import { systemCode } from '../errors.ts'
import { readPrivateFile, replacePrivateFile } from '../project/files/private-file.ts'

export type OwnerRecord = {
  readonly pid: number
  readonly version: string
  readonly started_at: string
  readonly protocol: number
  /** Drawn at the start. Who answers with it on the control socket is the one who wrote this. */
  readonly nonce: string
}

/** Unreadable isn't absent: one must not act as if nobody were there. */
export type OwnerReading =
  | { readonly state: 'present'; readonly record: OwnerRecord }
  | { readonly state: 'absent' }
  | { readonly state: 'unusable' }

const BYTES_MAX = 4 * 1024

export function readOwner(path: string): OwnerReading {
  try {
    const reading = readPrivateFile(path, BYTES_MAX)
    const record = reading.state === 'read' ? parseOwner(reading.text) : null
    return record === null ? { state: 'unusable' } : { state: 'present', record }
  } catch (error) {
    return { state: systemCode(error) === 'ENOENT' ? 'absent' : 'unusable' }
  }
}

function parseOwner(text: string): OwnerRecord | null {
  const { pid, version, started_at, protocol, nonce } = parseJsonObject(text, BYTES_MAX)
  const isOne =
    Number.isSafeInteger(pid) &&
    Number.isSafeInteger(protocol) &&
    typeof version === 'string' &&
    typeof started_at === 'string' &&
    typeof nonce === 'string' &&
    nonce.length >= 16
  return isOne ? ({ pid, version, started_at, protocol, nonce } as OwnerRecord) : null
}

/** For the holder of the lock. @throws the system's own errors */
export function writeOwner(path: string, record: OwnerRecord): void {
  replacePrivateFile(path, `${JSON.stringify(record)}\n`)
}

/** For the holder of the lock. @throws the system's own errors */
export function removeOwner(path: string): void {
  rmSync(path, { force: true })
}
