import { createHash } from 'node:crypto'
import { hyphenate } from './event-id.ts'

/** The name-based UUID (version 5, SHA-1) of RFC 9562, in lower case. `namespace` is a UUID with hyphens. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6)
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8)
  return hyphenate(hash.toString('hex', 0, 16))
}
