/** Ids of git's objects: 40 hex digits of SHA-1, or 64 of SHA-256. */
import { createHash } from 'node:crypto'

/** What a repository names its objects by. */
export type HashName = 'sha1' | 'sha256'

/** For patterns. The longer one comes first, so that an id is never taken for the first part of another. */
export const OID = '(?:[0-9a-f]{64}|[0-9a-f]{40})'

const WHOLE = new RegExp(`^${OID}$`)

export function isOid(text: string): boolean {
  return WHOLE.test(text)
}

/** The hash that an id was made by. */
export function hashOf(oid: string): HashName {
  return oid.length === 64 ? 'sha256' : 'sha1'
}

/** How long an id is where it is written as bytes. */
export function oidBytesOf(hash: HashName): number {
  return hash === 'sha256' ? 32 : 20
}

/** The id of an object by its content, as git computes it. */
export function objectId(hash: HashName, type: string, bytes: Uint8Array): string {
  return createHash(hash).update(`${type} ${bytes.length}\0`).update(bytes).digest('hex')
}
